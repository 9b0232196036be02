//! The lines of text that a job collects, within limits. Omitted text is reported, because it was not screened.

use std::collections::{BTreeSet, HashSet};

use reelgate_flow::place::TextPlace;
use reelgate_pipelines::messages::{NotAnalysed, NotSearched, Surface, TextLine};

/// Lines kept per asset.
pub const LINES_MAX: u64 = 100_000;
/// Bytes of all lines kept.
pub const BYTES_MAX: usize = 16 << 20;
/// Bytes kept of one text.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Bytes kept of one field's name.
const FIELD_BYTES_MAX: usize = 128;
/// Entries kept for surfaces that were not searched. One entry for the whole track stands for all further ones.
const NOT_ANALYSED_MAX: usize = 60;

/// Text of one asset, and which surfaces were not searched.
#[derive(Default)]
pub struct Lines {
    /// One [`TextLine`] per line.
    pub jsonl: Vec<u8>,
    pub count: u64,
    /// Whether text is missing, because a limit was reached or the file was cut off.
    pub truncated: bool,
    missing: BTreeSet<NotAnalysed>,
    /// Values of tags so far. Two readers find most values.
    tags: HashSet<String>,
}

/// The place of a geographic position that belongs to a whole track, or with `None` to the file.
pub fn position_place(track: Option<u32>) -> TextPlace {
    TextPlace::untimed("location", "position", track)
}

impl Lines {
    /// Adds a text, unless it is empty. A [`TextLine`] has no line number, so the place's is not used.
    pub fn add(&mut self, place: TextPlace, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let kept = cut(text, TEXT_BYTES_MAX);
        self.truncated |= kept.len() < text.len();
        let TextPlace { surface, field, track, start_ns, end_ns, frame_box, line: _ } = place;
        // Some demuxers report an end before the start. Such an end has no meaning.
        let end_ns = end_ns.filter(|end| start_ns.is_none_or(|start| *end >= start));
        self.push(&TextLine {
            surface,
            field: cut(&field, FIELD_BYTES_MAX).to_owned(),
            track,
            start_ns,
            end_ns,
            frame_box,
            text: kept.to_owned(),
        });
    }

    /// Adds the value of a tag, unless another tag has the same value.
    pub fn add_tag(&mut self, field: &str, track: Option<u32>, value: &str) {
        self.add_once(TextPlace::untimed("tag", field, track), value);
    }

    /// Adds a position in degrees, north and east positive, as a decimal pair. `place` is a [`position_place`].
    pub fn add_position(&mut self, place: &TextPlace, (latitude, longitude): (f64, f64)) {
        let text = format!("{latitude:.6}, {longitude:.6}");
        if place.start_ns.is_some() {
            self.add(place.clone(), &text);
        } else {
            self.add_once(place.clone(), &text);
        }
    }

    /// Records that a surface was not searched.
    pub fn record_not_searched(&mut self, surface: Surface, track: Option<u32>, why: NotSearched) {
        if self.missing.len() < NOT_ANALYSED_MAX {
            self.missing.insert(NotAnalysed { surface, track, why });
        } else {
            self.missing.insert(NotAnalysed {
                surface: Surface::Track,
                track: None,
                why: NotSearched::LimitReached,
            });
        }
    }

    /// What was not searched, in order.
    pub fn missing(&self) -> Vec<NotAnalysed> {
        self.missing.iter().copied().collect()
    }

    fn add_once(&mut self, place: TextPlace, value: &str) {
        let value = value.trim_matches(['\0', ' ', '\r', '\n', '\t']);
        if self.count < LINES_MAX && self.tags.insert(cut(value, TEXT_BYTES_MAX).to_owned()) {
            self.add(place, value);
        }
    }

    fn push(&mut self, line: &TextLine) {
        let Ok(json) = serde_json::to_vec(line) else { return };
        if self.count >= LINES_MAX || self.jsonl.len() + json.len() + 1 > BYTES_MAX {
            self.truncated = true;
            return;
        }
        self.jsonl.extend_from_slice(&json);
        self.jsonl.push(b'\n');
        self.count += 1;
    }
}

/// The longest beginning of a text that has at most `bytes_max` bytes.
pub fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &Lines) -> Vec<TextLine> {
        let parse = |line: &[u8]| serde_json::from_slice(line).unwrap();
        lines.jsonl.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(parse).collect()
    }

    #[test]
    fn the_limit_on_lines_sets_truncated() {
        let mut lines = Lines::default();
        (0..LINES_MAX).for_each(|_| lines.add(TextPlace::untimed("subtitle", "text", None), "x"));
        assert!(!lines.truncated);
        lines.add(TextPlace::untimed("subtitle", "text", None), "x");
        assert_eq!((lines.count, lines.truncated), (LINES_MAX, true));
    }

    #[test]
    fn the_limit_on_bytes_sets_truncated() {
        let mut lines = Lines::default();
        let long = "x".repeat(TEXT_BYTES_MAX);
        (0..1_100).for_each(|_| lines.add(TextPlace::untimed("subtitle", "text", None), &long));
        assert!(lines.truncated && lines.count < 1_024);
        assert!(lines.jsonl.len() <= BYTES_MAX);
    }

    #[test]
    fn a_value_that_two_readers_find_is_one_line() {
        let mut lines = Lines::default();
        lines.add_tag("©cmt", None, "same");
        lines.add_tag("comment", None, "same\0");
        lines.add_position(&position_place(None), (48.858222, 2.2945));
        lines.add_position(&position_place(None), (48.8582220, 2.29450));
        let texts: Vec<_> = texts(&lines).into_iter().map(|line| (line.field, line.text)).collect();
        let expected = [("©cmt", "same"), ("position", "48.858222, 2.294500")];
        assert_eq!(texts, expected.map(|(field, text)| (field.to_owned(), text.to_owned())));
    }

    #[test]
    fn a_text_is_cut_between_characters_and_sets_truncated() {
        let mut lines = Lines::default();
        lines.add(TextPlace::untimed("tag", "comment", None), &"é".repeat(TEXT_BYTES_MAX));
        assert!(lines.truncated);
        assert_eq!(texts(&lines)[0].text.len(), TEXT_BYTES_MAX);
    }

    #[test]
    fn more_missing_surfaces_than_the_limit_become_one_entry() {
        let mut lines = Lines::default();
        (0..1_000).for_each(|track| {
            lines.record_not_searched(Surface::Subtitles, Some(track), NotSearched::PicturesOfText)
        });
        let missing = lines.missing();
        assert_eq!(missing.len(), NOT_ANALYSED_MAX + 1);
        assert_eq!(missing.last().unwrap().why, NotSearched::LimitReached);
    }
}
