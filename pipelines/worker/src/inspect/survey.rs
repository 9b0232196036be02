//! One pass over the whole file. It counts every packet of every track and decodes none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer as gst;

use gst::prelude::*;
use reelgate_flow::caption_file::CaptionFlags;
use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{AudioRole, InspectJob};

use super::chapters;
use super::describe::{Chapters, TagText};
use super::limits;
use super::matroska_roles;
use super::parsed_forms::ParsedForms;
use super::timeline::{Timeline, Timing};
use crate::codecs;
use crate::demux::{self, Branch, Demuxed, Track, TrackKind};
use crate::packet_rules::{Counted, PacketRules, is_framed};
use crate::progress_sink::ProgressSink;
use crate::source::Source;

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
    /// What it is for, if it is sound and the demuxer tells it.
    pub role: AudioRole,
    /// What it is for, if it is text and the demuxer tells it.
    pub captions: CaptionFlags,
    /// Its number in Matroska.
    pub number: Option<u64>,
    /// Caps at the demuxer.
    pub caps: gst::Caps,
    /// Caps behind the parser, or those at the demuxer without a parser. Of several, those of the largest picture that lasts.
    pub parsed: gst::Caps,
    pub timing: Timing,
    /// Bytes at the demuxer.
    pub bytes: u64,
    pub tags: TagText,
    /// Its pictures carry captions.
    pub is_captioned: bool,
}

/// A track whose pictures are shown later than the container says.
#[derive(Clone, Copy)]
pub struct Delayed {
    /// Position among all tracks.
    pub track: u32,
    /// By how much, nanoseconds.
    pub delay_ns: u64,
}

/// Reads the file to its end. Refuses a file that exceeds a limit, is encrypted, or cannot be demultiplexed.
pub fn run(
    source: &Source,
    job: &InspectJob,
    progress_sink: &Arc<dyn ProgressSink>,
    delayed: Option<Delayed>,
) -> Result<Survey, Fault> {
    let shared = Arc::new(Shared {
        job: job.clone(),
        delayed,
        log: Mutex::default(),
        failed: AtomicBool::new(false),
        reported: Mutex::default(),
    });
    let decide = shared.clone();
    let demuxed = Demuxed::open(source, job.container, move |track| decide.track(track))?;
    let ended = demuxed.run(|| shared.tick(progress_sink));
    let declared_duration_ns = demuxed.declared_duration_ns();
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
    let sound_ns = log.sound_ns;
    let tracks = std::mem::take(&mut log.tracks).into_iter().map(|track| track.finish(sound_ns));
    let tracks = tracks.collect::<Result<_, _>>()?;
    let tags = std::mem::take(&mut log.tags);
    let chapters = match job.container {
        Container::IsoBmff => chapters::of_bmff(source),
        _ => std::mem::take(&mut log.chapters),
    };
    Ok(Survey { tracks, tags, chapters, declared_duration_ns })
}

/// Whether a picture carries captions: the head of their message (ATSC A/53 part 4, 6.2.3; MPEG-2 has it without country and
/// provider) holds no two zeros in a row, so no emulation prevention breaks it.
fn carries_captions(picture: &gst::BufferRef) -> bool {
    let Ok(bytes) = picture.map_readable() else { return false };
    memchr::memmem::find(bytes.as_slice(), b"GA94\x03").is_some()
}

struct Shared {
    job: InspectJob,
    delayed: Option<Delayed>,
    log: Mutex<Log>,
    failed: AtomicBool,
    /// Packets and bytes at the last report. Progress is reported only when they have risen, so that a demuxer that
    /// delivers nothing causes a stall.
    reported: Mutex<(u64, u64)>,
}

#[derive(Default)]
struct Log {
    tracks: Vec<TrackLog>,
    tags: TagText,
    chapters: Chapters,
    fault: Option<Fault>,
    /// Start of the earliest sound so far, stream time.
    sound_ns: Option<u64>,
}

struct TrackLog {
    index: u32,
    kind: TrackKind,
    is_chosen: Option<bool>,
    role: AudioRole,
    captions: CaptionFlags,
    number: Option<u64>,
    caps: gst::Caps,
    parsed: ParsedForms,
    timeline: Timeline,
    bytes: u64,
    tags: TagText,
    is_captioned: bool,
}

impl TrackLog {
    /// Pictures learn where sound begins, because they are shown from there on.
    fn learn_sound_start(&mut self, sound_ns: Option<u64>) {
        if let Some(sound_ns) = sound_ns.filter(|_| self.kind == TrackKind::Video) {
            self.timeline.set_sound_start(sound_ns);
        }
    }

    fn finish(mut self, sound_ns: Option<u64>) -> Result<TrackSurvey, Fault> {
        self.learn_sound_start(sound_ns);
        let Self {
            index,
            kind,
            is_chosen,
            role,
            captions,
            number,
            caps,
            parsed,
            timeline,
            bytes,
            tags,
            is_captioned,
        } = self;
        let parsed = parsed.main().unwrap_or_else(|| caps.clone());
        let timing = timeline.finish()?;
        Ok(TrackSurvey {
            captions,
            index,
            kind,
            is_chosen,
            role,
            number,
            caps,
            parsed,
            timing,
            bytes,
            tags,
            is_captioned,
        })
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
        let moved = (packets, log.tracks.iter().map(|track| track.bytes).sum());
        drop(log);
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *reported, moved) != moved {
            progress_sink.progress(reached_ns.unwrap_or(0), packets);
        }
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
            role: AudioRole::default(),
            captions: CaptionFlags::default(),
            number: track.pad.stream_id().and_then(|id| matroska_roles::track_number(&id)),
            caps: track.caps.clone(),
            parsed: ParsedForms::default(),
            timeline: Timeline::new(self.job.segment_ns, limits),
            bytes: 0,
            tags: TagText::default(),
            is_captioned: false,
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
        let rules = PacketRules::new(&track.caps, track.kind == TrackKind::Video, !parser.is_empty());
        let (at_demuxer, at_parser) = if by_demuxer { (Some(rules), None) } else { (None, Some(rules)) };
        self.watch_demuxer(track, at_demuxer);
        if let Some(pad) = parser.first().and_then(|parser| parser.static_pad("src")) {
            self.watch_parser(track.index, &pad, at_parser);
        }
        let sink = codecs::make("fakesink")?;
        sink.set_property("sync", false);
        // The sinks must not wait for each other: one thread feeds the sinks of all tracks.
        sink.set_property("async", false);
        Ok(Branch::Elements(parser.into_iter().chain([sink]).collect()))
    }

    /// Counts at the demuxer, if there are rules for it.
    fn watch_demuxer(self: &Arc<Self>, track: &Track, rules: Option<PacketRules>) {
        let shared = self.clone();
        let index = track.index;
        let rules = Mutex::new(rules);
        let may_have_captions = AtomicBool::new(track.kind == TrackKind::Video);
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
        track.pad.add_probe(kinds, move |pad, info| {
            if shared.failed.load(Ordering::Relaxed) {
                return gst::PadProbeReturn::Handled;
            }
            let mut rules = rules.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(event) = info.event() {
                shared.event(index, event);
                rules.iter_mut().for_each(|rules| rules.event(event));
            }
            if let Some(buffer) = info.buffer() {
                let counted = rules.as_mut().and_then(|rules| rules.count(pad, buffer));
                shared.packet(index, buffer.size() as u64, counted);
                if may_have_captions.load(Ordering::Relaxed) && carries_captions(buffer) {
                    may_have_captions.store(false, Ordering::Relaxed);
                    shared.with_track(index, |track| track.is_captioned = true);
                }
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// Counts behind the parser, if there are rules for it.
    fn watch_parser(self: &Arc<Self>, index: u32, pad: &gst::Pad, rules: Option<PacketRules>) {
        let shared = self.clone();
        let rules = Mutex::new(rules);
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
        pad.add_probe(kinds, move |pad, info| {
            let mut rules = rules.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(event) = info.event() {
                rules.iter_mut().for_each(|rules| rules.event(event));
                if let gst::EventView::Caps(caps) = event.view() {
                    let caps = caps.caps_owned();
                    shared.size(&caps);
                    shared.with_track(index, |track| track.parsed.begin(caps));
                }
            }
            if info.buffer().is_some() {
                shared.with_track(index, |track| track.parsed.count());
            }
            if let Some(rules) = rules.as_mut()
                && let Some(buffer) = info.buffer()
                && let Some(counted) = rules.count(pad, buffer)
            {
                shared.packet(index, 0, Some(counted));
            }
            gst::PadProbeReturn::Ok
        });
    }

    fn with_track(&self, index: u32, change: impl FnOnce(&mut TrackLog)) {
        if let Some(track) = self.lock().tracks.get_mut(index as usize) {
            change(track);
        }
    }

    fn packet(&self, index: u32, bytes: u64, counted: Option<Counted>) {
        let mut log = self.lock();
        let sound_ns = log.sound_ns;
        let Some(track) = log.tracks.get_mut(index as usize) else { return };
        track.bytes += bytes;
        let added = match counted {
            Some(Counted::Packet(mut packet)) => {
                if let Some(delayed) = self.delayed.filter(|delayed| delayed.track == index) {
                    packet.delay(delayed.delay_ns);
                }
                track.learn_sound_start(sound_ns);
                let starts = packet.start_ns.filter(|_| track.kind == TrackKind::Audio);
                let added = track.timeline.add(packet);
                log.sound_ns = sound_ns.into_iter().chain(starts).min();
                added
            }
            Some(Counted::SecondField { end_ns }) => {
                track.timeline.extend(end_ns);
                Ok(())
            }
            None => Ok(()),
        };
        drop(log);
        if let Err(fault) = added {
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
            gst::EventView::CustomDownstreamSticky(_) => {
                if let Some(purpose) = demux::purpose(event) {
                    self.with_track(index, |track| (track.role, track.captions) = purpose);
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet_rules::{Counted, Packet};

    #[derive(Default)]
    struct Reports(Mutex<Vec<(u64, u64)>>);

    impl ProgressSink for Reports {
        fn progress(&self, done_ns: u64, frames: u64) {
            self.0.lock().unwrap().push((done_ns, frames));
        }

        fn output(&self, _: &str, _: &[u8]) -> Result<(), Fault> {
            unreachable!("inspection has no outputs")
        }
    }

    #[test]
    fn progress_is_reported_only_when_packets_or_bytes_arrive() {
        gst::init().unwrap();
        let limits = crate::inspect::tests::limits();
        let job =
            InspectJob { container: Container::Wav, size_bytes: 0, segment_ns: 1, limits: limits.clone() };
        let log = Log {
            tracks: vec![TrackLog {
                index: 0,
                kind: TrackKind::Audio,
                is_chosen: None,
                role: AudioRole::default(),
                captions: CaptionFlags::default(),
                number: None,
                caps: gst::Caps::new_empty(),
                parsed: ParsedForms::default(),
                timeline: Timeline::new(1, &limits),
                bytes: 0,
                tags: TagText::default(),
                is_captioned: false,
            }],
            ..Log::default()
        };
        let (failed, reported) = (AtomicBool::new(false), Mutex::default());
        let shared = Shared { job, delayed: None, log: Mutex::new(log), failed, reported };
        let reports = Arc::new(Reports::default());
        let sink: Arc<dyn ProgressSink> = reports.clone();
        let ticks = |count| (0..count).for_each(|_| shared.tick(&sink).unwrap());
        ticks(3);
        shared.packet(0, 10, None);
        ticks(3);
        let packet = Packet { start_ns: Some(0), end_ns: Some(7), keyframe: true, exact: true };
        shared.packet(0, 0, Some(Counted::Packet(packet)));
        ticks(3);
        assert_eq!(*reports.0.lock().unwrap(), [(0, 0), (7, 1)]);
    }
}
