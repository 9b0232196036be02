//! Decodes one span of the timeline: demuxer, parser, decoder, one scaling step, and pictures as the result.
//!
//! Two gates keep the work small. If keyframes are enough, the first gate, in front of the decoder, lets only those
//! keyframes pass that will be kept. The second gate, directly behind the decoder, drops unwanted frames before anything is
//! scaled, and acquires a permit for each kept frame.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use gst::prelude::*;
use reelgate_flow::facts::{Container, Rational, Rotation};
use reelgate_flow::reason::{Code, Fault};

use super::geometry::{Fit, direction, swaps_sides};
use super::permits::{Permit, Permits};
use super::timeline::{Span, Verdict};
use crate::colour::{ContainerColour, ToJfif};
use crate::demux::{Branch, Demuxed, Track, stream_time};
use crate::source::Source;
use crate::{codecs, deinterlace};

/// Elements that are used in addition to demuxers, parsers and decoders. They are loaded before the jail closes.
pub const ELEMENTS: [&str; 5] =
    [deinterlace::ELEMENT, "videoconvertscale", "capsfilter", "videoflip", "appsink"];

/// What to decode of which track, and at what size.
#[derive(Clone)]
pub struct Request {
    pub source: Source,
    pub container: Container,
    /// Position of the track among all tracks.
    pub track: u32,
    pub span: Span,
    /// Whether only keyframes are decoded.
    pub keyframes_only: bool,
    /// Whether to seek to the start of the span. Otherwise the file is read from its beginning.
    pub seek: bool,
    pub threads: u32,
    /// Pixel aspect ratio of the track.
    pub pixel_aspect: Rational,
    /// Rotation for display.
    pub rotation: Rotation,
    pub fit: Fit,
}

/// A kept frame: scaled and rotated.
pub struct Frame {
    pub sample: gst::Sample,
    /// How the picture becomes a JPEG's.
    pub colours: Arc<ToJfif>,
    /// Presentation time, stream time.
    pub time_ns: u64,
    /// Limits the frames in flight; dropped after the frame is measured.
    pub permit: Permit,
}

/// Progress of a pass so far. It is shared with the code that reports progress.
#[derive(Default)]
pub struct Meter {
    /// Packets that arrived at the decoder, kept or not.
    pub packets: AtomicU64,
    /// Frames delivered.
    pub frames: AtomicU64,
    /// Stream time of the last frame out of the decoder.
    pub time_ns: AtomicU64,
}

/// How a pass ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PassEnd {
    /// It reached the end of its span or of the file.
    Completed,
    /// The demuxer cannot seek in this file, and nothing was delivered.
    SeekRefused,
}

type Deliver = dyn Fn(Frame) -> bool + Send + Sync;

/// State shared by the gates and the sink of one pass.
struct Pass {
    request: Request,
    meter: Arc<Meter>,
    permits: Permits,
    container: ContainerColour,
    colours: Mutex<Option<Arc<ToJfif>>>,
    deliver: Box<Deliver>,
    /// False until frames are judged. Before that, one frame must reach the sink so that the pipeline can seek.
    armed: AtomicBool,
    packets: Mutex<Option<u64>>,
    frames: Mutex<Option<u64>>,
    /// Passes a permit from the second gate to the sink, which run one after the other in the same thread.
    granted: Mutex<Option<(u64, Permit)>>,
}

/// Decodes a request. `deliver` receives the kept frames in order, on a streaming thread, and returns whether to continue.
/// `tick` is called about five times a second.
pub fn decode(
    request: Request,
    permits: &Permits,
    meter: Arc<Meter>,
    deliver: impl Fn(Frame) -> bool + Send + Sync + 'static,
    tick: impl FnMut() -> Result<(), Fault>,
) -> Result<PassEnd, Fault> {
    let (source, container, track) = (request.source.clone(), request.container, request.track);
    let (seek, span, keyframes_only) = (request.seek, request.span, request.keyframes_only);
    let pass = Arc::new(Pass {
        armed: AtomicBool::new(!seek),
        request,
        meter,
        permits: permits.clone(),
        container: ContainerColour::default(),
        colours: Mutex::default(),
        deliver: Box::new(deliver),
        packets: Mutex::default(),
        frames: Mutex::default(),
        granted: Mutex::default(),
    });
    let demuxed = Demuxed::open(&source, container, move |found| {
        if found.index != track {
            return Ok(Branch::Ignore);
        }
        branch(&pass, found).map(Branch::Elements)
    })?;
    if seek {
        demuxed.preroll()?;
        if !seek_to(&demuxed, track, span.start_ns, keyframes_only) {
            return Ok(PassEnd::SeekRefused);
        }
    }
    demuxed.run(tick)?;
    Ok(PassEnd::Completed)
}

/// Seeks to the keyframe at or before a time. With `keyframes_only` the seek requests that the demuxer skip all other
/// frames, so that they are not read. For demuxers that do not support this, the first gate drops them.
fn seek_to(demuxed: &Demuxed, track: u32, position_ns: u64, keyframes_only: bool) -> bool {
    let mut flags = gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT | gst::SeekFlags::SNAP_BEFORE;
    if keyframes_only {
        flags |= gst::SeekFlags::TRICKMODE
            | gst::SeekFlags::TRICKMODE_KEY_UNITS
            | gst::SeekFlags::TRICKMODE_NO_AUDIO;
    }
    let event = gst::event::Seek::new(
        1.0,
        flags,
        gst::SeekType::Set,
        gst::ClockTime::from_nseconds(position_ns.min(i64::MAX as u64)),
        gst::SeekType::None,
        gst::ClockTime::NONE,
    );
    let track = demuxed.tracks().into_iter().find(|found| found.index == track);
    track.is_some_and(|track| track.pad.send_event(event))
}

fn branch(pass: &Arc<Pass>, track: &Track) -> Result<Vec<gst::Element>, Fault> {
    let mut elements = codecs::decoder(&track.caps, pass.request.threads)?;
    pass.container.read(&track.caps, elements.first());
    if let [parser, _] = &elements[..] {
        drop_delta_frames(pass, parser)?;
    }
    if let Some(decoder) = elements.last() {
        forgive_errors(decoder);
        keep_times(decoder)?;
        deinterlace::keep_depth(decoder);
        watch_packets(pass, decoder)?;
    }
    let deinterlace = deinterlace::element()?;
    watch_frames(pass, &deinterlace)?;
    let scaler = built(gst::ElementFactory::make(ELEMENTS[1]).property("add-borders", false))?;
    let size = codecs::make(ELEMENTS[2])?;
    fix_format_by_caps(pass, &scaler, &size)?;
    elements.extend([deinterlace, scaler, size]);
    if let Some(direction) = direction(pass.request.rotation) {
        let flip = gst::ElementFactory::make(ELEMENTS[3]).property_from_str("video-direction", direction);
        elements.push(built(flip)?);
    }
    elements.push(sink(pass));
    Ok(elements)
}

fn built(builder: gst::element_factory::ElementBuilder) -> Result<gst::Element, Fault> {
    let missing =
        |_| Fault::new(Code::PluginMissing, "expected an element for scaling, which is not installed");
    builder.build().map_err(missing)
}

/// A damaged frame loses one sample and does not end the pass, and no frame is dropped because it is late.
fn forgive_errors(decoder: &gst::Element) {
    if decoder.find_property("max-errors").is_some() {
        decoder.set_property("max-errors", -1i32);
    }
    if decoder.find_property("qos").is_some() {
        decoder.set_property("qos", false);
    }
}

fn sink_pad(element: &gst::Element) -> Result<gst::Pad, Fault> {
    let missing = || Fault::new(Code::Internal, "could not find the sink pad of an element");
    element.static_pad("sink").ok_or_else(missing)
}

/// Decoders move a frame that begins before the segment to the start of the segment, so a seek between two frames would
/// change the time of the first one. So the segment is extended to the front, with the same stream times.
fn keep_times(decoder: &gst::Element) -> Result<(), Fault> {
    sink_pad(decoder)?.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        let extended = match info.event().map(|event| event.view()) {
            Some(gst::EventView::Segment(event)) => {
                event.segment().downcast_ref::<gst::ClockTime>().and_then(extended_to_the_front)
            }
            _ => None,
        };
        if let Some(segment) = extended {
            info.data = Some(gst::PadProbeData::Event(gst::event::Segment::new(&segment)));
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// A segment with the same mapping to stream time. It begins at stream time 0, or at the smallest possible time.
fn extended_to_the_front(
    segment: &gst::FormattedSegment<gst::ClockTime>,
) -> Option<gst::FormattedSegment<gst::ClockTime>> {
    let (start, time) = (segment.start()?, segment.time()?);
    let front = start.saturating_sub(time);
    let mut extended = segment.clone();
    extended.set_start(front);
    extended.set_time(time.saturating_sub(start));
    extended.set_position(front);
    extended.set_base(gst::ClockTime::ZERO);
    extended.set_offset(gst::ClockTime::ZERO);
    Some(extended)
}

/// Drops frames that are not keyframes in front of the parser, by the flags of the container. Some parsers mark every
/// picture with an intra slice as a keyframe, although it may not decode alone. Without flags, all packets pass.
fn drop_delta_frames(pass: &Arc<Pass>, parser: &gst::Element) -> Result<(), Fault> {
    let pass = pass.clone();
    sink_pad(parser)?.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let judged = pass.request.keyframes_only && pass.armed.load(Ordering::SeqCst);
        let delta = info.buffer().is_some_and(|buffer| buffer.flags().contains(gst::BufferFlags::DELTA_UNIT));
        if !(judged && delta) {
            return gst::PadProbeReturn::Ok;
        }
        pass.meter.packets.fetch_add(1, Ordering::Relaxed);
        gst::PadProbeReturn::Handled
    });
    Ok(())
}

/// The first gate: if only keyframes are decoded, drops all packets that are not wanted, and ends the stream after the span.
fn watch_packets(pass: &Arc<Pass>, decoder: &gst::Element) -> Result<(), Fault> {
    let pass = pass.clone();
    sink_pad(decoder)?.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(buffer) = info.buffer() else { return gst::PadProbeReturn::Ok };
        pass.meter.packets.fetch_add(1, Ordering::Relaxed);
        let delta = buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let judged = pass.request.keyframes_only && pass.armed.load(Ordering::SeqCst);
        match judged.then(|| pass.judge_packet(pad, buffer.pts(), delta)) {
            None | Some(Verdict::Keep) => gst::PadProbeReturn::Ok,
            Some(Verdict::Drop) => gst::PadProbeReturn::Handled,
            Some(Verdict::Past) => {
                // Makes the decoder deliver its remaining frames. The pad refuses everything after this.
                pad.send_event(gst::event::Eos::new());
                gst::PadProbeReturn::Handled
            }
        }
    });
    Ok(())
}

/// The second gate: drops decoded frames that are not wanted, and ends the run after the span.
fn watch_frames(pass: &Arc<Pass>, first: &gst::Element) -> Result<(), Fault> {
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_FLUSH;
    let pass = pass.clone();
    sink_pad(first)?.add_probe(kinds, move |pad, info| {
        if info.event().is_some_and(|event| event.type_() == gst::EventType::FlushStop) {
            pass.armed.store(true, Ordering::SeqCst);
            return gst::PadProbeReturn::Ok;
        }
        let Some(buffer) = info.buffer() else { return gst::PadProbeReturn::Ok };
        if !pass.armed.load(Ordering::SeqCst) {
            return gst::PadProbeReturn::Ok;
        }
        let Some(time) = buffer.pts().and_then(|pts| stream_time(pad, pts)) else {
            return gst::PadProbeReturn::Handled;
        };
        pass.meter.time_ns.store(time.nseconds(), Ordering::Relaxed);
        match pass.request.span.judge(time.nseconds(), &mut lock(&pass.frames)) {
            Verdict::Keep => pass.grant(time.nseconds()),
            Verdict::Drop => return gst::PadProbeReturn::Handled,
            Verdict::Past => {
                if let Some(element) = pad.parent_element() {
                    end(&element);
                }
                return gst::PadProbeReturn::Handled;
            }
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// Ends the run without waiting for the rest of the file. The message is posted directly to the pipeline's bus. On the
/// element's bus, the pipeline would hold it until the sink ends too.
fn end(element: &gst::Element) {
    let pipeline = element.parent().and_downcast::<gst::Pipeline>();
    if let Some((pipeline, bus)) = pipeline.and_then(|pipeline| pipeline.bus().map(|bus| (pipeline, bus))) {
        // The bus refuses it only while the pipeline shuts down, and then the run has ended anyway.
        let _ = bus.post(gst::message::Eos::builder().src(&pipeline).build());
    }
}

/// Sets the output's size and colours before a change of the input reaches the scaler.
fn fix_format_by_caps(pass: &Arc<Pass>, scaler: &gst::Element, size: &gst::Element) -> Result<(), Fault> {
    let (pass, size) = (pass.clone(), size.downgrade());
    sink_pad(scaler)?.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let Some(gst::EventView::Caps(caps)) = info.event().map(|event| event.view()) else {
            return gst::PadProbeReturn::Ok;
        };
        let (Ok(video), Some(size)) = (gst_video::VideoInfo::from_caps(caps.caps()), size.upgrade()) else {
            return gst::PadProbeReturn::Ok;
        };
        let colours = Arc::new(ToJfif::new(caps.caps(), &pass.container));
        size.set_property("caps", pass.request.caps(video.width(), video.height(), &colours));
        if let Some(explained) = colours.explained(caps.caps()) {
            info.data = Some(gst::PadProbeData::Event(gst::event::Caps::new(&explained)));
        }
        *lock(&pass.colours) = Some(colours);
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

fn sink(pass: &Arc<Pass>) -> gst::Element {
    let pass = pass.clone();
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let Some((time_ns, permit)) = lock(&pass.granted).take() else {
            return Ok(gst::FlowSuccess::Ok); // the frame that only prerolled the pipeline
        };
        let Some(colours) = lock(&pass.colours).clone() else { return Err(gst::FlowError::NotNegotiated) };
        pass.meter.frames.fetch_add(1, Ordering::Relaxed);
        let wanted = (pass.deliver)(Frame { sample, colours, time_ns, permit });
        if wanted { Ok(gst::FlowSuccess::Ok) } else { Err(gst::FlowError::Eos) }
    };
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(take).build();
    let sink = gst_app::AppSink::builder().sync(false).max_buffers(1).callbacks(callbacks).build();
    sink.set_property("enable-last-sample", false);
    sink.upcast()
}

impl Pass {
    fn judge_packet(&self, pad: &gst::Pad, pts: Option<gst::ClockTime>, delta: bool) -> Verdict {
        if delta {
            return Verdict::Drop;
        }
        let Some(pts) = pts else { return Verdict::Keep }; // it is judged after decoding
        let Some(time) = stream_time(pad, pts) else { return Verdict::Drop };
        self.request.span.judge(time.nseconds(), &mut lock(&self.packets))
    }

    /// Acquires a permit for a frame. If the previous frame did not reach the sink, its permit is used again.
    fn grant(&self, time_ns: u64) {
        let unused = lock(&self.granted).take();
        let permit = unused.map_or_else(|| self.permits.take(), |(_, permit)| permit);
        *lock(&self.granted) = Some((time_ns, permit));
    }
}

impl Request {
    /// Caps of the scaled picture, before rotation.
    fn caps(&self, width: u32, height: u32, colours: &ToJfif) -> gst::Caps {
        let (width, height) = self.fit.size(width, height, self.pixel_aspect, self.rotation);
        let (width, height) = if swaps_sides(self.rotation) { (height, width) } else { (width, height) };
        gst::Caps::builder("video/x-raw")
            .field("format", colours.scaled_format().to_str())
            .field("width", width as i32) // a fit is far below 2^31
            .field("height", height as i32)
            .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
            .field("colorimetry", colours.scaled_colours())
            .build()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_extended_to_the_front_maps_to_the_same_stream_times() {
        gst::init().unwrap();
        let ms = gst::ClockTime::from_mseconds;
        for (start, time) in [(5_000, 5_000), (5_000, 0), (0, 7_000), (3_000, 4_000), (4_000, 3_000)] {
            let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
            segment.set_start(ms(start));
            segment.set_time(ms(time));
            let extended = extended_to_the_front(&segment).unwrap();
            assert_eq!(
                extended.to_stream_time(ms(6_000)),
                segment.to_stream_time(ms(6_000)),
                "{start} {time}"
            );
            assert_eq!(extended.start(), Some(ms(start.saturating_sub(time))), "{start} {time}");
        }
    }
}
