//! The results of simulations, as tables.

use reelgate_simulation::{Ages, Rate, Report, Scenario, Step, Sweep};

use crate::exit::Failure;
use crate::output::table;

/// Prints the outcomes of the uploads, the load of the database, the fleet size that saturates it, and the checks.
pub fn print(reports: &[Report], sweep: &Sweep) -> Result<(), Failure> {
    outcomes(reports)?;
    load(reports)?;
    saturation(sweep)?;
    for report in reports {
        for check in &report.checks {
            let tick = if check.holds { "✓" } else { "✗" };
            let scenario = report.settings.scenario.as_str();
            table::print(&format!("{tick} {scenario}: {}: {}", check.what, check.found))?;
        }
    }
    Ok(())
}

/// A line of the table of outcomes: its name, its value, and its format.
type Line = (&'static str, fn(&Report) -> f64, fn(f64) -> String);

const OUTCOMES: &[Line] = &[
    ("uploads arriving /s", |r| r.arrivals_per_s, number),
    ("uploads ended /s", |r| r.ended_per_s.mean, number),
    ("hours of media per hour", |r| r.media_hours_per_hour, number),
    ("until all had ended", |r| r.took_s, time),
    ("light lane, waiting p50", |r| r.light.p50_s, time),
    ("light lane, waiting p90", |r| r.light.p90_s, time),
    ("light lane, waiting p99", |r| r.light.p99_s, time),
    ("light lane, waiting max", |r| r.light.max_s, time),
    ("heavy lane, waiting p50", |r| r.heavy.p50_s, time),
    ("heavy lane, waiting p90", |r| r.heavy.p90_s, time),
    ("heavy lane, waiting p99", |r| r.heavy.p99_s, time),
    ("heavy lane, waiting max", |r| r.heavy.max_s, time),
    ("high priority, to published p50", |r| publishing(r, "high").map_or(0.0, |ages| ages.p50_s), time),
    ("high priority, to published p99", |r| publishing(r, "high").map_or(0.0, |ages| ages.p99_s), time),
    ("normal priority, to published p50", |r| publishing(r, "normal").map_or(0.0, |ages| ages.p50_s), time),
    ("normal priority, to published p99", |r| publishing(r, "normal").map_or(0.0, |ages| ages.p99_s), time),
    ("low priority, to published p50", |r| publishing(r, "low").map_or(0.0, |ages| ages.p50_s), time),
    ("low priority, to published p99", |r| publishing(r, "low").map_or(0.0, |ages| ages.p99_s), time),
    ("turn at the database p50", |r| r.turn.p50_s, time),
    ("turn at the database p99", |r| r.turn.p99_s, time),
    ("turn at the database max", |r| r.turn.max_s, time),
    ("tasks claimed", |r| r.claims as f64, count),
    ("attempts with a fault", |r| r.faults as f64, count),
    ("attempts lost with their lease", |r| r.lost as f64, count),
    ("attempts given back", |r| r.given_back as f64, count),
    ("reports too late", |r| r.stale as f64, count),
    ("cores busy %", |r| r.core_share * 100.0, number),
    ("heavy work wasted %", |r| r.wasted_core_hours / r.core_hours.max(f64::MIN_POSITIVE) * 100.0, number),
];

fn outcomes(reports: &[Report]) -> Result<(), Failure> {
    let mut header = vec![""];
    header.extend(reports.iter().map(|report| report.settings.scenario.as_str()));
    let quiet = reports.iter().find(|report| report.settings.scenario == Scenario::Steady);
    let mut rows = table::new(&header);
    for (name, of, write) in OUTCOMES {
        let mut row = vec![(*name).to_owned()];
        row.extend(reports.iter().map(|report| write(of(report)) + &against(of(report), quiet.map(of))));
        rows.add_row(row);
    }
    table::print(&rows.to_string())
}

fn publishing<'a>(report: &'a Report, priority: &str) -> Option<&'a Ages> {
    report.publishing.get(priority)
}

fn load(reports: &[Report]) -> Result<(), Failure> {
    let mut rows =
        table::new(&["load of the database", "scenario", "mean", "peak", "capacity", "mean share %"]);
    for report in reports {
        let (load, store) = (&report.load, &report.settings.store);
        let lines: [(&str, Rate, f64); 5] = [
            ("claims /s", load.claims, store.tasks_per_s),
            ("renewals /s", load.renewals, store.renewals_per_s),
            ("calls /s", load.calls, store.calls_per_s),
            ("rows /s", load.rows, store.rows_per_s),
            ("share of its time", load.busy, 1.0),
        ];
        for (name, rate, bound) in lines {
            rows.add_row(vec![
                name.to_owned(),
                report.settings.scenario.as_str().to_owned(),
                number(rate.mean),
                number(rate.peak),
                number(bound),
                number(rate.mean / bound * 100.0),
            ]);
        }
    }
    table::print(&rows.to_string())
}

/// The share of the database's capacity that a fleet uses.
type Share = fn(&Step) -> f64;

fn saturation(sweep: &Sweep) -> Result<(), Failure> {
    let mut rows = table::new(&["nodes", "uploads /s", "claims /s", "renewals /s", "calls /s", "rows /s"]);
    let share = |per_s: f64, share: f64| format!("{} ({:.0} %)", number(per_s), share * 100.0);
    for step in &sweep.steps {
        rows.add_row(vec![
            step.nodes.to_string(),
            number(step.arrivals_per_s),
            share(step.claims_per_s, step.claims_share),
            share(step.renewals_per_s, step.renewals_share),
            share(step.calls_per_s, step.calls_share),
            share(step.rows_per_s, step.rows_share),
        ]);
    }
    table::print(&rows.to_string())?;
    let bounds: [(&str, Share); 4] = [
        ("claims", |step| step.claims_share),
        ("renewals", |step| step.renewals_share),
        ("calls", |step| step.calls_share),
        ("rows", |step| step.rows_share),
    ];
    for (name, of) in bounds {
        let found = match sweep.first_beyond(of) {
            Some(nodes) => format!("beyond the capacity of the database from {nodes} nodes"),
            None => "within the capacity of the database for every fleet tried".into(),
        };
        table::print(&format!("{name}: {found}"))?;
    }
    Ok(())
}

/// The difference from the quiet scenario in percent; empty where it is small or undefined.
fn against(value: f64, quiet: Option<f64>) -> String {
    let percent = quiet.filter(|quiet| *quiet > 0.0).map_or(0.0, |quiet| (value / quiet - 1.0) * 100.0);
    if percent.abs() < 1.0 { String::new() } else { format!(" ({percent:+.0} %)") }
}

/// A whole number.
fn count(value: f64) -> String {
    format!("{value:.0}")
}

/// A figure with about three digits.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// Seconds, or milliseconds below one.
fn time(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { table::seconds(seconds) }
}
