//! hls.js, Shaka Player and dash.js, with the library that drives Chromium, as npm installed them.

use std::path::PathBuf;

use crate::home;

/// The folder of their packages.
///
/// # Panics
/// If they are not installed.
pub fn players() -> PathBuf {
    home::of("players", "--with-tests").join("node_modules")
}
