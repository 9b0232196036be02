//! `reelgate migrate`: migrates the database to this version.

use crate::cli::GlobalArgs;
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::stderr;
use crate::wiring;

/// Runs the missing migrations and prints the version. Doing it again changes nothing.
pub async fn migrate(global: &GlobalArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    stderr::say(&format!("the database is up to date: {}", wiring::migrate(&config).await?));
    Ok(ExitStatus::Done)
}
