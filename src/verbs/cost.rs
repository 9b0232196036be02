//! `reelgate cost`: says what work will probably cost; shows, adds up, exports and judges what it cost.

mod accuracy;
mod anomalies;
mod caps;
mod days;
mod estimate;
mod focus;
pub mod ledger;
mod report;
pub mod rough;
mod show;

use crate::cli::{CostVerb, GlobalArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::wiring;

/// Estimates, shows one asset's cost, adds up or exports all, or lists unusual days.
pub async fn cost(global: &GlobalArgs, verb: CostVerb) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let store = || wiring::existing_store(&config);
    match verb {
        CostVerb::Anomalies(args) => anomalies::anomalies(&config, &*store().await?, &args).await,
        CostVerb::Estimate(args) => estimate::estimate(&config, &args).await,
        CostVerb::Export(args) => focus::export(&config, &*store().await?, &args).await,
        CostVerb::Accuracy { json } => accuracy::accuracy(&config, &*store().await?, json).await,
        CostVerb::Caps { json } => caps::caps(&config, &*store().await?, json).await,
        CostVerb::Show { asset, json } => show::show(&*store().await?, &asset, json).await,
        CostVerb::Report(args) => report::report(&config, &*store().await?, &args).await,
    }
}
