//! `reelgate cost`: shows and adds up what work cost.

mod days;
pub mod ledger;
mod report;
mod show;

use crate::cli::{CostVerb, GlobalArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::wiring;

/// Shows one asset's cost, or adds up all.
pub async fn cost(global: &GlobalArgs, verb: CostVerb) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    match verb {
        CostVerb::Show { asset, json } => show::show(&*store, &asset, json).await,
        CostVerb::Report(args) => report::report(&config, &*store, &args).await,
    }
}
