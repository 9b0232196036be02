//! Collects tags and chapters that the demuxer and the parsers announce.

use std::collections::BTreeMap;

use gstreamer as gst;
use reelgate_flow::place::TextPlace;

use super::super::lines::{Lines, position_place};
use crate::inspect::describe::{Chapters, TagText};

/// The two tags that form a position together.
const LATITUDE: &str = "geo-location-latitude";
const LONGITUDE: &str = "geo-location-longitude";
/// GStreamer's tag for unknown tags: `key=value`, or `key[language]=value`.
const EXTENDED: &str = "extended-comment";

/// Tags and chapters so far.
#[derive(Default)]
pub struct TagEvents {
    file: TagText,
    tracks: BTreeMap<u32, TagText>,
    chapters: Chapters,
}

impl TagEvents {
    /// Reads the tags or chapters of an event on a track's pad.
    pub fn event(&mut self, track: u32, event: &gst::EventRef) {
        match event.view() {
            gst::EventView::Toc(toc) => self.chapters.read(toc.toc().0),
            gst::EventView::Tag(tag) if tag.tag().scope() == gst::TagScope::Global => {
                self.file.read(tag.tag())
            }
            gst::EventView::Tag(tag) => self.tracks.entry(track).or_default().read(tag.tag()),
            _ => {}
        }
    }

    /// Adds all tags and chapters to `lines`.
    pub fn write(&self, lines: &mut Lines) {
        write(&self.file, None, lines);
        for (track, tags) in &self.tracks {
            write(tags, Some(*track), lines);
        }
        for chapter in &self.chapters.0 {
            let place = TextPlace {
                start_ns: Some(chapter.start_ns),
                end_ns: chapter.end_ns,
                ..TextPlace::untimed("chapter", "title", None)
            };
            lines.add(place, &chapter.title);
        }
    }
}

fn write(tags: &TagText, track: Option<u32>, lines: &mut Lines) {
    let (mut latitude, mut longitude) = (None, None);
    for tag in tags.tags(track) {
        match tag.name.as_str() {
            LATITUDE => latitude = tag.value.parse::<f64>().ok(),
            LONGITUDE => longitude = tag.value.parse::<f64>().ok(),
            EXTENDED => {
                let (key, value) = tag.value.split_once('=').unwrap_or((EXTENDED, &tag.value));
                let key = key.split_once('[').map_or(key, |(key, _)| key);
                lines.add_tag(key, track, value);
            }
            name => lines.add_tag(name, track, &tag.value),
        }
    }
    if let Some(position) = latitude.zip(longitude) {
        lines.add_position(&position_place(track), position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_tag_keeps_its_key_and_two_angles_are_one_position() {
        gst::init().unwrap();
        let mut list = gst::TagList::new();
        let tags = list.make_mut();
        tags.set_scope(gst::TagScope::Global);
        tags.add::<gst::tags::ExtendedComment>(&"DEVICE_SERIAL[en]=C02=X", gst::TagMergeMode::Append);
        tags.add::<gst::tags::GeoLocationLatitude>(&48.858222, gst::TagMergeMode::Append);
        tags.add::<gst::tags::GeoLocationLongitude>(&2.2945, gst::TagMergeMode::Append);
        let (mut events, mut lines) = (TagEvents::default(), Lines::default());
        events.event(3, &gst::event::Tag::new(list));
        events.write(&mut lines);
        let text = String::from_utf8(lines.jsonl).unwrap();
        assert!(text.contains(r#""field":"DEVICE_SERIAL","track":null"#), "{text}");
        assert!(
            text.contains(r#""text":"C02=X""#) && text.contains(r#""text":"48.858222, 2.294500""#),
            "{text}"
        );
        assert_eq!(lines.count, 2);
    }
}
