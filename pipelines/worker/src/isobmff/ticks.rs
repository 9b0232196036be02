//! Times of a track as nanoseconds.

/// Nanoseconds of a number of ticks, rounded down.
pub fn nanoseconds(ticks: u64, timescale: u32) -> u64 {
    let ns = (u128::from(ticks) * 1_000_000_000).checked_div(u128::from(timescale)).unwrap_or(0);
    u64::try_from(ns).unwrap_or(u64::MAX)
}

/// The same of a time, which has a sign while it is reckoned. What lies before 0 is 0.
pub fn time_ns(ticks: i64, timescale: u32) -> u64 {
    nanoseconds(u64::try_from(ticks).unwrap_or(0), timescale)
}
