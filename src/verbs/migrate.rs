//! `reelgate migrate`: brings the database up to date.

use crate::cli::Place;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::talk;
use crate::wiring;

/// Runs what is missing, and says what the database is now. Doing it again changes nothing.
pub async fn migrate(place: &Place) -> Result<Exit, Failure> {
    let config = Config::load(place).await?;
    talk::say(&format!("the database is up to date: {}", wiring::migrate(&config).await?));
    Ok(Exit::Done)
}
