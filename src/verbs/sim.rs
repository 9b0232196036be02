//! `reelgate sim`: simulates a fleet in virtual time; writes only its plot file.

use std::time::Instant;

use reelgate_simulation::{Report, Scenario, Settings, StoreRates, Sweep, plot, run, sweep};
use serde::Serialize;

use crate::cli::SimArgs;
use crate::exit::{ExitStatus, Failure};
use crate::output::{simulation, stderr, table};
use crate::verbs::to_json;

#[derive(Serialize)]
struct Simulated<'a> {
    reports: &'a [Report],
    sweep: &'a Sweep,
}

/// Simulates, prints tables and draws a plot.
pub fn sim(args: &SimArgs) -> Result<ExitStatus, Failure> {
    let mut reports = Vec::new();
    for scenario in scenarios(&args.scenario) {
        let since = Instant::now();
        let report = run(&settings(args, scenario)).map_err(Failure::Usage)?;
        stderr::say(&format!(
            "{}: {} uploads, {:.0} s of virtual time, {} events simulated in {:.1} s",
            scenario.as_str(),
            report.uploads,
            report.took_s,
            report.events,
            since.elapsed().as_secs_f64()
        ));
        reports.push(report);
    }
    let sweep = sweep(&settings(args, Scenario::Steady)).map_err(Failure::Usage)?;
    if args.json {
        table::print(&to_json(&Simulated { reports: &reports, sweep: &sweep })?)?;
    } else {
        simulation::print(&reports, &sweep)?;
    }
    if let Some(file) = &args.plot {
        plot(&reports, file).map_err(|error| Failure::Internal(error.to_string()))?;
    }
    if reports.iter().all(Report::holds) {
        return Ok(ExitStatus::Done);
    }
    Err(Failure::Internal(format!("a check of the simulation failed; `--seed {}` repeats it", args.seed)))
}

fn scenarios(word: &str) -> Vec<Scenario> {
    Scenario::ALL.into_iter().filter(|scenario| word == "all" || word == scenario.as_str()).collect()
}

fn settings(args: &SimArgs, scenario: Scenario) -> Settings {
    let defaults = Settings::default();
    let store = StoreRates {
        tasks_per_s: args.store_tasks_per_s.unwrap_or(defaults.store.tasks_per_s),
        renewals_per_s: args.store_renewals_per_s.unwrap_or(defaults.store.renewals_per_s),
        calls_per_s: args.store_calls_per_s.unwrap_or(defaults.store.calls_per_s),
        rows_per_s: args.store_rows_per_s.unwrap_or(defaults.store.rows_per_s),
        ..defaults.store
    };
    Settings {
        nodes: args.nodes,
        cores: args.cores,
        assets: args.assets,
        seed: args.seed,
        arrivals_per_s: args.arrivals_per_s,
        load: args.load,
        lease_ms: args.lease_ms,
        look_ms: args.look_ms.unwrap_or(defaults.look_ms),
        scenario,
        store,
        ..defaults
    }
}
