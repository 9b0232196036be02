//! The order of assets in the queue: one number per asset, fixed at ingest, so that a claim is one index scan.
//!
//! Priority with ageing: a low priority is a handicap in time, not a position at the end, so every asset is served
//! eventually. Fairness by start-time fair queueing (Goyal, Vin, Cheng 1996), with a producer's prefix as the
//! flow: each asset queues after the previous asset of the same prefix. A back-catalogue therefore queues
//! behind itself, and another producer's single upload overtakes it.

use serde::{Deserialize, Serialize};

/// How urgent an upload is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Before everything that arrived in the last hour.
    High,
    /// In order of arrival.
    #[default]
    Normal,
    /// After everything that arrives in the next six hours.
    Low,
}

impl Priority {
    /// Every value, most urgent first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The word used in rows, metrics and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// Reads what [`Priority::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == text)
    }

    /// The time of arrival with the head start or handicap of this priority, milliseconds.
    fn virtual_ms(self, now_ms: u64) -> u64 {
        match self {
            Self::High => now_ms.saturating_sub(HEAD_START_MS),
            Self::Normal => now_ms,
            Self::Low => now_ms.saturating_add(HANDICAP_MS),
        }
    }
}

/// One hour: how much earlier arrivals a high priority overtakes.
const HEAD_START_MS: u64 = 3_600_000;
/// Six hours: the longest time that newer work overtakes a low priority.
const HANDICAP_MS: u64 = 6 * 3_600_000;
/// One day: the longest delay of an asset behind its own prefix, so that nothing waits longer than that for newer work.
const BEHIND_ITSELF_MS_MAX: u64 = 24 * 3_600_000;
/// Bytes that count as a millisecond of a prefix's share: about as many as one core encodes in that time.
const BYTES_PER_MS: u64 = 500;
/// Bounds of one asset's share, milliseconds: a tiny file is not free, and a film does not block its prefix for a day.
const SHARE_MS: std::ops::RangeInclusive<u64> = 100..=600_000;

/// The prefix of a key that counts for fairness: its first folder; empty if there is none.
pub fn prefix_of(key: &str) -> &str {
    key.split_once('/').map_or("", |(first, _)| first)
}

/// The place of a new asset in the queue; smaller goes first. `behind` is what [`after`] returned for the previous asset of
/// the same prefix and priority.
pub fn place(now_ms: u64, priority: Priority, behind: Option<u64>) -> u64 {
    let now_ms = priority.virtual_ms(now_ms);
    let latest = now_ms.saturating_add(BEHIND_ITSELF_MS_MAX);
    behind.map_or(now_ms, |behind| behind.clamp(now_ms, latest))
}

/// The place of an asset that is given another priority after its arrival. It stays as far behind its own prefix as it was.
pub fn moved(place: u64, arrived_ms: u64, from: Priority, to: Priority) -> u64 {
    place.saturating_sub(from.virtual_ms(arrived_ms)).saturating_add(to.virtual_ms(arrived_ms))
}

/// The earliest place of the next asset of the same prefix and priority.
pub fn after(place: u64, size_bytes: u64) -> u64 {
    place.saturating_add((size_bytes / BYTES_PER_MS).clamp(*SHARE_MS.start(), *SHARE_MS.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_000_000_000_000;
    const MOVIE_BYTES: u64 = 50_000_000;

    #[test]
    fn a_back_catalogue_queues_behind_itself_and_a_single_upload_overtakes_it() {
        let mut behind = None;
        let places: Vec<u64> = (0..100)
            .map(|_| {
                let place = place(NOW_MS, Priority::Normal, behind);
                behind = Some(after(place, MOVIE_BYTES));
                place
            })
            .collect();
        assert!(places.is_sorted_by(|a, b| a < b));
        let later = place(NOW_MS + 60_000, Priority::Normal, None);
        let overtaken = places.iter().filter(|place| **place > later).count();
        assert_eq!(overtaken, 99);
    }

    #[test]
    fn low_priority_is_overtaken_for_six_hours_and_no_longer() {
        let low = place(NOW_MS, Priority::Low, None);
        assert!(place(NOW_MS + HANDICAP_MS - 1, Priority::Normal, None) < low);
        assert!(place(NOW_MS + HANDICAP_MS + 1, Priority::Normal, None) > low);
    }

    #[test]
    fn high_priority_overtakes_arrivals_of_the_last_hour() {
        let high = place(NOW_MS, Priority::High, None);
        assert!(high < place(NOW_MS - HEAD_START_MS + 1, Priority::Normal, None));
        assert!(high > place(NOW_MS - HEAD_START_MS - 1, Priority::Normal, None));
    }

    #[test]
    fn an_asset_with_another_priority_is_where_it_would_have_been_placed_and_as_far_behind_its_prefix() {
        let placed = |priority| place(NOW_MS, priority, None);
        for (from, to) in [(Priority::Normal, Priority::High), (Priority::Low, Priority::High)] {
            assert_eq!(moved(placed(from), NOW_MS, from, to), placed(to));
            assert_eq!(moved(placed(from) + 7, NOW_MS, from, to), placed(to) + 7);
        }
    }

    #[test]
    fn nothing_queues_more_than_a_day_behind_its_own_prefix() {
        let far = Some(NOW_MS + 10 * BEHIND_ITSELF_MS_MAX);
        assert_eq!(place(NOW_MS, Priority::Normal, far), NOW_MS + BEHIND_ITSELF_MS_MAX);
        assert_eq!(place(NOW_MS, Priority::Normal, Some(5)), NOW_MS);
    }

    #[test]
    fn the_prefix_is_the_first_folder() {
        assert_eq!(prefix_of("news/2026/a.mp4"), "news");
        assert_eq!(prefix_of("a.mp4"), "");
        assert_eq!(prefix_of("/a.mp4"), "");
    }
}
