//! A redaction request: where things were seen, what covers them, and what must not be heard.

use crate::messages::{RedactionStyle, Span};
use crate::recipes::captions::Withheld;
use reelgate_flow::place::FrameBox;
use serde::{Deserialize, Serialize};

/// What must be removed from an asset.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Where things were seen that must be covered.
    pub places: Vec<Sighting>,
    /// What covers them.
    pub style: RedactionStyle,
    /// How far beyond its sightings something may have been visible.
    pub widening: Widening,
    /// What must not be heard or read in captions; these ranges are not widened.
    pub mutes: Vec<Span>,
    /// Tracks of text that are not published. Documents of earlier versions have none.
    #[serde(default)]
    pub withheld: Withheld,
}

impl Request {
    /// This request and an earlier one in one: what was covered stays covered. There is one style, and areas that were filled
    /// stay filled.
    #[must_use]
    pub fn with_earlier(self, earlier: &Self, track_end_ns: u64) -> Self {
        let widened = |request: &Self, thing: u64| {
            let widen = |place: &Sighting| {
                let (start_ns, end_ns) = request.widening.widen(place.start_ns, place.end_ns, track_end_ns);
                Sighting { start_ns, end_ns, thing: place.thing.saturating_add(thing), ..*place }
            };
            request.places.iter().map(widen).collect::<Vec<_>>()
        };
        let others = earlier.places.iter().map(|place| place.thing.saturating_add(1)).max().unwrap_or(0);
        let is_filled = |request: &Self| !request.places.is_empty() && request.style == RedactionStyle::Fill;
        let style = if is_filled(earlier) { RedactionStyle::Fill } else { self.style };
        Self {
            places: [widened(earlier, 0), widened(&self, others)].concat(),
            style,
            widening: Widening::Interval(0),
            mutes: [earlier.mutes.clone(), self.mutes].concat(),
            withheld: self.withheld.with(&earlier.withheld),
        }
    }
}

/// One range of time in which a thing was seen in one area.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// Time when it was first seen, stream time of the source, nanoseconds.
    pub start_ns: u64,
    /// Time when it was last seen or found to be gone, above `start_ns`.
    pub end_ns: u64,
    /// The area; `None` for the whole picture.
    pub area: Option<FrameBox>,
    /// Identifies the thing: sightings of the same thing have the same number. Between two sightings of a thing, the
    /// way from one area to the other is covered too.
    pub thing: u64,
}

/// How far a sighting is widened in time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Widening {
    /// By the interval between samples, nanoseconds, on both sides: the samples before and after did not show the
    /// thing.
    Interval(u64),
    /// To both ends of the shot, and at least by one interval.
    SampledFrame {
        /// Times of the first sample of each new shot, rising.
        cuts_ns: Vec<u64>,
        /// The interval between samples, nanoseconds. The cut itself lies anywhere between two samples.
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
