//! One pass over the whole file. It counts every packet of every track and decodes none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer as gst;

use gst::prelude::*;
use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::InspectJob;

use super::chapters;
use super::describe::{Chapters, TagText};
use super::limits;
use super::parsed_forms::ParsedForms;
use super::timeline::{Packet, Timeline, Timing};
use crate::codecs;
use crate::demux::{Branch, Demuxed, Track, TrackKind};
use crate::progress_sink::ProgressSink;
use crate::source::Source;

/// Duration of a frame without one, when it is clipped to the edit. Decoders assume the same.
const FRAME_ASSUMED: gst::ClockTime = gst::ClockTime::from_mseconds(40);

/// Result of the pass.
pub struct Survey {
    /// In order of their index.
    pub tracks: Vec<TrackSurvey>,
    pub tags: TagText,
    pub chapters: Chapters,
    /// Longest duration that the demuxer declares, nanoseconds.
    pub declared_duration_ns: Option<u64>,
}

/// One track after the pass.
pub struct TrackSurvey {
    /// Position among all tracks.
    pub index: u32,
    pub kind: TrackKind,
    /// Whether the file names it as one to play; `None` if it says nothing.
    pub is_chosen: Option<bool>,
    /// Caps at the demuxer.
    pub caps: gst::Caps,
    /// Caps behind the parser, or those at the demuxer without a parser. Of several, those of the largest picture that lasts.
    pub parsed: gst::Caps,
    pub timing: Timing,
    /// Bytes at the demuxer.
    pub bytes: u64,
    pub tags: TagText,
}

/// Reads the file to its end. Refuses a file that exceeds a limit, is encrypted, or cannot be demultiplexed.
pub fn run(
    source: &Source,
    job: &InspectJob,
    progress_sink: &Arc<dyn ProgressSink>,
) -> Result<Survey, Fault> {
    let shared = Arc::new(Shared { job: job.clone(), log: Mutex::default(), failed: AtomicBool::new(false) });
    let decide = shared.clone();
    let demuxed = Demuxed::open(source, job.container, move |track| decide.track(track))?;
    let ended = demuxed.run(|| shared.tick(progress_sink));
    let declared_duration_ns = declared_duration(&demuxed);
    drop(demuxed); // joins the streaming threads: nothing is counted after this line
    shared.tick(progress_sink)?;
    let mut log = shared.lock();
    if let Err(fault) = ended {
        let nothing_counted = log.tracks.iter().all(|track| track.timeline.packets() == 0);
        // If a stream breaks off after some media, `verdict` judges the counted media.
        if nothing_counted || fault.code != Code::DamagedStream {
            return Err(fault);
        }
    }
    let tracks =
        std::mem::take(&mut log.tracks).into_iter().map(TrackLog::finish).collect::<Result<_, _>>()?;
    let tags = std::mem::take(&mut log.tags);
    let chapters = match job.container {
        Container::IsoBmff => chapters::of_bmff(source),
        _ => std::mem::take(&mut log.chapters),
    };
    Ok(Survey { tracks, tags, chapters, declared_duration_ns })
}

/// Containers whose demuxer delivers whole frames with the times and keyframes of the index.
fn is_framed(container: Container) -> bool {
    use Container::*;
    matches!(container, IsoBmff | Matroska | Flv | Avi | Ogg | Mxf)
}

fn declared_duration(demuxed: &Demuxed) -> Option<u64> {
    let of_pad = |track: &Track| track.pad.query_duration::<gst::ClockTime>();
    demuxed.tracks().iter().filter_map(of_pad).max().map(gst::ClockTime::nseconds)
}

struct Shared {
    job: InspectJob,
    log: Mutex<Log>,
    failed: AtomicBool,
}

#[derive(Default)]
struct Log {
    tracks: Vec<TrackLog>,
    tags: TagText,
    chapters: Chapters,
    fault: Option<Fault>,
}

struct TrackLog {
    index: u32,
    kind: TrackKind,
    is_chosen: Option<bool>,
    caps: gst::Caps,
    parsed: ParsedForms,
    timeline: Timeline,
    bytes: u64,
    tags: TagText,
}

impl TrackLog {
    fn finish(self) -> Result<TrackSurvey, Fault> {
        let Self { index, kind, is_chosen, caps, parsed, timeline, bytes, tags } = self;
        let parsed = parsed.main().unwrap_or_else(|| caps.clone());
        Ok(TrackSurvey { index, kind, is_chosen, caps, parsed, timing: timeline.finish()?, bytes, tags })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, fault: Fault) {
        self.lock().fault.get_or_insert(fault);
        self.failed.store(true, Ordering::Relaxed);
    }

    fn tick(&self, progress_sink: &Arc<dyn ProgressSink>) -> Result<(), Fault> {
        let log = self.lock();
        if let Some(fault) = &log.fault {
            return Err(fault.clone());
        }
        let reached_ns = log.tracks.iter().map(|track| track.timeline.reached_ns()).max();
        let packets = log.tracks.iter().map(|track| track.timeline.packets()).sum();
        drop(log);
        progress_sink.progress(reached_ns.unwrap_or(0), packets);
        Ok(())
    }

    fn track(self: &Arc<Self>, track: &Track) -> Result<Branch, Fault> {
        let limits = &self.job.limits;
        if track.index >= limits.tracks_max {
            return Err(Fault::new(Code::BudgetTracks, format!("more than {} tracks", limits.tracks_max)));
        }
        let is_media = matches!(track.kind, TrackKind::Video | TrackKind::Audio);
        let description = codecs::describe(&track.caps);
        if description.encrypted && is_media {
            return Err(Fault::new(Code::Encrypted, format!("{} samples are encrypted", description.codec)));
        }
        self.lock().tracks.push(TrackLog {
            index: track.index,
            kind: track.kind,
            is_chosen: track.is_chosen(),
            caps: track.caps.clone(),
            parsed: ParsedForms::default(),
            timeline: Timeline::new(self.job.segment_ns, limits),
            bytes: 0,
            tags: TagText::default(),
        });
        self.size(&track.caps);
        track.pad.sticky_events_foreach(|event| {
            self.event(track.index, event);
            std::ops::ControlFlow::Continue(gst::EventForeachAction::Keep)
        });
        let parser = if is_media { codecs::parser(&track.caps)? } else { Vec::new() };
        let by_demuxer = match track.kind {
            TrackKind::Video => is_framed(self.job.container),
            _ => parser.is_empty(),
        } || parser.is_empty();
        self.watch_demuxer(track, by_demuxer, description.codec == "vp8");
        if let Some(pad) = parser.first().and_then(|parser| parser.static_pad("src")) {
            self.watch_parser(track.index, &pad, !by_demuxer);
        }
        let sink = codecs::make("fakesink")?;
        sink.set_property("sync", false);
        // The sinks must not wait for each other: one thread feeds the sinks of all tracks.
        sink.set_property("async", false);
        Ok(Branch::Elements(parser.into_iter().chain([sink]).collect()))
    }

    fn watch_demuxer(self: &Arc<Self>, track: &Track, counts: bool, vp8: bool) {
        let shared = self.clone();
        let index = track.index;
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
        track.pad.add_probe(kinds, move |pad, info| {
            if shared.failed.load(Ordering::Relaxed) {
                return gst::PadProbeReturn::Handled;
            }
            if let Some(event) = info.event() {
                shared.event(index, event);
            }
            if let Some(buffer) = info.buffer() {
                let hidden = vp8 && is_hidden_vp8(buffer);
                let packet = if counts && !hidden { packet(pad, buffer) } else { None };
                shared.packet(index, buffer.size() as u64, packet);
            }
            gst::PadProbeReturn::Ok
        });
    }

    fn watch_parser(self: &Arc<Self>, index: u32, pad: &gst::Pad, counts: bool) {
        let shared = self.clone();
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
        pad.add_probe(kinds, move |pad, info| {
            if let Some(event) = info.event()
                && let gst::EventView::Caps(caps) = event.view()
            {
                let caps = caps.caps_owned();
                shared.size(&caps);
                shared.with_track(index, |track| track.parsed.begin(caps));
            }
            if info.buffer().is_some() {
                shared.with_track(index, |track| track.parsed.count());
            }
            if counts
                && let Some(buffer) = info.buffer()
                && let Some(packet) = packet(pad, buffer)
            {
                shared.packet(index, 0, Some(packet));
            }
            gst::PadProbeReturn::Ok
        });
    }

    fn with_track(&self, index: u32, change: impl FnOnce(&mut TrackLog)) {
        if let Some(track) = self.lock().tracks.get_mut(index as usize) {
            change(track);
        }
    }

    fn packet(&self, index: u32, bytes: u64, packet: Option<Packet>) {
        let mut counted = Ok(());
        self.with_track(index, |track| {
            track.bytes += bytes;
            if let Some(packet) = packet {
                counted = track.timeline.add(packet);
            }
        });
        if let Err(fault) = counted {
            self.fail(fault);
        }
    }

    fn event(&self, index: u32, event: &gst::EventRef) {
        match event.view() {
            gst::EventView::Caps(caps) => self.size(caps.caps()),
            gst::EventView::Toc(toc) => self.lock().chapters.read(toc.toc().0),
            gst::EventView::Tag(tag) if tag.tag().scope() == gst::TagScope::Global => {
                self.lock().tags.read(tag.tag());
            }
            gst::EventView::Tag(tag) => self.with_track(index, |track| track.tags.read(tag.tag())),
            _ => {}
        }
    }

    fn size(&self, caps: &gst::CapsRef) {
        let Some(structure) = caps.structure(0) else { return };
        let side =
            |name| structure.get::<i32>(name).ok().and_then(|side| u32::try_from(side).ok()).unwrap_or(0);
        if let Err(fault) = limits::picture(&self.job.limits, side("width"), side("height")) {
            self.fail(fault);
        }
    }
}

/// A packet in stream time; `None` for headers, for gaps, and for packets that the edit removes completely.
fn packet(pad: &gst::Pad, buffer: &gst::BufferRef) -> Option<Packet> {
    let flags = buffer.flags();
    if flags.contains(gst::BufferFlags::HEADER) && buffer.pts().is_none() {
        return None;
    }
    if buffer.size() == 0 || flags.contains(gst::BufferFlags::DECODE_ONLY) {
        return None;
    }
    let start = buffer.pts().or(buffer.dts())?;
    let event = pad.sticky_event::<gst::event::Segment>(0)?;
    let segment = event.segment().downcast_ref::<gst::ClockTime>()?;
    let stop = start + buffer.duration().unwrap_or(FRAME_ASSUMED);
    let (clipped, clipped_stop) = segment.clip(start, stop)?;
    let start_ns = segment.to_stream_time(clipped)?.nseconds();
    let end = clipped_stop.and_then(|stop| segment.to_stream_time(stop));
    Some(Packet {
        start_ns,
        end_ns: end.filter(|_| buffer.duration().is_some()).map(gst::ClockTime::nseconds),
        keyframe: !flags.contains(gst::BufferFlags::DELTA_UNIT),
        exact: buffer.pts().is_some(),
    })
}

/// VP8 frames that are only references have the `show_frame` bit cleared (RFC 6386, 9.1).
fn is_hidden_vp8(buffer: &gst::BufferRef) -> bool {
    let mut first = [0];
    buffer.copy_to_slice(0, &mut first).is_ok() && first[0] & 0x10 == 0
}
