//! The places of a finding, for people: where the value is, and the value masked.

use reelgate_flow::place::TextPlace;

use crate::output::table::{clean, seconds};

/// Most places of a finding in a table; `--json` has all that are kept.
const PLACES_SHOWN: usize = 3;

/// The first places of a finding, one to a line, each with the masked value if who found it tells one.
pub fn first_places<'a>(all: impl Iterator<Item = (&'a TextPlace, Option<&'a str>)>) -> String {
    let line = |(place, masked): (&TextPlace, Option<&str>)| {
        let value = masked.map(|masked| format!(": {}", clean(masked))).unwrap_or_default();
        place_text(place) + &value
    };
    all.take(PLACES_SHOWN).map(line).collect::<Vec<_>>().join("\n")
}

/// Surface, element, track, line, time and box of a place, as far as it has them.
fn place_text(place: &TextPlace) -> String {
    let mut text = format!("{} {}", clean(&place.surface), clean(&place.field));
    if let Some(track) = place.track {
        text += &format!(" #{track}");
    }
    if let Some(line) = place.line {
        text += &format!(", line {line}");
    }
    if let Some(start_ns) = place.start_ns {
        text += &format!(", {}", seconds(start_ns as f64 / 1e9));
    }
    if let Some(area) = place.frame_box {
        text += &format!(", {}x{} at {},{}", area.width, area.height, area.x, area.y);
    }
    text
}

#[cfg(test)]
mod tests {
    use reelgate_flow::place::FrameBox;

    use super::*;

    #[test]
    fn a_place_is_shown_with_all_that_it_has() {
        let title = TextPlace::untimed("tag", "title", None);
        let mut cue = TextPlace::untimed("subtitle", "text", Some(2));
        cue.start_ns = Some(61_500_000_000);
        let mut seen = TextPlace::untimed("picture", "text", Some(0));
        seen.start_ns = Some(0);
        seen.frame_box = Some(FrameBox { x: 10, y: 20, width: 300, height: 40 });
        let places = [
            (&title, Some("4***6")),
            (&cue, None),
            (&seen, Some("a\u{1b}[2Jb")),
            (&title, Some("the fourth")),
        ];
        assert_eq!(
            first_places(places.into_iter()),
            "tag title: 4***6\nsubtitle text #2, 1:01 min\npicture text #0, 0.0 s, 300x40 at 10,20: a\\u{1b}[2Jb"
        );
    }
}
