//! Prometheus' own judge runs the rules: each alert fires in its fault and clears after it, and none does in a clean day.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use reelgate_signals::alerts::{self, Described, urgency};
use reelgate_signals::{rules, slo};

use crate::scenarios::{BEGINS, FAULTS, clean};

/// Runs promtool in a folder with the rules.
fn promtool(dir: &Path, arguments: &[&str]) {
    let output = Command::new("promtool").args(arguments).current_dir(dir).output();
    let output = output.unwrap_or_else(|error| {
        panic!("promtool: {error}; deploy/local/setup.sh --with-tests installs Debian's package prometheus")
    });
    let talk =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{talk}");
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("rules.yml"), rules::file()).unwrap();
    dir
}

fn described(name: &str) -> Described {
    alerts::all().into_iter().find(|alert| alert.name == name).unwrap_or_else(|| panic!("no alert {name}"))
}

/// One test of promtool, as YAML.
struct Scenario {
    interval: &'static str,
    series: Vec<(String, String)>,
    checks: String,
}

impl Scenario {
    fn new(interval: &'static str, series: Vec<(String, String)>) -> Self {
        Self { interval, series, checks: String::new() }
    }

    /// At this minute the alert fires with these labels, or does not.
    fn expect(&mut self, minute: u32, name: &str, labels: Option<&[(&str, &str)]>) {
        let text = &mut self.checks;
        writeln!(text, "      - eval_time: {minute}m\n        alertname: {name}").unwrap();
        let Some(labels) = labels else {
            return writeln!(text, "        exp_alerts: []").unwrap();
        };
        let alert = described(name);
        writeln!(text, "        exp_alerts:\n          - exp_labels:").unwrap();
        for (label, value) in labels.iter().copied().chain([("severity", urgency(alert.pages))]) {
            writeln!(text, "              {label}: {value:?}").unwrap();
        }
        writeln!(text, "            exp_annotations:").unwrap();
        for (key, value) in [
            ("summary", alert.meaning),
            ("consequence", alert.consequence),
            ("runbook", alert.runbook),
            ("command", alert.command),
        ] {
            writeln!(text, "              {key}: {}", serde_json::Value::from(value)).unwrap();
        }
    }

    fn text(&self) -> String {
        let mut text = format!("  - interval: {}\n    input_series:\n", self.interval);
        for (name, values) in &self.series {
            // Each comes from one node.
            let name = match name.split_once('{') {
                Some((name, rest)) => format!("{name}{{instance=\"node:9320\",{rest}"),
                None => format!("{name}{{instance=\"node:9320\"}}"),
            };
            writeln!(text, "      - series: '{name}'\n        values: '{values}'").unwrap();
        }
        write!(text, "    alert_rule_test:\n{}", self.checks).unwrap();
        text
    }
}

/// Runs scenarios with the rules evaluated this often.
fn run(scenarios: &[Scenario], evaluated: &str) {
    let dir = folder();
    let tests: String = scenarios.iter().map(Scenario::text).collect();
    let file = format!("rule_files: [rules.yml]\nevaluation_interval: {evaluated}\ntests:\n{tests}");
    std::fs::write(dir.path().join("test.yml"), file).unwrap();
    promtool(dir.path(), &["test", "rules", "test.yml"]);
}

#[test]
fn promtool_accepts_the_rules() {
    promtool(folder().path(), &["check", "rules", "rules.yml"]);
}

#[test]
fn no_alert_fires_in_a_clean_day() {
    let mut day = Scenario::new("1m", clean(24 * 60));
    for alert in alerts::all() {
        for hour in [1, 7, 24] {
            day.expect(hour * 60, &alert.name, None);
        }
    }
    run(&[day], "1m");
}

/// A clean hour, and then what the fault says.
fn with_fault(series: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all = clean(BEGINS + 400);
    for (name, values) in series {
        let one = all.iter_mut().find(|(other, _)| other == name);
        let one = one.unwrap_or_else(|| panic!("no series {name}"));
        one.1 = format!("0x{} {values}", BEGINS - 1);
    }
    all
}

#[test]
fn every_alert_fires_in_its_fault_and_clears_after_it() {
    let mut scenarios = Vec::new();
    for fault in FAULTS {
        let mut scenario = Scenario::new("1m", with_fault(fault.series));
        scenario.expect(BEGINS - 1, fault.alert, None);
        scenario.expect(BEGINS + fault.fires, fault.alert, Some(fault.labels));
        scenario.expect(BEGINS + fault.clears, fault.alert, None);
        scenarios.push(scenario);
    }
    let tested: BTreeSet<&str> = FAULTS.iter().map(|fault| fault.alert).collect();
    let known: BTreeSet<&str> = alerts::ALL.iter().map(|alert| alert.name).collect();
    assert_eq!(tested, known, "each alert has its fault");
    run(&scenarios, "1m");
}

fn minutes(window: &str) -> u32 {
    let (number, unit) = window.split_at(window.len() - 1);
    number.parse::<u32>().unwrap()
        * match unit {
            "m" => 1,
            "h" => 60,
            _ => 24 * 60,
        }
}

#[test]
fn each_objective_alerts_at_each_of_its_burn_rates_and_not_below() {
    let mut scenarios = Vec::new();
    for slo in &slo::ALL {
        for burn in &slo::BURNS {
            let (long, short) = (minutes(burn.long), minutes(burn.short));
            let (interval, step) = if long > 60 { ("5m", 5) } else { ("1m", 1) };
            let alert = format!("Reelgate{}Budget{}", slo.name, if burn.pages { "Burns" } else { "Shrinks" });
            // 3× is above 1×, which alerts alike.
            let factors = if burn.rate == 3.0 { &[(1.25, true)][..] } else { &[(1.25, true), (0.8, false)] };
            let quiet = if burn.pages { short } else { 6 * 60 };
            for (factor, fires) in factors.iter().copied() {
                let bad = (1_000.0 * burn.rate * (1.0 - slo.objective) * factor).round() as u32;
                assert!(bad < 1_000);
                // Clean for six hours, bad for as long as the long window, then clean again.
                let (before, after) = (6 * 60 / step, (quiet + 30) / step);
                let mut series = clean(before + long / step + after);
                series.retain(|(name, _)| name.starts_with(slo.histogram));
                for (name, values) in &mut series {
                    let bound = name.split("le=\"").nth(1).and_then(|rest| rest.split('"').next());
                    let is_good = bound
                        .and_then(|bound| bound.parse::<f64>().ok())
                        .is_some_and(|bound| bound <= slo.within.parse().unwrap());
                    if is_good {
                        let good = 1_000 - bad;
                        let (first, then) = (1_000 * before, 1_000 * before + good * (long / step));
                        *values = format!(
                            "0+1000x{} {}+{good}x{} {}+1000x{after}",
                            before,
                            first + good,
                            long / step - 1,
                            then + 1_000,
                        );
                    }
                }
                let mut scenario = Scenario::new(interval, series);
                scenario.expect(6 * 60, &alert, None);
                scenario.expect(6 * 60 + long, &alert, fires.then_some(&[("slo", slo.id)][..]));
                scenario.expect(6 * 60 + long + quiet + 10, &alert, None);
                scenarios.push(scenario);
            }
        }
    }
    run(&scenarios, "5m");
}
