//! The report of a run: figures for a table, a series for a plot, and the checks.

use std::collections::BTreeMap;

use reelgate_ports::order::Priority;
use serde::Serialize;

use crate::agenda::S;
use crate::measure::{Times, Window};
use crate::settings::Settings;
use crate::simulation::Simulation;

/// The share of the arrivals after which the load counts as steady.
const SETTLED: f64 = 0.2;

/// A distribution of seconds.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Ages {
    /// Number of measured values.
    pub count: u64,
    /// Median.
    pub p50_s: f64,
    /// 90th percentile.
    pub p90_s: f64,
    /// 99th percentile.
    pub p99_s: f64,
    /// Maximum.
    pub max_s: f64,
}

impl Ages {
    fn of(times: &Times) -> Self {
        Self {
            count: times.count(),
            p50_s: times.at(0.5),
            p90_s: times.at(0.9),
            p99_s: times.at(0.99),
            max_s: times.max(),
        }
    }
}

/// A rate per second.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Rate {
    /// Average while uploads arrived, without the first fifth.
    pub mean: f64,
    /// Maximum over all windows.
    pub peak: f64,
}

/// The load on the database.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Load {
    /// Claimed tasks.
    pub claims: Rate,
    /// Renewed leases.
    pub renewals: Rate,
    /// Calls, with or without a result.
    pub calls: Rate,
    /// Rows inserted, updated or deleted, without renewals.
    pub rows: Rate,
    /// Share of its time that the whole load takes; above 1 it cannot keep up.
    pub busy: Rate,
}

/// A condition that must hold.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Check {
    /// The condition.
    pub what: &'static str,
    /// What was counted.
    pub found: String,
    /// Whether it holds.
    pub holds: bool,
}

/// One window of the series.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Point {
    /// Its end, seconds since the start.
    pub at_s: f64,
    /// Age of claimed tasks by lane: median (p50) and 99th percentile (p99).
    pub light_p50_s: f64,
    /// See `light_p50_s`.
    pub light_p99_s: f64,
    /// See `light_p50_s`.
    pub heavy_p50_s: f64,
    /// See `light_p50_s`.
    pub heavy_p99_s: f64,
    /// Due tasks at its end, by lane.
    pub light_due: f64,
    /// See `light_due`.
    pub heavy_due: f64,
    /// Claims per second.
    pub claims: f64,
    /// Renewals per second.
    pub renewals: f64,
    /// Calls per second.
    pub calls: f64,
    /// Rows per second.
    pub rows: f64,
    /// Share of the database's time.
    pub busy: f64,
    /// Uploads that ended per second.
    pub ended: f64,
}

/// The report of a run. Equal settings give equal reports.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// The settings of the run.
    pub settings: Settings,
    /// Uploads, including poisoned ones.
    pub uploads: u32,
    /// Uploads per second while they arrived.
    pub arrivals_per_s: f64,
    /// Seconds until the last sound upload had arrived.
    pub arrivals_s: f64,
    /// Virtual seconds until everything had ended.
    pub took_s: f64,
    /// Hours of media uploaded in an hour, by the mean of the distribution.
    pub media_hours_per_hour: f64,
    /// Uploads that ended per second, while they arrived.
    pub ended_per_s: Rate,
    /// Uploads by the phase in which they ended.
    pub endings: BTreeMap<&'static str, u64>,
    /// Time from due to claimed, light lane.
    pub light: Ages,
    /// Time from due to claimed, heavy lane.
    pub heavy: Ages,
    /// Time from arrival to published, by priority.
    pub publishing: BTreeMap<&'static str, Ages>,
    /// Duration of a node's turn at the database.
    pub turn: Ages,
    /// Claimed tasks.
    pub claims: u64,
    /// Attempts that ended with a fault.
    pub faults: u64,
    /// Attempts whose lease expired.
    pub lost: u64,
    /// Attempts that were given back.
    pub given_back: u64,
    /// Stale reports, which changed nothing.
    pub stale: u64,
    /// Hours that cores were busy with heavy tasks.
    pub core_hours: f64,
    /// The part of those hours that was wasted.
    pub wasted_core_hours: f64,
    /// Share of all cores' time until the last arrival. It is approximate, because later work counts too.
    pub core_share: f64,
    /// The load on the database.
    pub load: Load,
    /// The conditions that must hold.
    pub checks: Vec<Check>,
    /// Number of simulated events.
    pub events: u64,
    /// The run over time, in windows.
    pub points: Vec<Point>,
}

impl Report {
    /// Whether all checks hold.
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }

    pub(crate) fn new(simulation: &mut Simulation) -> Self {
        let arrivals_s = simulation.last_arrival as f64 / S as f64;
        let took_s = simulation.now as f64 / S as f64;
        let settings = simulation.settings.clone();
        let mut endings = BTreeMap::new();
        for ended in simulation.store.ended.iter().filter(|ended| ended.endings > 0) {
            *endings.entry(ended.phase.as_str()).or_default() += 1;
        }
        let measures = &simulation.measures;
        let counts = simulation.store.counts;
        let rate = |of: fn(&Window) -> f64| rate(&measures.windows, arrivals_s, of);
        let publishing = Priority::ALL.iter().zip(&measures.publishing);
        let cores = f64::from(settings.nodes) * f64::from(settings.cores);
        Self {
            uploads: simulation.uploads,
            arrivals_per_s: simulation.arrivals_per_s,
            arrivals_s,
            took_s,
            media_hours_per_hour: simulation.arrivals_per_s * simulation.workload.mean().duration_s,
            ended_per_s: rate(|window| window.ended),
            endings,
            light: Ages::of(&measures.light),
            heavy: Ages::of(&measures.heavy),
            publishing: publishing.map(|(priority, times)| (priority.as_str(), Ages::of(times))).collect(),
            turn: Ages::of(&measures.turns),
            claims: counts.claims,
            faults: counts.faults,
            lost: counts.lost,
            given_back: counts.given_back,
            stale: counts.stale,
            core_hours: measures.busy_s / 3_600.0,
            wasted_core_hours: measures.wasted_s / 3_600.0,
            core_share: measures.busy_s / (cores * arrivals_s.max(1.0)),
            load: Load {
                claims: rate(|window| window.claims),
                renewals: rate(|window| window.renewals),
                calls: rate(|window| window.calls),
                rows: rate(|window| window.rows),
                busy: rate(|window| window.busy),
            },
            checks: checks(simulation),
            events: simulation.agenda.entered(),
            points: points(&simulation.measures.windows),
            settings,
        }
    }
}

fn rate(windows: &[Window], arrivals_s: f64, of: fn(&Window) -> f64) -> Rate {
    let (mut at_s, mut sum, mut seconds, mut peak) = (0.0, 0.0, 0.0, 0.0_f64);
    for window in windows.iter().filter(|window| window.seconds > 0.0) {
        let begins = at_s;
        at_s += window.seconds;
        peak = peak.max(of(window) / window.seconds);
        if begins >= arrivals_s * SETTLED && at_s <= arrivals_s {
            sum += of(window);
            seconds += window.seconds;
        }
    }
    Rate { mean: if seconds > 0.0 { sum / seconds } else { peak }, peak }
}

fn points(windows: &[Window]) -> Vec<Point> {
    let mut at_s = 0.0;
    let point = |window: &Window| {
        at_s += window.seconds;
        Point {
            at_s,
            light_p50_s: window.light.at(0.5),
            light_p99_s: window.light.at(0.99),
            heavy_p50_s: window.heavy.at(0.5),
            heavy_p99_s: window.heavy.at(0.99),
            light_due: window.due[0],
            heavy_due: window.due[1],
            claims: window.claims / window.seconds,
            renewals: window.renewals / window.seconds,
            calls: window.calls / window.seconds,
            rows: window.rows / window.seconds,
            busy: window.busy / window.seconds,
            ended: window.ended / window.seconds,
        }
    };
    windows.iter().filter(|window| window.seconds > 0.0).map(point).collect()
}

fn checks(simulation: &Simulation) -> Vec<Check> {
    let store = &simulation.store;
    let uploads = u64::from(simulation.uploads);
    let once = store.ended.iter().filter(|ended| ended.endings == 1).count() as u64;
    let unended = store.unended() as u64;
    let notified = |ended: &&crate::life::EndedAsset| {
        u64::from(ended.notices) == u64::from(ended.phase.notice().is_some())
    };
    let notified = store.ended.iter().filter(notified).count() as u64;
    let broken: u64 = store.violations.values().map(|(times, _)| times).sum();
    let named: Vec<String> = store
        .violations
        .iter()
        .map(|(id, (times, sentence))| format!("{id}: {sentence} ({times})"))
        .collect();
    let steps = store.counts.checked_steps;
    vec![
        Check {
            what: "every upload ends, and ends once",
            found: format!("{once} of {uploads}"),
            holds: once == uploads,
        },
        Check { what: "none is left behind", found: format!("{unended} unended"), holds: unended == 0 },
        Check {
            what: "each ending owes its notice, once",
            found: format!("{notified} of {uploads}"),
            holds: notified == uploads,
        },
        Check {
            what: "no invariant is broken",
            found: if broken == 0 {
                format!("0 in {uploads} endings and {steps} steps")
            } else {
                named.join("; ")
            },
            holds: broken == 0,
        },
    ]
}
