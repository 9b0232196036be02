//! The text pass demuxes the whole file once and decodes no picture. Tags, chapters, subtitles and captions become lines.
//! Every track with text in an unsupported format is recorded.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use gst::prelude::*;
use reelgate_flow::facts::Container;
use reelgate_flow::place::TextPlace;
use reelgate_flow::reason::{Class, Fault};
use reelgate_pipelines::messages::{NotSearched, Surface};

use super::captions::{Captions, Wrapping, triplets};
use super::lines::{Lines, position_place};
use super::location;
use super::tags::TagEvents;
use super::text::TextFormat;
use crate::codecs;
use crate::demux::{Branch, Demuxed, Track, TrackKind, stream_time};
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
    has_text: bool,
    /// No position is kept before this time.
    next_position_ns: u64,
}

/// Adds the text that the pass reads to `lines`.
///
/// A fault of the media ends the pass. If a track with text was linked, the text counts as truncated, because the rest was
/// not screened.
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
    let State { lines: found, tags, captions, has_text, .. } = std::mem::take(&mut *pass.lock());
    *lines = found;
    tags.write(lines);
    for (track, mut captions) in captions {
        captions.finish(track, lines);
    }
    match played {
        Ok(()) => {}
        // If no track of the file is read here, no track is linked and the pass ends with a fault.
        Err(fault) if fault.code.class() == Class::BadMedia => lines.truncated |= has_text,
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
            self.lock().lines.record_not_searched(Surface::Track, Some(track.index), NotSearched::Encrypted);
            return Ok(Branch::Ignore);
        }
        match track.kind {
            TrackKind::Text => Ok(self.text_track(track)),
            TrackKind::Video => self.captions_within(track),
            TrackKind::Other => {
                self.lock().lines.record_not_searched(
                    Surface::Telemetry,
                    Some(track.index),
                    NotSearched::UnknownForm,
                );
                Ok(Branch::Ignore)
            }
            TrackKind::Audio => Ok(Branch::Ignore),
        }
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
            return self.sink(move |state, sample| state.caption(sample, index, wrapping));
        }
        if let Some(text_format) = TextFormat::of(&track.caps) {
            return self.sink(move |state, sample| state.cue(sample, index, text_format));
        }
        let why = if name.starts_with("subpicture/") {
            NotSearched::PicturesOfText
        } else {
            NotSearched::UnknownForm
        };
        self.lock().lines.record_not_searched(Surface::Subtitles, Some(index), why);
        Branch::Ignore
    }

    fn sink(self: &Arc<Self>, take: impl Fn(&mut State, &gst::Sample) + Send + Sync + 'static) -> Branch {
        self.lock().has_text = true;
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

    /// Captions in the user data of a video. Its parser extracts them without decoding a picture.
    fn captions_within(self: &Arc<Self>, track: &Track) -> Result<Branch, Fault> {
        let name = track.caps.structure(0).map_or("", |structure| structure.name().as_str());
        if name == "video/x-av1" {
            self.lock().lines.record_not_searched(
                Surface::Captions,
                Some(track.index),
                NotSearched::UnknownForm,
            );
        }
        let may_hold = matches!(name, "video/x-h264" | "video/x-h265")
            || codecs::describe(&track.caps).codec == "mpeg2video";
        let parser = if may_hold { codecs::parser(&track.caps)?.into_iter().next() } else { None };
        let Some((parser, pad)) = parser.and_then(|parser| Some((parser.clone(), parser.static_pad("src")?)))
        else {
            return Ok(Branch::Ignore);
        };
        // Without a change of the stream format, the parser would pass packets through unparsed.
        if parser.find_property("disable-passthrough").is_some() {
            parser.set_property("disable-passthrough", true);
        }
        let (pass, index) = (self.clone(), track.index);
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let Some(buffer) = info.buffer() {
                pass.lock().captions_of(pad, buffer, index);
            }
            gst::PadProbeReturn::Ok
        });
        let sink = codecs::make("fakesink")?;
        sink.set_property("sync", false);
        sink.set_property("async", false);
        Ok(Branch::Elements(vec![parser, sink]))
    }
}

impl State {
    fn cue(&mut self, sample: &gst::Sample, track: u32, format: TextFormat) {
        let Some(buffer) = sample.buffer() else { return };
        let Ok(packet) = buffer.map_readable() else { return };
        let bytes = packet.as_slice();
        self.lines.truncated |= bytes.len() > CUE_BYTES_MAX;
        let words = format.words(&bytes[..bytes.len().min(CUE_BYTES_MAX)]);
        let times = stream_times(sample, buffer);
        let start_ns = times.0.unwrap_or(0);
        if start_ns >= self.next_position_ns
            && let Some(position) = location::telemetry(&words)
        {
            self.next_position_ns = start_ns.saturating_add(POSITION_INTERVAL_NS);
            self.lines.add_position(&timed(position_place(Some(track)), times), position);
        }
        self.lines.add(timed(TextPlace::untimed("subtitle", "text", Some(track)), times), &words);
    }

    fn caption(&mut self, sample: &gst::Sample, track: u32, wrapping: Wrapping) {
        let Some(buffer) = sample.buffer() else { return };
        let (Ok(packet), Some(start_ns)) = (buffer.map_readable(), stream_times(sample, buffer).0) else {
            return;
        };
        let triplets = triplets(wrapping, packet.as_slice());
        self.captions.entry(track).or_default().take(start_ns, &triplets, track, &mut self.lines);
    }

    fn captions_of(&mut self, pad: &gst::Pad, buffer: &gst::BufferRef, track: u32) {
        let time = buffer.pts().or(buffer.dts()).and_then(|time| stream_time(pad, time));
        let Some(time) = time else { return };
        let mut found = Vec::new();
        for meta in buffer.iter_meta::<gst_video::VideoCaptionMeta>() {
            if meta.caption_type() == gst_video::VideoCaptionType::Cea708Raw {
                found.extend(triplets(Wrapping::Triplets, meta.data()));
            }
        }
        // Pictures without captions are added too, because they advance the time.
        if !found.is_empty() || self.captions.contains_key(&track) {
            let captions = self.captions.entry(track).or_default();
            captions.take(time.nseconds(), &found, track, &mut self.lines);
        }
    }
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
