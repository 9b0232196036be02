//! Reads ISO base media and QuickTime files by their own index (ISO/IEC 14496-12; QuickTime File Format): which tracks there
//! are, where every sample lies, when it is shown.
//!
//! The index is the truth about the file. So every track and every sample that it lists is delivered, and edits cut exactly
//! what they say. `inspect::bmff` has compared the tables with the limits and with the size of the file before.

mod caps;
mod edits;
mod esds;
mod fragments;
mod language;
mod movie;
mod reader;
mod samples;
mod sound;
mod table;
mod text;
mod video;

pub use caps::is_read_elsewhere;
pub use language::shortest;
pub use movie::{Movie, Role, children};
pub use reader::Reader;
pub use samples::Cursor;

/// Nanoseconds of a number of ticks, rounded down.
pub fn nanoseconds(ticks: u64, timescale: u32) -> u64 {
    let ns = (u128::from(ticks) * 1_000_000_000).checked_div(u128::from(timescale)).unwrap_or(0);
    u64::try_from(ns).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
