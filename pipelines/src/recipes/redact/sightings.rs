//! Turns sightings into redactions. Sightings come from samples: between two of them the thing was on screen too, and
//! may have moved.

use super::job_checks::{REDACTIONS_MAX, malformed};
use super::request::{Request, Sighting};
use crate::messages::Redaction;
use reelgate_flow::place::FrameBox;
use reelgate_flow::reason::Fault;

/// Most sightings in one request: about one a second for a day. A request made by hand never has as many.
const SIGHTINGS_MAX: usize = 100_000;

/// The redactions of a request, widened, without repetitions, in order of time.
///
/// # Errors
/// `internal` if a sighting lasts no time or covers no pixel, or there are too many.
pub fn redactions(request: &Request, track_end_ns: u64) -> Result<Vec<Redaction>, Fault> {
    let is_whole = |place: &Sighting| {
        place.start_ns < place.end_ns && place.area.is_none_or(|area| area.width > 0 && area.height > 0)
    };
    if request.places.len() > SIGHTINGS_MAX || !request.places.iter().all(is_whole) {
        return Err(malformed(
            &format!("up to {SIGHTINGS_MAX} places that last some time and cover a pixel"),
            "others",
        ));
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

/// Keeps the redactions if a job may have as many; otherwise returns one redaction of the whole picture.
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

/// The ways of moving things: for each sighting, the area around it and the nearest earlier sighting of the same thing,
/// for the time in which both overlap. `places` are widened and sorted by thing and time.
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

/// Joins redactions of the same area whose times touch or overlap.
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
