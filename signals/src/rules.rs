//! The rules of Prometheus: the recorded shares of the objectives, and every alert.

use crate::alerts::{self, urgency};
use crate::slo;

const HEADER: &str =
    "# Made by `reelgate signals rules`; do not edit. docs/reference/alerts.md lists the alerts.\n";

/// A text as YAML: its quoted scalars are those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The file of rules.
pub fn file() -> String {
    let mut text = String::from(HEADER);
    text += "groups:\n  - name: reelgate-objectives\n    rules:\n";
    for slo in &slo::ALL {
        for window in slo::WINDOWS {
            text += &format!("      - record: {}\n", quoted(&slo::recorded(window)));
            text += &format!("        expr: {}\n", quoted(&slo.bad_share(window)));
            text += &format!("        labels:\n          slo: {}\n", quoted(slo.id));
        }
    }
    text += "  - name: reelgate-alerts\n    rules:\n";
    for alert in alerts::all() {
        let rows = [
            ("      - alert", alert.name.as_str()),
            ("        expr", &alert.expression),
            ("        for", alert.lasts),
        ];
        for (key, value) in rows {
            text += &format!("{key}: {}\n", quoted(value));
        }
        text += &format!("        labels:\n          severity: {}\n", quoted(urgency(alert.pages)));
        text += "        annotations:\n";
        for (key, value) in [
            ("summary", alert.meaning),
            ("consequence", alert.consequence),
            ("runbook", alert.runbook),
            ("command", alert.command),
        ] {
            text += &format!("          {key}: {}\n", quoted(value));
        }
    }
    text
}

/// The file by name.
pub fn files() -> Vec<(String, String)> {
    vec![("reelgate.rules.yml".to_owned(), file())]
}
