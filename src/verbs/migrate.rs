//! `reelgate migrate`: brings the database up to date.

use crate::cli::GlobalArgs;
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::stderr;
use crate::wiring;

/// Runs what is missing, and says what the database is now. Doing it again changes nothing.
pub async fn migrate(global: &GlobalArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    stderr::say(&format!("the database is up to date: {}", wiring::migrate(&config).await?));
    Ok(ExitStatus::Done)
}
