//! From where something was seen to what is covered: sightings are samples, and between two of them the thing was
//! there as well, perhaps on its way.

use super::{REDACTIONS_MAX, Request, malformed};
use crate::messages::Redaction;
use reelgate_flow::place::FrameBox;
use reelgate_flow::reason::Fault;
use serde::{Deserialize, Serialize};

/// Sightings in one request at most; a day at one a second, which a request by hand never reaches.
const SIGHTINGS_MAX: usize = 100_000;

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
    fn widen(&self, start_ns: u64, end_ns: u64, track_end_ns: u64) -> (u64, u64) {
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

/// What to cover, widened, without repetitions, in order of time.
///
/// Fails with `internal` where a place lasts no time or covers no pixel, or there are too many.
pub fn redactions(request: &Request, track_end_ns: u64) -> Result<Vec<Redaction>, Fault> {
    let is_whole = |place: &Sighting| {
        place.start_ns < place.end_ns && place.area.is_none_or(|area| area.width > 0 && area.height > 0)
    };
    if request.places.len() > SIGHTINGS_MAX || !request.places.iter().all(is_whole) {
        return Err(malformed(&format!("up to {SIGHTINGS_MAX} places of some time and pixels"), "others"));
    }
    let widened = request.places.iter().map(|place| {
        let (start_ns, end_ns) = request.widening.widen(place.start_ns, place.end_ns, track_end_ns);
        Sighting { start_ns, end_ns, ..*place }
    });
    let mut places: Vec<Sighting> = widened.collect();
    places.sort_by_key(|place| (place.thing, place.start_ns));
    let ways = ways(&places);
    places.extend(ways);
    let redactions = places.iter().map(|place| Redaction {
        start_ns: place.start_ns,
        end_ns: place.end_ns,
        area: place.area,
        style: request.style,
    });
    Ok(joined(redactions.collect()))
}

/// As many as a job may have: one over the whole picture instead of too many.
pub fn bounded(redactions: Vec<Redaction>) -> Vec<Redaction> {
    let first = match redactions.first() {
        Some(first) if redactions.len() > REDACTIONS_MAX => *first,
        _ => return redactions,
    };
    let all = redactions.iter().fold(first, |all, one| Redaction {
        start_ns: all.start_ns.min(one.start_ns),
        end_ns: all.end_ns.max(one.end_ns),
        ..all
    });
    vec![Redaction { area: None, ..all }]
}

/// For each sighting of a thing, the area between it and the nearest of the sightings before, while the two overlap.
/// `places` are widened and sorted by thing and time.
fn ways(places: &[Sighting]) -> Vec<Sighting> {
    let mut ways = Vec::new();
    let mut before: &[Sighting] = &[];
    for now in places.chunk_by(|a, b| (a.thing, a.start_ns) == (b.thing, b.start_ns)) {
        for place in now {
            let reaches =
                |earlier: &&Sighting| earlier.thing == place.thing && earlier.end_ns > place.start_ns;
            let nearest =
                before.iter().filter(reaches).min_by_key(|earlier| distance(earlier.area, place.area));
            if let Some(earlier) = nearest
                && earlier.area != place.area
                && let Some((from, to)) = earlier.area.zip(place.area)
            {
                let area = Some(from.around(to));
                ways.push(Sighting {
                    start_ns: place.start_ns,
                    end_ns: earlier.end_ns,
                    area,
                    thing: place.thing,
                });
            }
        }
        before = now;
    }
    ways
}

/// Sum of the distances of the edges, pixels.
fn distance(a: Option<FrameBox>, b: Option<FrameBox>) -> u64 {
    let Some((a, b)) = a.zip(b) else { return 0 };
    let sides = [(a.x, b.x), (a.y, b.y), (a.width, b.width), (a.height, b.height)];
    sides.iter().map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
}

/// Joins ranges of the same area that meet.
fn joined(mut redactions: Vec<Redaction>) -> Vec<Redaction> {
    let place = |redaction: &Redaction| redaction.area.map(|area| (area.x, area.y, area.width, area.height));
    redactions.sort_by_key(|redaction| (place(redaction), redaction.start_ns));
    let mut joined: Vec<Redaction> = Vec::new();
    for redaction in redactions {
        match joined.last_mut() {
            Some(last) if last.area == redaction.area && redaction.start_ns <= last.end_ns => {
                last.end_ns = last.end_ns.max(redaction.end_ns);
            }
            _ => joined.push(redaction),
        }
    }
    joined.sort_by_key(|redaction| (redaction.start_ns, redaction.end_ns));
    joined
}
