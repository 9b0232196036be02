//! What a redaction is asked to take out: where things were seen, what covers them, and what must not be heard.

use crate::messages::{RedactionStyle, Span};
use reelgate_flow::place::FrameBox;
use serde::{Deserialize, Serialize};

/// What is to be taken out of an asset.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What must not be seen, and where it was.
    pub places: Vec<Sighting>,
    /// What covers it.
    pub style: RedactionStyle,
    /// How far beyond its sightings something may have been visible.
    pub widening: Widening,
    /// What must not be heard; taken as it is.
    pub mutes: Vec<Span>,
}

/// One sighting.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// First seen, stream time of the source, nanoseconds.
    pub start_ns: u64,
    /// Last seen or found gone, above `start_ns`.
    pub end_ns: u64,
    /// Where; `None` for the whole picture.
    pub area: Option<FrameBox>,
    /// The same number for sightings of the same thing. Between two of them it is covered on the way from one area to
    /// the other.
    pub thing: u64,
}

/// How far a sighting is widened in time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Widening {
    /// On both sides by the distance of samples, nanoseconds: before and behind, it was looked for and not found.
    Interval(u64),
    /// To the ends of the shot, and at least by an interval.
    SampledFrame {
        /// Times of the first samples of new shots, rising.
        cuts_ns: Vec<u64>,
        /// The distance of samples, nanoseconds; the cut itself lies anywhere between two.
        interval_ns: u64,
    },
}

impl Widening {
    /// The range that is covered for a sighting from `start_ns` to `end_ns`.
    pub(super) fn widen(&self, start_ns: u64, end_ns: u64, track_end_ns: u64) -> (u64, u64) {
        match self {
            Self::Interval(by) => (start_ns.saturating_sub(*by), end_ns.saturating_add(*by)),
            Self::SampledFrame { cuts_ns, interval_ns } => {
                let begun = cuts_ns.partition_point(|cut| *cut <= start_ns).checked_sub(1);
                let begun = begun.and_then(|last| cuts_ns.get(last)).copied().unwrap_or(0);
                let ended = cuts_ns.get(cuts_ns.partition_point(|cut| *cut < end_ns));
                let ended = ended.copied().unwrap_or(track_end_ns);
                (begun.saturating_sub(*interval_ns), ended.max(end_ns.saturating_add(*interval_ns)))
            }
        }
    }
}
