//! Opens a source: its explicit demuxer, its tracks in a stable order, and a run that always ends.
//!
//! The container is the one that was sniffed. Nothing is detected or plugged automatically, and no reference is followed.
//! For each track, the job decides which elements take its packets. Packets of all other tracks are dropped at the
//! demuxer, so that one slow or broken track cannot block the wanted one.

mod bus;
mod element;
mod link_progress;
mod mp3_padding;
pub(crate) mod packet_source;
mod stream_start;
mod tags;
mod wav;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer as gst;

use gst::prelude::*;
use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Code, Fault};

use crate::codecs;
use crate::source::Source;
use crate::{isobmff, mpegts};
pub use element::{is_missing_sample, purpose};
use link_progress::LinkProgress;
use packet_source::PacketSource;

/// What a track contains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrackKind {
    /// Pictures, including attached ones.
    Video,
    Audio,
    /// Subtitles and captions, as text or pictures.
    Text,
    Other,
}

#[derive(Clone, Debug)]
pub struct Track {
    /// Position among all tracks. It is the same in every run over the same file, and it is the `track` of facts and jobs.
    pub index: u32,
    pub kind: TrackKind,
    /// Fixed caps at the demuxer.
    pub caps: gst::Caps,
    /// The demuxer's pad, for probes, events and times.
    pub pad: gst::Pad,
}

impl Track {
    /// Whether the file names it as one to play; `None` if it says nothing.
    pub fn is_chosen(&self) -> Option<bool> {
        let flags = self.pad.sticky_event::<gst::event::StreamStart>(0)?.stream_flags();
        let (chosen, other) = (gst::StreamFlags::SELECT, gst::StreamFlags::UNSELECT);
        if flags.contains(other) { Some(false) } else { flags.contains(chosen).then_some(true) }
    }
}

/// What happens to the packets of a track.
pub enum Branch {
    /// They are dropped.
    Ignore,
    /// They flow through these elements, which are linked in order. The last one is a sink.
    Elements(Vec<gst::Element>),
}

/// Where a seek may land.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Landing {
    /// At the keyframe at or before the position. All frames from there on are delivered.
    Keyframe,
    /// At the position. The decoder decodes the frames before it and drops them.
    Accurate,
}

/// A source opened for one job. Dropping it stops the pipeline.
pub struct Demuxed {
    pipeline: gst::Pipeline,
    shared: Arc<Shared>,
    /// Whether the file declares no duration that the demuxer could report.
    estimates_duration: bool,
}

type Decide = dyn Fn(&Track) -> Result<Branch, Fault> + Send + Sync;

struct Shared {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    decide: Box<Decide>,
    /// Whether the times of ADPCM are set by its blocks.
    counts_blocks: bool,
    /// Whether the demuxer moves stream time while it reads.
    moves_start: bool,
    tracks: Mutex<Vec<Track>>,
    progress: LinkProgress,
}

/// Tracks kept per file. Further tracks are ignored; the limit that refuses a file is lower.
const TRACKS_KEPT_MAX: usize = 1_000;

impl Demuxed {
    /// Builds the pipeline without starting it. `decide` is called once per track, on a streaming thread, when the
    /// demuxer announces the track. A fault of `decide` ends [`Demuxed::preroll`] and [`Demuxed::run`].
    ///
    /// Fails with `plugin_missing` if the demuxer is not installed.
    pub fn open(
        source: &Source,
        container: Container,
        decide: impl Fn(&Track) -> Result<Branch, Fault> + Send + Sync + 'static,
    ) -> Result<Self, Fault> {
        let pipeline = gst::Pipeline::new();
        let mut estimates_duration = false;
        let demuxer = match demuxer_name(container) {
            None => {
                let source = source.clone();
                let demuxer = element::demuxer(Box::new(move || read_ourselves(&source, container)));
                add(&pipeline, std::slice::from_ref(&demuxer))?;
                demuxer
            }
            Some(name) => {
                let (source, reader) = match container {
                    Container::Wav => wav::reader(source, name)?,
                    _ => (tags::without_leading_tags(source, container), name),
                };
                estimates_duration = reader != name;
                let element = source.element();
                let demuxer = codecs::make(reader)?;
                add(&pipeline, &[element.clone(), demuxer.clone()])?;
                element.link(&demuxer).map_err(|_| internal("link the source to the demuxer"))?;
                demuxer
            }
        };
        let shared = Arc::new(Shared {
            pipeline: pipeline.downgrade(),
            decide: Box::new(decide),
            counts_blocks: container == Container::Wav,
            moves_start: container == Container::Matroska,
            tracks: Mutex::default(),
            progress: LinkProgress::default(),
        });
        match demuxer.static_pad("src") {
            Some(pad) => {
                if container == Container::Mp3 {
                    mp3_padding::cut(&pad, &tags::without_leading_tags(source, container));
                }
                shared.await_first_packet(&pad);
            }
            None => shared.await_pads(&demuxer),
        }
        Ok(Self { pipeline, shared, estimates_duration })
    }

    pub fn pipeline(&self) -> &gst::Pipeline {
        &self.pipeline
    }

    /// Tracks that the demuxer has announced so far, in order.
    pub fn tracks(&self) -> Vec<Track> {
        self.shared.tracks().clone()
    }

    /// Longest duration that the demuxer reports, nanoseconds; `None` if it would be an estimate by the bit rate.
    pub fn declared_duration_ns(&self) -> Option<u64> {
        let of_pad = |track: &Track| track.pad.query_duration::<gst::ClockTime>();
        let longest = self.tracks().iter().filter_map(of_pad).max();
        longest.filter(|_| !self.estimates_duration).map(gst::ClockTime::nseconds)
    }

    /// Goes to PAUSED and waits until the sinks of all linked branches hold their first buffer.
    ///
    /// Fails with the fault of the file, or with `no_media_track` if no track was linked.
    pub fn preroll(&self) -> Result<(), Fault> {
        bus::preroll(&self.pipeline, &self.shared.progress)
    }

    /// Goes to PLAYING and waits for the end of the stream. `tick` is called about five times a second on the
    /// calling thread. A fault of `tick` ends the run.
    pub fn run(&self, mut tick: impl FnMut() -> Result<(), Fault>) -> Result<(), Fault> {
        bus::run(&self.pipeline, &self.shared.progress, &mut tick)
    }

    /// Seeks a prerolled pipeline to `position_ns` of stream time, with a flush, through the pad of one track.
    pub fn seek(&self, track: u32, position_ns: u64, landing: Landing) -> Result<(), Fault> {
        let pad = self.shared.tracks().get(track as usize).map(|track| track.pad.clone());
        let Some(pad) = pad else {
            return Err(Fault::new(
                Code::DamagedIndex,
                format!("the demuxer did not announce track {track} in this run"),
            ));
        };
        let flags = gst::SeekFlags::FLUSH
            | match landing {
                Landing::Keyframe => gst::SeekFlags::KEY_UNIT | gst::SeekFlags::SNAP_BEFORE,
                Landing::Accurate => gst::SeekFlags::ACCURATE,
            };
        let seek = gst::event::Seek::new(
            1.0,
            flags,
            gst::SeekType::Set,
            gst::ClockTime::from_nseconds(position_ns.min(i64::MAX as u64)),
            gst::SeekType::None,
            gst::ClockTime::NONE,
        );
        if pad.send_event(seek) {
            return Ok(());
        }
        Err(Fault::new(Code::DamagedIndex, format!("the demuxer refused to seek to {position_ns} ns")))
    }
}

impl Drop for Demuxed {
    fn drop(&mut self) {
        // The change to NULL joins the streaming threads. It cannot fail for a pipeline.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Converts a buffer time on `pad` to stream time by the pad's current segment. It is `None` before the start of the
/// presentation. Use the pad on which the buffer arrived.
pub fn stream_time(pad: &gst::Pad, pts: gst::ClockTime) -> Option<gst::ClockTime> {
    let event = pad.sticky_event::<gst::event::Segment>(0)?;
    event.segment().downcast_ref::<gst::ClockTime>()?.to_stream_time(pts)
}

/// Names of the elements that this module may create, so that their plugins are loaded before the jail closes.
pub fn elements() -> impl Iterator<Item = &'static str> {
    use Container::*;
    [IsoBmff, Matroska, MpegTs, MpegPs, Avi, Flv, Ogg, Mxf, Wav, Mp3, Flac, Adts]
        .into_iter()
        .filter_map(demuxer_name)
        .chain(wav::PARSERS)
}

fn read_ourselves(source: &Source, container: Container) -> Result<Box<dyn PacketSource>, Fault> {
    Ok(match container {
        Container::MpegTs => Box::new(mpegts::Reader::new(source.clone())?),
        _ => Box::new(isobmff::Reader::new(source.clone())?),
    })
}

/// GStreamer's demuxer for a container, or the parser that replaces it; `None` for the containers that we read ourselves.
fn demuxer_name(container: Container) -> Option<&'static str> {
    Some(match container {
        Container::IsoBmff | Container::MpegTs => return None,
        Container::Matroska => "matroskademux",
        Container::MpegPs => "mpegpsdemux",
        Container::Avi => "avidemux",
        Container::Flv => "flvdemux",
        Container::Ogg => "oggdemux",
        Container::Mxf => "mxfdemux",
        Container::Wav => "wavparse",
        Container::Mp3 => "mpegaudioparse",
        Container::Flac => "flacparse",
        Container::Adts => "aacparse",
    })
}

impl Shared {
    fn tracks(&self) -> MutexGuard<'_, Vec<Track>> {
        self.tracks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn await_pads(self: &Arc<Self>, demuxer: &gst::Element) {
        let shared = self.clone();
        demuxer.connect_pad_added(move |_, pad| {
            if pad.direction() == gst::PadDirection::Src {
                shared.track_found(pad);
            }
        });
        let shared = self.clone();
        demuxer.connect_no_more_pads(move |_| shared.progress.lock().complete = true);
    }

    /// A parser has its pad from the start, but its caps are known only when the first packet leaves. If the stream ends
    /// before, there is no track.
    fn await_first_packet(self: &Arc<Self>, pad: &gst::Pad) {
        let shared = self.clone();
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
        pad.add_probe(kinds, move |pad, info| {
            match info.event().map(|event| event.type_()) {
                None => shared.track_found(pad),
                Some(gst::EventType::Eos) => {}
                Some(_) => return gst::PadProbeReturn::Ok,
            }
            shared.progress.lock().complete = true;
            gst::PadProbeReturn::Remove
        });
    }

    fn track_found(&self, pad: &gst::Pad) {
        let caps = pad.current_caps().unwrap_or_else(gst::Caps::new_empty);
        let track = {
            let mut tracks = self.tracks();
            if tracks.len() >= TRACKS_KEPT_MAX {
                drop_packets(pad);
                return;
            }
            let index = tracks.len() as u32; // at most TRACKS_KEPT_MAX
            let track = Track { index, kind: kind(&caps), caps, pad: pad.clone() };
            tracks.push(track.clone());
            track
        };
        if self.counts_blocks {
            wav::correct_times(pad, &track.caps);
        }
        if self.moves_start {
            stream_start::keep(pad);
        }
        let linked = (self.decide)(&track).and_then(|branch| match branch {
            Branch::Ignore => Ok(false),
            Branch::Elements(elements) => self.link(pad, &elements).map(|()| true),
        });
        match linked {
            Ok(true) => self.progress.lock().linked = true,
            Ok(false) => drop_packets(pad),
            Err(fault) => {
                drop_packets(pad);
                self.progress.lock().fault.get_or_insert(fault);
            }
        }
    }

    fn link(&self, pad: &gst::Pad, elements: &[gst::Element]) -> Result<(), Fault> {
        let pipeline = self.pipeline.upgrade().ok_or_else(|| internal("reach the pipeline"))?;
        let first = elements.first().ok_or_else(|| internal("link a branch without elements"))?;
        add(&pipeline, elements)?;
        gst::Element::link_many(elements).map_err(|_| internal("link the elements of a branch"))?;
        // Sinks first: when the first packet arrives at an element, all elements behind it must be ready.
        for element in elements.iter().rev() {
            element.sync_state_with_parent().map_err(|_| internal("start an element of a branch"))?;
        }
        let sink = first.static_pad("sink").ok_or_else(|| internal("find the sink pad of a branch"))?;
        pad.link(&sink).map(|_| ()).map_err(|_| {
            let codec = codecs::describe(&pad.current_caps().unwrap_or_else(gst::Caps::new_empty)).codec;
            Fault::new(
                Code::DamagedStream,
                format!("the {codec} stream does not have the format that its parser expects"),
            )
        })
    }
}

fn add(pipeline: &gst::Pipeline, elements: &[gst::Element]) -> Result<(), Fault> {
    pipeline.add_many(elements).map_err(|_| internal("add elements to the pipeline"))
}

fn internal(what: &str) -> Fault {
    Fault::new(Code::Internal, format!("could not {what}"))
}

/// Discards what a pad pushes, because an unlinked pad would end the stream with an error. The probe returns "handled",
/// not "drop": GStreamer 1.22 logs an error for each dropped packet, because the bindings have already freed it.
fn drop_packets(pad: &gst::Pad) {
    let kinds = gst::PadProbeType::DATA_DOWNSTREAM;
    pad.add_probe(kinds, |_, _| gst::PadProbeReturn::Handled);
}

fn kind(caps: &gst::CapsRef) -> TrackKind {
    let Some(structure) = caps.structure(0) else { return TrackKind::Other };
    if let Some(original) = codecs::original_caps(structure) {
        return kind(&original);
    }
    let name = structure.name().as_str();
    let (family, _) = name.split_once('/').unwrap_or((name, ""));
    match (family, name) {
        ("video" | "image", _) => TrackKind::Video,
        ("audio", _) => TrackKind::Audio,
        ("text" | "subpicture" | "closedcaption", _) => TrackKind::Text,
        (_, name) if name.starts_with("application/x-subtitle") => TrackKind::Text,
        (_, "application/x-ssa" | "application/x-ass" | "application/x-usf" | "application/ttml+xml") => {
            TrackKind::Text
        }
        (_, "application/x-teletext") => TrackKind::Text,
        _ => TrackKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trailer() -> Source {
        gst::init().unwrap();
        crate::corpus::open_path(&crate::corpus::sample("sintel-trailer-720p.mp4"))
    }

    /// Stream times and flags of the packets of the trailer's video track, from `seek_ns` on.
    fn packets(seek_ns: Option<u64>) -> Vec<(u64, bool)> {
        let source = trailer();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let packets = seen.clone();
        let demuxed = Demuxed::open(&source, Container::IsoBmff, move |track| {
            if track.kind != TrackKind::Video {
                return Ok(Branch::Ignore);
            }
            let seen = seen.clone();
            track.pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
                let buffer = info.buffer().unwrap();
                let time = stream_time(pad, buffer.pts().unwrap()).unwrap();
                seen.lock()
                    .unwrap()
                    .push((time.nseconds(), !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT)));
                gst::PadProbeReturn::Ok
            });
            let sink = codecs::make("fakesink")?;
            Ok(Branch::Elements(vec![sink]))
        })
        .unwrap();
        demuxed.preroll().unwrap();
        if let Some(seek_ns) = seek_ns {
            packets.lock().unwrap().clear();
            demuxed.seek(0, seek_ns, Landing::Keyframe).unwrap();
        }
        let mut ticks = 0;
        let tick = || {
            ticks += 1;
            Ok(())
        };
        demuxed.run(tick).unwrap();
        assert!(ticks > 0, "the last tick always comes");
        packets.lock().unwrap().clone()
    }

    #[test]
    fn every_packet_of_the_chosen_track_arrives_once() {
        let packets = packets(None);
        assert_eq!(packets.len(), 1253);
        assert!(packets[0].1);
    }

    #[test]
    fn a_seek_lands_on_the_keyframe_at_or_before_the_position() {
        let packets = packets(Some(30_000_000_000));
        assert!(
            packets[0].1 && packets[0].0 <= 30_000_000_000 && packets[0].0 > 15_000_000_000,
            "{:?}",
            packets[0]
        );
    }

    #[test]
    fn a_fault_of_the_decision_ends_the_preroll() {
        let source = trailer();
        let demuxed = Demuxed::open(&source, Container::IsoBmff, codecs_fault).unwrap();
        assert_eq!(demuxed.preroll().unwrap_err().code, Code::UnsupportedCodec);
    }

    fn codecs_fault(_: &Track) -> Result<Branch, Fault> {
        Err(Fault::new(Code::UnsupportedCodec, ""))
    }

    #[test]
    fn a_file_without_a_wanted_track_is_refused_and_does_not_hang() {
        let source = trailer();
        let demuxed = Demuxed::open(&source, Container::IsoBmff, |_| Ok(Branch::Ignore)).unwrap();
        assert_eq!(demuxed.preroll().unwrap_err().code, Code::NoMediaTrack);
        assert_eq!(demuxed.tracks().len(), 2);
    }

    #[test]
    fn a_file_that_ends_before_its_first_packet_is_refused_and_does_not_hang() {
        gst::init().unwrap();
        let header =
            b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0";
        let source = crate::corpus::source(header);
        let demuxed = Demuxed::open(&source, Container::Wav, |_| Ok(Branch::Ignore)).unwrap();
        let started = std::time::Instant::now();
        demuxed.run(|| Ok(())).unwrap_err();
        assert!(started.elapsed().as_secs() < 20);
    }

    #[test]
    fn the_kind_of_a_track_follows_from_its_caps() {
        gst::init().unwrap();
        let of = |text: &str| kind(&text.parse::<gst::Caps>().unwrap());
        assert_eq!(of("video/x-h264"), TrackKind::Video);
        assert_eq!(of("application/x-cenc, original-media-type=audio/mpeg"), TrackKind::Audio);
        assert_eq!(of("subpicture/x-pgs"), TrackKind::Text);
        assert_eq!(of("meta/x-klv"), TrackKind::Other);
        assert_eq!(kind(&gst::Caps::new_empty()), TrackKind::Other);
    }
}
