//! Where the design stops scaling: the load of growing fleets on a database, compared with what the database can do.

use serde::Serialize;

use crate::run::run;
use crate::settings::{Scenario, Settings, StoreRates};

/// Sizes of the fleets to simulate, nodes.
const NODES: [u32; 10] = [10, 30, 100, 200, 500, 1_000, 2_000, 3_000, 5_000, 10_000];
/// Uploads per node, and the bounds of their sum: enough for a steady load.
const ASSETS_PER_NODE: u32 = 10;
const ASSETS: std::ops::RangeInclusive<u32> = 2_000..=60_000;

/// The load of one fleet.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Step {
    /// Nodes of the fleet.
    pub nodes: u32,
    /// Uploads per second that keep the share `load` of its cores busy.
    pub arrivals_per_s: f64,
    /// Claims per second; `claims_share` is the share of what the database can do.
    pub claims_per_s: f64,
    /// See `claims_per_s`.
    pub claims_share: f64,
    /// Renewed leases per second.
    pub renewals_per_s: f64,
    /// See `claims_per_s`.
    pub renewals_share: f64,
    /// Calls per second, including looks without a result.
    pub calls_per_s: f64,
    /// See `claims_per_s`.
    pub calls_share: f64,
    /// Rows written per second.
    pub rows_per_s: f64,
    /// See `claims_per_s`.
    pub rows_share: f64,
}

/// All fleets, smallest first.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Sweep {
    /// The load of each fleet.
    pub steps: Vec<Step>,
}

impl Sweep {
    /// Nodes of the smallest fleet that asks for more than the database can do, by the given kind of load.
    pub fn first_beyond(&self, share: fn(&Step) -> f64) -> Option<u32> {
        self.steps.iter().find(|step| share(step) > 1.0).map(|step| step.nodes)
    }
}

/// Simulates fleets of up to `settings.nodes` nodes with the share `settings.load` of their cores busy and an unbounded
/// database, and compares their load with `settings.store`.
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
