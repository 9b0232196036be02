//! Times of a track as nanoseconds.

/// Nanoseconds of a number of ticks, rounded down.
pub fn nanoseconds(ticks: u64, timescale: u32) -> u64 {
    let ns = (u128::from(ticks) * 1_000_000_000).checked_div(u128::from(timescale)).unwrap_or(0);
    u64::try_from(ns).unwrap_or(u64::MAX)
}
