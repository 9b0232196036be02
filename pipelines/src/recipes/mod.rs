//! Recipes: what is to be done with which media, as plain data and pure functions; no IO.
//!
//! The order of use: [`sniff`] the first bytes, inspect, [`plan`] the work from the facts and the [`settings`], and once
//! the work is done [`package`] its results into playlists and names. A [`template`] says where an asset's outputs
//! go, and what turns out to be personal is taken out by [`redact`].

pub mod ladder;
pub mod package;
pub mod plan;
pub mod redact;
pub mod settings;
pub mod sniff;
pub mod template;

#[cfg(test)]
mod testing;
