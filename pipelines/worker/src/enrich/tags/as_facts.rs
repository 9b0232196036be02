//! The tags that are read directly, as facts.

use reelgate_flow::facts::Tag;
use reelgate_pipelines::messages::TextLine;

use super::super::lines::Lines;
use super::bmff;
use crate::source::Source;

/// Bytes kept of one name and of one value.
const NAME_BYTES_MAX: usize = 64;
const VALUE_BYTES_MAX: usize = 4_096;
/// What every writer puts into every track, and says nothing of the film.
const TECHNICAL: &str = "handler_name";

/// The tags of a movie, in the order of the file.
pub fn facts_of_movie(source: &Source) -> Vec<Tag> {
    let mut lines = Lines::default();
    // What is damaged is reported by the search for text.
    let _ = bmff::collect(source, &mut lines);
    let parsed =
        lines.jsonl.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    let tags = parsed.filter(|line: &TextLine| line.surface == "tag" && line.field != TECHNICAL);
    tags.map(|line| Tag { track: line.track, name: name(&line.field), value: cut(&line.text).to_owned() })
        .collect()
}

/// A field's name as a word.
fn name(field: &str) -> String {
    let word = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    field.chars().map(word).take(NAME_BYTES_MAX).collect()
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(VALUE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::source;
    use crate::test_boxes::atom;

    #[test]
    fn tags_of_a_movie_are_facts_with_plain_names() {
        let text = |kind: &[u8; 4], text: &str| {
            atom(kind, &[&(text.len() as u16).to_be_bytes()[..], &[0, 0], text.as_bytes()].concat())
        };
        let user_data = [text(b"\xa9nam", "A film"), text(b"\xa9mak", "Cameras & Co")].concat();
        let movie = atom(b"moov", &atom(b"udta", &user_data));
        let tags = facts_of_movie(&source(&movie));
        let found: Vec<_> =
            tags.iter().map(|tag| (tag.track, tag.name.as_str(), tag.value.as_str())).collect();
        assert_eq!(found, [(None, "title", "A film"), (None, "device_manufacturer", "Cameras & Co")]);
        assert_eq!(name("a b\u{e4}\n").as_str(), "a_b__");
        assert_eq!(cut(&"ä".repeat(VALUE_BYTES_MAX)).len(), VALUE_BYTES_MAX);
    }
}
