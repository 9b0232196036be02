//! Where the design stops scaling: what fleets of growing size ask of a database, against what it can do.

use serde::Serialize;

use crate::run::run;
use crate::settings::{Scenario, Settings, StoreRates};

/// Fleets that are tried.
const NODES: [u32; 10] = [10, 30, 100, 200, 500, 1_000, 2_000, 3_000, 5_000, 10_000];
/// Uploads a node of the trial, and the bounds for all of them: enough for a settled load.
const ASSETS_PER_NODE: u32 = 10;
const ASSETS: std::ops::RangeInclusive<u32> = 2_000..=60_000;

/// One fleet.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Step {
    /// Its nodes.
    pub nodes: u32,
    /// Uploads a second that keep `load` of its cores busy.
    pub arrivals_per_s: f64,
    /// Claims a second, and the share of what the database can do.
    pub claims_per_s: f64,
    /// See `claims_per_s`.
    pub claims_share: f64,
    /// Leases renewed a second.
    pub renewals_per_s: f64,
    /// See `claims_per_s`.
    pub renewals_share: f64,
    /// Calls a second, looks without a result included.
    pub calls_per_s: f64,
    /// See `claims_per_s`.
    pub calls_share: f64,
    /// Rows written a second.
    pub rows_per_s: f64,
    /// See `claims_per_s`.
    pub rows_share: f64,
}

/// All fleets, smallest first.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Sweep {
    /// What each asks.
    pub steps: Vec<Step>,
}

impl Sweep {
    /// The first fleet that asks more than the database can do, by what is asked.
    pub fn first_beyond(&self, share: fn(&Step) -> f64) -> Option<u32> {
        self.steps.iter().find(|step| share(step) > 1.0).map(|step| step.nodes)
    }
}

/// Tries fleets up to `settings.nodes` nodes, each with `settings.load` of its cores busy and a database without
/// bounds, and compares what they ask with `settings.store`.
///
/// # Errors
///
/// A setting out of range: its name, what was expected and what was found.
pub fn sweep(settings: &Settings) -> Result<Sweep, String> {
    settings.validate()?;
    let mut steps = Vec::new();
    for nodes in NODES.into_iter().filter(|nodes| *nodes <= settings.nodes) {
        let trial = Settings {
            nodes,
            assets: nodes.saturating_mul(ASSETS_PER_NODE).clamp(*ASSETS.start(), *ASSETS.end()),
            arrivals_per_s: None,
            scenario: Scenario::Steady,
            store: StoreRates { round_trip_us: settings.store.round_trip_us, ..StoreRates::UNBOUNDED },
            ..settings.clone()
        };
        let report = run(&trial)?;
        let (load, store) = (report.load, &settings.store);
        steps.push(Step {
            nodes,
            arrivals_per_s: report.arrivals_per_s,
            claims_per_s: load.claims.mean,
            claims_share: load.claims.mean / store.tasks_per_s,
            renewals_per_s: load.renewals.mean,
            renewals_share: load.renewals.mean / store.renewals_per_s,
            calls_per_s: load.calls.mean,
            calls_share: load.calls.mean / store.calls_per_s,
            rows_per_s: load.rows.mean,
            rows_share: load.rows.mean / store.rows_per_s,
        });
    }
    Ok(Sweep { steps })
}
