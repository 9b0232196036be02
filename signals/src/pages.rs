//! The pages of the reference: metrics, and alerts with what to do about them.

use crate::alarms::{self, Alarm};
use crate::alerts::{self, urgency};
use crate::{Signal, catalogue, dashboards};

/// A link from a page of `docs/reference` to a heading.
fn link(runbook: &str) -> String {
    let (page, _) = runbook.split_once('#').unwrap_or((runbook, ""));
    let name = page.rsplit('/').next().unwrap_or(page).trim_end_matches(".md");
    format!("[{name}](../{})", runbook.trim_start_matches("docs/"))
}

/// Alerts that read a metric.
fn alerts_on(signal: &Signal) -> Vec<String> {
    let reads = |alert: &alerts::Described| {
        let histogram =
            crate::slo::ALL.iter().find(|slo| alert.expression.contains(&format!("slo=\"{}\"", slo.id)));
        signal.is_read_by(&alert.expression) || histogram.is_some_and(|slo| slo.histogram == signal.name)
    };
    alerts::all().into_iter().filter(reads).map(|alert| format!("`{}`", alert.name)).collect()
}

fn row(signal: &Signal) -> String {
    let shown: Vec<String> = dashboards::ALL
        .iter()
        .filter(|one| dashboards::that_show(signal).iter().any(|(shows, _)| shows.id == one.id))
        .map(|one| one.id.to_owned())
        .collect();
    let shown = match signal.not_shown {
        Some(reason) => format!("none: {reason}"),
        None => shown.join(", "),
    };
    format!(
        "| `{}` | {} | {} | {} | {} | {} | {shown} | {} |\n",
        signal.name,
        signal.kind.as_str(),
        signal.unit.as_str(),
        signal.labels.join(", "),
        signal.help,
        signal.normal,
        alerts_on(signal).join(", "),
    )
}

/// `docs/reference/metrics.md`.
pub fn metrics() -> String {
    let mut page = String::from(
        "# Metrics\n\nThe metrics that `/metrics` of every `reelgate serve` returns, in Prometheus' text format. Labels are words \
         of the code; no\nkey, name or content of an upload is ever a label. All sets of labels are there from the start with zero, but for \
         those of\n`reelgate_findings_total`; what the store counts is there once the store has answered. [Alerts](alerts.md) says \
         what wakes somebody.\n\n| metric | kind | unit | labels | what it counts | normal | dashboards | alerts |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    catalogue::ALL.iter().for_each(|signal| page += &row(signal));
    page
}

fn alarm_row(alarm: &Alarm) -> String {
    let Alarm { id, meaning, consequence, runbook, command, .. } = alarm;
    format!("| `reelgate-ENV-{id}` | {meaning} | {consequence} | {} | `{command}` |\n", link(runbook))
}

/// `docs/reference/alerts.md`.
pub fn alerts() -> String {
    let mut page = String::from(
        "# Alerts and alarms\n\n`page` wakes somebody; `ticket` waits for working hours. [Metrics](metrics.md) says what each metric counts.\n\n\
         ## Alerts of Prometheus\n\n`deploy/dashboards/reelgate.rules.yml` holds the rules. The last eight are about the objectives of \
         [the design](../design/signals.md): `Burns`\nmeans that the room for exceptions of 30 days is used up within days, `Shrinks` within weeks.\n\n\
         | alert | urgency | meaning | consequence | runbook | begin with |\n|---|---|---|---|---|---|\n",
    );
    for alert in alerts::all() {
        page += &format!(
            "| `{}` | {} | {} | {} | {} | `{}` |\n",
            alert.name,
            urgency(alert.pages),
            alert.meaning,
            alert.consequence,
            link(alert.runbook),
            alert.command
        );
    }
    page += "\n## Alarms of CloudWatch\n\n`deploy/stack/observe.json` makes them; they also work where no Prometheus runs. \
             `deploy/stack/events.yaml` has one more, on dead letters.\n\n\
             | alarm | meaning | consequence | runbook | begin with |\n|---|---|---|---|---|\n";
    alarms::ALL.iter().for_each(|alarm| page += &alarm_row(alarm));
    page
}
