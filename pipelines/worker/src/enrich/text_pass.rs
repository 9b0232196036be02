//! The text pass demuxes the whole file once and decodes no picture. Tags, chapters, subtitles and captions become lines.
//! Every track with text in an unsupported format is recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use gst::prelude::*;
use reelgate_flow::facts::Container;
use reelgate_flow::place::TextPlace;
use reelgate_flow::reason::{Class, Fault};
use reelgate_flow::surface::{NotSearched, Surface};
use reelgate_pipelines::messages::Cue;

use super::captions::{Captions, Wrapping, triplets, triplets_in_av1};
use super::chapters;
use super::lines::{Lines, position_place};
use super::location;
use super::tags::{TagEvents, is_read_directly, read_id3};
use super::text::TextFormat;
use super::user_data::{Carrier, UserData};
use crate::codecs;
use crate::demux::{Branch, Demuxed, Track, TrackKind, is_missing_sample, stream_time};
use crate::inspect::chapters::of_bmff as chapters_of_bmff;
use crate::isobmff;
use crate::progress_sink::ProgressSink;
use crate::source::Source;

/// Bytes read of one cue. A longer cue is cut.
const CUE_BYTES_MAX: usize = 16 << 10;
/// The shortest time between two kept positions, nanoseconds. A drone writes its position with every frame.
const POSITION_INTERVAL_NS: u64 = 10_000_000_000;

#[derive(Default)]
struct Pass {
    state: Mutex<State>,
    packets: AtomicU64,
}

#[derive(Default)]
struct State {
    lines: Lines,
    tags: TagEvents,
    captions: BTreeMap<u32, Captions>,
    user_data: UserData,
    /// The surfaces that are searched, and their tracks.
    searched: BTreeSet<(Surface, u32)>,
    /// No position is kept before this time.
    next_position_ns: u64,
}

/// Adds the text that the pass reads to `lines`.
///
/// A fault of the media ends the pass. The rest of every track that was searched is a gap, because it was not screened.
pub fn collect(
    source: &Source,
    container: Container,
    progress_sink: &dyn ProgressSink,
    lines: &mut Lines,
) -> Result<(), Fault> {
    let pass = Arc::new(Pass::default());
    pass.lock().lines = std::mem::take(lines);
    let decide = {
        let pass = pass.clone();
        move |track: &Track| pass.track(track)
    };
    let demuxed = Demuxed::open(source, container, decide)?;
    let mut reported = 0;
    let played = demuxed.run(|| {
        let packets = pass.packets.load(Ordering::Relaxed);
        if packets != reported {
            progress_sink.progress(0, packets);
            reported = packets;
        }
        Ok(())
    });
    drop(demuxed);
    let State { lines: found, tags, captions, searched, .. } = std::mem::take(&mut *pass.lock());
    *lines = found;
    tags.write(!is_read_directly(container), lines);
    match container {
        Container::IsoBmff => chapters::write(&chapters_of_bmff(source), lines),
        _ => chapters::write(&tags.chapters, lines),
    }
    for (track, mut captions) in captions {
        captions.finish(track, lines);
    }
    match played {
        Ok(()) => {}
        // If no track of the file is read here, no track is linked and the pass ends with a fault.
        Err(fault) if fault.code.class() == Class::BadMedia => {
            for (surface, track) in searched {
                lines.record_gap(surface, Some(track), NotSearched::Damaged);
            }
        }
        Err(fault) => return Err(fault),
    }
    Ok(())
}

impl Pass {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn track(self: &Arc<Self>, track: &Track) -> Result<Branch, Fault> {
        self.watch(track);
        if codecs::describe(&track.caps).encrypted {
            self.record_encrypted(track);
            return Ok(Branch::Ignore);
        }
        match track.kind {
            TrackKind::Text => Ok(self.text_track(track)),
            TrackKind::Video => self.captions_within(track),
            // Their own readers report what they do not read.
            TrackKind::Other if isobmff::is_read_elsewhere(&track.caps) => Ok(Branch::Ignore),
            TrackKind::Other => Ok(self.other_track(track)),
            TrackKind::Audio => Ok(Branch::Ignore),
        }
    }

    /// Encrypted sound is not searched for text, whether it is encrypted or not.
    fn record_encrypted(&self, track: &Track) {
        let surface = match track.kind {
            TrackKind::Text => Surface::Subtitles,
            TrackKind::Video => Surface::Captions,
            TrackKind::Other => Surface::Telemetry,
            TrackKind::Audio => return,
        };
        self.lock().lines.record_gap(surface, Some(track.index), NotSearched::Encrypted);
    }

    /// Counts packets and reads tags and chapters.
    fn watch(self: &Arc<Self>, track: &Track) {
        let index = track.index;
        track.pad.sticky_events_foreach(|event| {
            self.lock().tags.event(index, event);
            std::ops::ControlFlow::Continue(gst::EventForeachAction::Keep)
        });
        let pass = self.clone();
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
        track.pad.add_probe(kinds, move |_, info| {
            match info.event() {
                Some(event) if is_missing_sample(event) => pass.lock().record_missing(index),
                Some(event) => pass.lock().tags.event(index, event),
                None => {
                    pass.packets.fetch_add(1, Ordering::Relaxed);
                }
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// A track of subtitles or captions.
    fn text_track(self: &Arc<Self>, track: &Track) -> Branch {
        let index = track.index;
        let structure = track.caps.structure(0);
        let name = structure.map_or("", |structure| structure.name().as_str());
        let format = structure.and_then(|structure| structure.get::<&str>("format").ok()).unwrap_or("");
        if let Some(wrapping) = Wrapping::of(name, format) {
            self.search(Surface::Captions, index);
            return self.sink(move |state, sample| state.caption(sample, index, wrapping));
        }
        if let Some(text_format) = TextFormat::of(&track.caps) {
            self.search(Surface::Subtitles, index);
            return self.sink(move |state, sample| state.cue(sample, index, text_format));
        }
        let why = if name.starts_with("subpicture/") {
            NotSearched::PicturesOfText
        } else {
            NotSearched::UnknownForm
        };
        self.lock().lines.record_gap(Surface::Subtitles, Some(index), why);
        Branch::Ignore
    }

    /// A track that is neither sound nor pictures nor known text. Timed tags have text.
    fn other_track(self: &Arc<Self>, track: &Track) -> Branch {
        let index = track.index;
        let name = track.caps.structure(0).map_or("", |structure| structure.name().as_str());
        if name == "meta/x-id3" {
            return self.sink(move |state, sample| state.timed_tag(sample, index));
        }
        // Subtitles of Ogg have names of their own.
        let surface = if name.starts_with("subtitle/") { Surface::Subtitles } else { Surface::Telemetry };
        self.lock().lines.record_gap(surface, Some(index), NotSearched::UnknownForm);
        Branch::Ignore
    }

    /// Records that a track of text exists and is searched.
    fn search(&self, surface: Surface, track: u32) {
        let mut state = self.lock();
        state.searched.insert((surface, track));
        state.lines.record_present(surface);
    }

    fn sink(self: &Arc<Self>, take: impl Fn(&mut State, &gst::Sample) + Send + Sync + 'static) -> Branch {
        let pass = self.clone();
        let take = move |sink: &gst_app::AppSink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            take(&mut pass.lock(), &sample);
            Ok(gst::FlowSuccess::Ok)
        };
        let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(take).build();
        let sink = gst_app::AppSink::builder().sync(false).max_buffers(1).callbacks(callbacks).build();
        // Cues may be minutes apart, so no sink waits for its first cue.
        sink.set_property("async", false);
        sink.set_property("enable-last-sample", false);
        Branch::Elements(vec![sink.upcast()])
    }

    /// Captions and other messages in the user data of a video. Its parser extracts captions without decoding a picture.
    fn captions_within(self: &Arc<Self>, track: &Track) -> Result<Branch, Fault> {
        let name = track.caps.structure(0).map_or("", |structure| structure.name().as_str());
        let Some(carrier) = Carrier::of(&track.caps) else { return Ok(Branch::Ignore) };
        self.lock().searched.insert((Surface::Tags, track.index));
        self.messages_on(&track.pad, track.index);
        let may_hold = matches!(name, "video/x-h264" | "video/x-h265")
            || codecs::describe(&track.caps).codec == "mpeg2video";
        if carrier == Carrier::Av1 || may_hold {
            self.lock().searched.insert((Surface::Captions, track.index));
        }
        if carrier == Carrier::Av1 {
            self.captions_in_av1(track);
        }
        let parser = if may_hold { codecs::parser(&track.caps)?.into_iter().next() } else { None };
        let Some((parser, pad)) = parser.and_then(|parser| Some((parser.clone(), parser.static_pad("src")?)))
        else {
            return Ok(Branch::Elements(vec![silent_sink()?]));
        };
        // Without a change of the stream format, the parser would pass packets through unparsed.
        if parser.find_property("disable-passthrough").is_some() {
            parser.set_property("disable-passthrough", true);
        }
        // Packets of program streams begin and end in the middle of a message, those of the parser do not.
        if !carrier.is_framed() {
            self.messages_on(&pad, track.index);
        }
        let (pass, index) = (self.clone(), track.index);
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let Some(buffer) = info.buffer() {
                pass.lock().captions_of(pad, buffer, index);
            }
            gst::PadProbeReturn::Ok
        });
        Ok(Branch::Elements(vec![parser, silent_sink()?]))
    }

    /// Text in the packets on a pad of a video, which no element extracts.
    fn messages_on(self: &Arc<Self>, pad: &gst::Pad, index: u32) {
        let pass = self.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            let packet = info.buffer().and_then(|buffer| buffer.map_readable().ok());
            if let (Some(packet), Some(caps)) = (packet, pad.current_caps()) {
                let State { user_data, lines, .. } = &mut *pass.lock();
                user_data.read(&caps, packet.as_slice(), index, lines);
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// Captions in the metadata of AV1, which no parser extracts.
    fn captions_in_av1(self: &Arc<Self>, track: &Track) {
        let (pass, index) = (self.clone(), track.index);
        track.pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let Some(buffer) = info.buffer() {
                pass.lock().captions_of_av1(pad, buffer, index);
            }
            gst::PadProbeReturn::Ok
        });
    }
}

impl State {
    /// A sample of a track is not in the file: what it said was not searched.
    fn record_missing(&mut self, track: u32) {
        for (surface, searched) in &self.searched {
            if *searched == track {
                self.lines.record_gap(*surface, Some(track), NotSearched::Damaged);
            }
        }
    }

    fn cue(&mut self, sample: &gst::Sample, track: u32, format: TextFormat) {
        let Some(buffer) = sample.buffer() else { return };
        let Ok(packet) = buffer.map_readable() else {
            return self.lines.record_gap(Surface::Subtitles, Some(track), NotSearched::Damaged);
        };
        let bytes = packet.as_slice();
        let kept = &bytes[..bytes.len().min(CUE_BYTES_MAX)];
        let words = format.words(kept);
        if format == TextFormat::Unknown && words.is_empty() && !is_blank(kept) {
            self.lines.record_gap(Surface::Subtitles, Some(track), NotSearched::UnknownForm);
        }
        let times = stream_times(sample, buffer);
        let start_ns = times.0.unwrap_or(0);
        if start_ns >= self.next_position_ns
            && let Some(position) = location::telemetry(&words)
        {
            self.next_position_ns = start_ns.saturating_add(POSITION_INTERVAL_NS);
            self.lines.add_position(&timed(position_place(Some(track)), times), position);
        }
        self.lines.add(timed(TextPlace::untimed("subtitle", "text", Some(track)), times), &words);
        self.lines.add_cue(|| {
            let (start_ns, end_ns) = (times.0?, times.1);
            Some(Cue { track, channel: None, start_ns, end_ns, text: format.shown(kept) })
        });
        if kept.len() < bytes.len() {
            self.lines.record_gap(Surface::Subtitles, Some(track), NotSearched::LimitReached);
        }
    }

    /// A tag of sound that is written between pictures, as in streams over HTTP.
    fn timed_tag(&mut self, sample: &gst::Sample, track: u32) {
        let packet = sample.buffer().and_then(|buffer| buffer.map_readable().ok());
        let read = packet.map(|packet| read_id3(packet.as_slice(), &mut self.lines));
        if read != Some(true) {
            self.lines.record_gap(Surface::Tags, Some(track), NotSearched::Damaged);
        }
    }

    fn caption(&mut self, sample: &gst::Sample, track: u32, wrapping: Wrapping) {
        let Some(buffer) = sample.buffer() else { return };
        let (Ok(packet), Some(start_ns)) = (buffer.map_readable(), stream_times(sample, buffer).0) else {
            return self.lines.record_gap(Surface::Captions, Some(track), NotSearched::Damaged);
        };
        let triplets = triplets(wrapping, packet.as_slice());
        self.captions.entry(track).or_default().take(start_ns, &triplets, track, &mut self.lines);
    }

    fn captions_of(&mut self, pad: &gst::Pad, buffer: &gst::BufferRef, track: u32) {
        let mut found = Vec::new();
        for meta in buffer.iter_meta::<gst_video::VideoCaptionMeta>() {
            if meta.caption_type() == gst_video::VideoCaptionType::Cea708Raw {
                found.extend(triplets(Wrapping::Triplets, meta.data()));
            }
        }
        self.captions_at(pad, buffer, &found, track);
    }

    fn captions_of_av1(&mut self, pad: &gst::Pad, buffer: &gst::BufferRef, track: u32) {
        let packet = buffer.map_readable().ok();
        match packet.and_then(|packet| triplets_in_av1(packet.as_slice())) {
            Some(found) => self.captions_at(pad, buffer, &found, track),
            None => self.lines.record_gap(Surface::Captions, Some(track), NotSearched::Damaged),
        }
    }

    fn captions_at(&mut self, pad: &gst::Pad, buffer: &gst::BufferRef, found: &[[u8; 3]], track: u32) {
        let time = buffer.pts().or(buffer.dts()).and_then(|time| stream_time(pad, time));
        let Some(time) = time else {
            if !found.is_empty() {
                self.lines.record_gap(Surface::Captions, Some(track), NotSearched::Damaged);
            }
            return;
        };
        // Pictures without captions are added too, because they advance the time.
        if !found.is_empty() || self.captions.contains_key(&track) {
            let captions = self.captions.entry(track).or_default();
            captions.take(time.nseconds(), found, track, &mut self.lines);
        }
    }
}

/// Whether a packet has no visible content.
fn is_blank(packet: &[u8]) -> bool {
    packet.iter().all(|byte| *byte == 0 || byte.is_ascii_whitespace())
}

fn silent_sink() -> Result<gst::Element, Fault> {
    let sink = codecs::make("fakesink")?;
    sink.set_property("sync", false);
    sink.set_property("async", false);
    Ok(sink)
}

/// Start and end of a buffer in stream time, nanoseconds.
fn stream_times(sample: &gst::Sample, buffer: &gst::BufferRef) -> (Option<u64>, Option<u64>) {
    let segment = sample.segment().and_then(|segment| segment.downcast_ref::<gst::ClockTime>());
    let stream_ns = |time: gst::ClockTime| Some(segment?.to_stream_time(time)?.nseconds());
    let end = buffer.pts().zip(buffer.duration()).and_then(|(start, length)| start.checked_add(length));
    (buffer.pts().and_then(stream_ns), end.and_then(stream_ns))
}

fn timed(place: TextPlace, (start_ns, end_ns): (Option<u64>, Option<u64>)) -> TextPlace {
    TextPlace { start_ns, end_ns, ..place }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reelgate_flow::surface::SurfaceReport;

    /// What a track with these caps leaves out.
    fn gap(kind: TrackKind, caps: &str) -> Option<(Surface, NotSearched)> {
        gst::init().unwrap();
        let pass = Arc::new(Pass::default());
        let pad = gst::Pad::new(gst::PadDirection::Src);
        let track = Track { index: 3, kind, caps: caps.parse().unwrap(), pad };
        pass.track(&track).unwrap();
        let reports = pass.lock().lines.reports();
        let report = reports.into_iter().find(|report| !report.is_whole())?;
        let SurfaceReport { surface, gaps, .. } = report;
        assert_eq!((gaps.len(), gaps[0].track), (1, Some(3)));
        Some((surface, gaps[0].why))
    }

    #[test]
    fn an_encrypted_track_is_a_gap_of_the_text_that_it_may_hold() {
        let of = |kind| gap(kind, "application/x-cenc, original-media-type=(string)text/x-raw");
        assert_eq!(of(TrackKind::Text), Some((Surface::Subtitles, NotSearched::Encrypted)));
        assert_eq!(of(TrackKind::Video), Some((Surface::Captions, NotSearched::Encrypted)));
        assert_eq!(of(TrackKind::Audio), None);
    }

    #[test]
    fn pictures_of_text_and_unknown_forms_are_gaps_of_the_subtitles() {
        let of = |caps| gap(TrackKind::Text, caps);
        assert_eq!(of("subpicture/x-pgs"), Some((Surface::Subtitles, NotSearched::PicturesOfText)));
        assert_eq!(of("application/x-teletext"), Some((Surface::Subtitles, NotSearched::UnknownForm)));
        assert_eq!(of("text/x-raw, format=(string)utf8"), None);
        let device = gap(TrackKind::Other, "meta/x-klv");
        assert_eq!(device, Some((Surface::Telemetry, NotSearched::UnknownForm)));
    }
}
