//! Collects tags and chapters that the demuxer and the parsers announce.

use std::collections::BTreeMap;

use gstreamer as gst;
use reelgate_flow::surface::{NotSearched, Surface};

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
    pub chapters: Chapters,
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

    /// Adds all tags to `lines`. `is_only_reader` says that nothing else reads the tags of the container.
    pub fn write(&self, is_only_reader: bool, lines: &mut Lines) {
        if is_only_reader && (self.file.is_cut || self.tracks.values().any(|tags| tags.is_cut)) {
            lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
        }
        write(&self.file, None, lines);
        for (track, tags) in &self.tracks {
            write(tags, Some(*track), lines);
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
    use super::super::super::chapters;
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
        events.write(true, &mut lines);
        let text = String::from_utf8(lines.jsonl).unwrap();
        assert!(text.contains(r#""field":"DEVICE_SERIAL","track":null"#), "{text}");
        assert!(
            text.contains(r#""text":"C02=X""#) && text.contains(r#""text":"48.858222, 2.294500""#),
            "{text}"
        );
        assert_eq!(lines.count, 2);
    }

    #[test]
    fn tags_and_chapters_that_are_not_kept_whole_are_gaps() {
        gst::init().unwrap();
        let long = "x".repeat(5_000);
        let mut list = gst::TagList::new();
        list.make_mut().add::<gst::tags::Comment>(&long.as_str(), gst::TagMergeMode::Append);
        let mut toc = gst::Toc::new(gst::TocScope::Global);
        for n in 0..1_001_i64 {
            let mut entry = gst::TocEntry::new(gst::TocEntryType::Chapter, &n.to_string());
            entry.get_mut().unwrap().set_start_stop_times(n, n + 1);
            toc.get_mut().unwrap().append_entry(entry);
        }
        let mut events = TagEvents::default();
        events.event(0, &gst::event::Tag::new(list));
        events.event(0, &gst::event::Toc::new(&toc, false));
        let gaps = |is_only_reader: bool| {
            let mut lines = Lines::default();
            events.write(is_only_reader, &mut lines);
            chapters::write(&events.chapters, &mut lines);
            let reports = lines.reports().into_iter().filter(|report| !report.is_whole());
            reports.map(|report| (report.surface, report.gaps[0].why)).collect::<Vec<_>>()
        };
        let chapters = (Surface::Chapters, NotSearched::LimitReached);
        assert_eq!(gaps(true), [(Surface::Tags, NotSearched::LimitReached), chapters]);
        assert_eq!(gaps(false), [chapters], "another reader has read the whole value");
    }
}
