//! A line of the ledger, as reports add it up.

use crate::charge::Charge;

/// Milliseconds in a day.
pub const DAY_MS: u64 = 86_400_000;

/// One charge, and everything that it is reported by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Who used it; `None` for a shared cost that nobody used alone and that no asset has a share of.
    pub owner: Option<Owner>,
    /// The day in UTC, counted from 1970-01-01.
    pub day: u32,
    /// What the node is, as prices name it; empty if it is not known.
    pub node_type: String,
    /// What was used.
    pub charge: Charge,
    /// It was of no use: the attempt failed, was given back, was lost, or came too late.
    pub waste: bool,
}

/// The attempt that used something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    /// The asset.
    pub asset: String,
    /// The first folder of its key; empty if it has none, or was erased.
    pub prefix: String,
    /// The profile that its key belongs to; empty for none.
    pub profile: String,
    /// `validate`, `transcode` …
    pub stage: String,
    /// The part of the stage: a chunk or the audio; the stage itself if it has no parts.
    pub part: String,
}

/// The day in UTC of a time in milliseconds since 1970.
pub fn day_of(at_ms: u64) -> u32 {
    u32::try_from(at_ms / DAY_MS).unwrap_or(u32::MAX)
}

/// Whether a day, counted from 1970-01-01, is a Saturday or a Sunday.
pub fn is_weekend(day: u32) -> bool {
    // 1970-01-01 was a Thursday.
    (day % 7).wrapping_sub(2) < 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saturdays_and_sundays_are_weekends() {
        // From Thursday 1970-01-01, and from Monday 2025-07-28.
        let weekends = |from: u32| (from..from + 7).map(is_weekend).collect::<Vec<_>>();
        assert_eq!(weekends(0), [false, false, true, true, false, false, false]);
        assert_eq!(weekends(20_297), [false, false, false, false, false, true, true]);
    }
}
