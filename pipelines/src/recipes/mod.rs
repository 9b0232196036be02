//! Recipes: which work a media file needs, as plain data and pure functions; no IO.
//!
//! The order of use: [`sniff`] the first bytes, inspect, and [`plan`] the work from the facts and the [`settings`].
//! When the work is done, [`captions`] makes WebVTT of cues, [`package`] turns its results into playlists and names, and [`storyboard`] writes the index of the
//! sampled pictures. A [`template`] says where an asset's outputs go, and [`redact`] plans how personal data is removed
//! from them.

pub mod captions;
pub mod ladder;
pub mod package;
pub mod plan;
pub mod redact;
pub mod settings;
pub mod sniff;
pub mod storyboard;
pub mod template;

#[cfg(test)]
mod testing;
