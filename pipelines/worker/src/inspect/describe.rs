//! Tags and chapters as plain text, bounded. Values are user text: they are stored, but never logged.

use std::collections::BTreeMap;

use gstreamer as gst;

use gst::glib;
use reelgate_flow::facts::{Chapter, Rotation, Tag};

/// Tags kept of a file and of each of its tracks.
const TAGS_MAX: usize = 500;
/// Bytes kept of one value.
const VALUE_BYTES_MAX: usize = 4_096;
/// Chapters kept.
const CHAPTERS_MAX: usize = 1_000;
/// Latest time, nanoseconds.
const TIME_NS_MAX: u64 = i64::MAX as u64;
/// Two lists of chapters differ by no more, nanoseconds.
const SAME_CHAPTER_NS: u64 = 1_000_000_000;
/// Depth of chapters within editions.
const CHAPTER_DEPTH_MAX: u32 = 4;

/// Tags that repeat the facts less exactly, or that a parser invents.
const TECHNICAL: [&str; 15] = [
    "audio-codec",
    "bitrate",
    "codec",
    "container-format",
    "has-crc",
    "image-orientation",
    "language-code",
    "maximum-bitrate",
    "minimum-bitrate",
    "nominal-bitrate",
    "subtitle-codec",
    "video-codec",
    "encoder-version",
    "replaygain-track-gain",
    "replaygain-track-peak",
];

/// Tags of one scope. Later values replace earlier ones.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TagText {
    values: BTreeMap<(String, usize), String>,
    /// A value was left out or cut.
    pub is_cut: bool,
    /// Language code; empty if unknown.
    pub language: String,
    /// Rotation for display. It is 0 if the file declares none, or one that is not a multiple of 90 degrees.
    pub rotation: Rotation,
}

impl TagText {
    /// Adds the tags that have a text form. Pictures and binary values are ignored.
    pub fn read(&mut self, list: &gst::TagListRef) {
        if let Some(language) = list.get::<gst::tags::LanguageCode>() {
            self.language = language.get().chars().filter(char::is_ascii_graphic).take(35).collect();
        }
        if let Some(orientation) = list.get::<gst::tags::ImageOrientation>() {
            self.rotation = rotation(orientation.get());
        }
        for (name, values) in list.iter_generic() {
            if TECHNICAL.contains(&name.as_str()) {
                continue;
            }
            for (position, value) in values.enumerate() {
                let Some(text) = text(value) else { continue };
                let kept = cut(&text);
                let is_full = self.values.len() >= TAGS_MAX;
                self.is_cut |= is_full || kept.len() < text.len();
                if !is_full {
                    self.values.insert((name.to_string(), position), kept);
                }
            }
        }
    }

    /// The tags as facts, in order of their names.
    pub fn tags(&self, track: Option<u32>) -> impl Iterator<Item = Tag> + '_ {
        self.values.iter().map(move |((name, _), value)| Tag {
            track,
            name: name.clone(),
            value: value.clone(),
        })
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Chapters {
    pub list: Vec<Chapter>,
    /// A chapter was left out, or its title was cut.
    pub is_cut: bool,
    /// A chapter could not be read.
    pub is_damaged: bool,
}

impl Chapters {
    /// Replaces the chapters by those of a table of contents.
    pub fn read(&mut self, toc: &gst::TocRef) {
        *self = Self::default();
        for entry in toc.entries() {
            self.entry(&entry, 0);
        }
        self.list.sort_by_key(|chapter| chapter.start_ns);
    }

    /// Adds a chapter, unless there are too many. Times beyond what fits into 63 bits are no times.
    pub fn add(&mut self, start_ns: u64, end_ns: Option<u64>, title: &str) {
        if self.is_full() {
            self.is_cut = true;
            return;
        }
        let kept = cut(title);
        self.is_cut |= kept.len() < title.len();
        self.list.push(Chapter {
            start_ns: start_ns.min(TIME_NS_MAX),
            end_ns: end_ns.filter(|end| *end <= TIME_NS_MAX),
            title: kept,
        });
    }

    pub fn is_full(&self) -> bool {
        self.list.len() >= CHAPTERS_MAX
    }

    /// Whether there is a chapter with this title at about this time.
    pub fn has(&self, start_ns: u64, title: &str) -> bool {
        let is_it = |chapter: &Chapter| {
            chapter.title == title && chapter.start_ns.abs_diff(start_ns) <= SAME_CHAPTER_NS
        };
        self.list.iter().any(is_it)
    }

    fn entry(&mut self, entry: &gst::TocEntryRef, depth: u32) {
        if depth > CHAPTER_DEPTH_MAX || self.is_full() {
            self.is_cut = true;
            return;
        }
        if entry.entry_type() == gst::TocEntryType::Chapter
            && let Some((start, stop)) = entry.start_stop_times()
        {
            let tags = entry.tags();
            let title =
                tags.and_then(|tags| tags.get::<gst::tags::Title>().map(|title| title.get().to_owned()));
            let end_ns = u64::try_from(stop).ok().filter(|stop| *stop > 0);
            self.add(u64::try_from(start).unwrap_or(0), end_ns, &title.unwrap_or_default());
        }
        for sub in entry.sub_entries() {
            self.entry(&sub, depth + 1);
        }
    }
}

/// Parses GStreamer's names of Exif orientations. "flip" is a mirror before the rotation. For quarter turns this equals
/// the diagonal flip that the name stands for.
fn rotation(orientation: &str) -> Rotation {
    let (mirrored, degrees) = match orientation.strip_prefix("flip-") {
        Some(rest) => (true, rest),
        None => (false, orientation),
    };
    match degrees {
        "rotate-90" => Rotation { degrees: 90, mirrored },
        "rotate-180" => Rotation { degrees: 180, mirrored },
        "rotate-270" => Rotation { degrees: 270, mirrored },
        _ => Rotation { degrees: 0, mirrored },
    }
}

fn text(value: &glib::SendValue) -> Option<String> {
    if let Ok(text) = value.get::<&str>() {
        return Some(text.to_owned()).filter(|text| !text.is_empty());
    }
    if let Ok(time) = value.get::<gst::DateTime>() {
        return time.to_iso8601_string().ok().map(|text| text.to_string());
    }
    if let Ok(date) = value.get::<glib::Date>() {
        return Some(format!(
            "{:04}-{:02}-{:02}",
            date.year(),
            glib::translate::IntoGlib::into_glib(date.month()),
            date.day()
        ));
    }
    if let Ok(number) = value.get::<f64>() {
        return Some(number.to_string());
    }
    if let Ok(number) = value.get::<u32>() {
        return Some(number.to_string());
    }
    value.get::<u64>().ok().map(|number| number.to_string())
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(VALUE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_text_and_language_and_rotation_have_their_own_fields() {
        gst::init().unwrap();
        let mut list = gst::TagList::new();
        let tags = list.make_mut();
        tags.add::<gst::tags::Title>(&"A title", gst::TagMergeMode::Append);
        tags.add::<gst::tags::LanguageCode>(&"en", gst::TagMergeMode::Append);
        tags.add::<gst::tags::ImageOrientation>(&"rotate-270", gst::TagMergeMode::Append);
        tags.add::<gst::tags::GeoLocationLatitude>(&48.5, gst::TagMergeMode::Append);
        tags.add::<gst::tags::VideoCodec>(&"H.264", gst::TagMergeMode::Append);
        let mut text = TagText::default();
        text.read(&list);
        let tags: Vec<_> = text.tags(Some(1)).map(|tag| (tag.name, tag.value)).collect();
        let expected = [("geo-location-latitude", "48.5"), ("title", "A title")];
        assert_eq!(tags, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!((text.language.as_str(), text.rotation.degrees), ("en", 270));
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let long = "ä".repeat(VALUE_BYTES_MAX);
        assert_eq!(cut(&format!("x{long}")).len(), VALUE_BYTES_MAX - 1);
    }

    #[test]
    fn quarter_turns_and_mirrors_are_parsed_and_other_values_are_ignored() {
        assert_eq!(rotation("rotate-90"), Rotation { degrees: 90, mirrored: false });
        assert_eq!(rotation("flip-rotate-0"), Rotation { degrees: 0, mirrored: true });
        assert_eq!(rotation("sideways"), Rotation::default());
    }
}
