//! `reelgate cost`: shows, adds up, exports and judges what work cost.

mod anomalies;
mod days;
mod focus;
pub mod ledger;
mod report;
mod show;

use crate::cli::{CostVerb, GlobalArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::wiring;

/// Shows one asset's cost, adds up or exports all, or lists unusual days.
pub async fn cost(global: &GlobalArgs, verb: CostVerb) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    match verb {
        CostVerb::Show { asset, json } => show::show(&*store, &asset, json).await,
        CostVerb::Anomalies(args) => anomalies::anomalies(&config, &*store, &args).await,
        CostVerb::Export(args) => focus::export(&config, &*store, &args).await,
        CostVerb::Report(args) => report::report(&config, &*store, &args).await,
    }
}
