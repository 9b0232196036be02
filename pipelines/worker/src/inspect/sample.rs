//! Decodes a few frames at a few positions, so that a file whose frames cannot be decoded is refused before it costs more
//! work.

use gstreamer as gst;
use gstreamer_app as gst_app;

use gst::prelude::*;
use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::MediaLimits;

use super::delivery_delay::DeliveryDelay;
use super::limits;
use crate::codecs;
use crate::colour::ContainerColour;
use crate::demux::{Branch, Demuxed, Landing};
use crate::source::Source;

/// Frames decoded at one position.
const FRAMES_PER_POSITION: u32 = 8;
/// Packets that the decoder receives at one position. If it delivers no frame for them, there is none.
const PACKETS_PER_POSITION: u32 = 600;
/// Threads of the sample's decoder.
const THREADS: u32 = 2;
/// The longest time for one frame. The stall budget of a worker is usually shorter.
const FRAME_TIMEOUT: gst::ClockTime = gst::ClockTime::from_seconds(60);

/// Result of decoding.
#[derive(Clone, Default)]
pub struct Decoded {
    /// Decoded frames or buffers of sound.
    pub frames: u32,
    /// Frames that the decoder marks as damaged.
    pub damaged: u32,
    /// Caps of the first one.
    pub caps: Option<gst::Caps>,
    /// What the container says about colours.
    pub container: ContainerColour,
    /// How long after its packet the decoder delivers the first frame, nanoseconds. It is 0 in containers that store when a frame
    /// is shown.
    pub delay_ns: u64,
}

#[derive(Clone, Copy)]
pub struct Sampled<'a> {
    pub container: Container,
    /// Position among all tracks.
    pub track: u32,
    /// Limits on decoded pictures.
    pub limits: &'a MediaLimits,
}

/// Decodes at the beginning and at each of `positions_ns`, which are keyframes of the track. A stream error at one
/// position counts as "no frame".
pub fn decode(source: &Source, sampled: Sampled<'_>, positions_ns: &[u64]) -> Result<Decoded, Fault> {
    let mut all = at(source, sampled, None)?;
    for position_ns in positions_ns {
        let decoded = at(source, sampled, Some(*position_ns))?;
        all.frames += decoded.frames;
        all.damaged += decoded.damaged;
        all.caps = all.caps.or(decoded.caps);
    }
    Ok(all)
}

fn at(source: &Source, sampled: Sampled<'_>, position_ns: Option<u64>) -> Result<Decoded, Fault> {
    let sink = gst_app::AppSink::builder().sync(false).max_buffers(1).build();
    let branch_sink: gst::Element = sink.clone().upcast();
    let container = ContainerColour::default();
    let read_container = container.clone();
    let delay = DeliveryDelay::default();
    let (measured, stores_no_times) = (delay.clone(), sampled.container == Container::Avi);
    let demuxed = Demuxed::open(source, sampled.container, move |track| {
        if track.index != sampled.track {
            return Ok(Branch::Ignore);
        }
        end_after(&track.pad, PACKETS_PER_POSITION);
        // Every thread of a decoder delays its frames further.
        let mut chain = codecs::decoder(&track.caps, if stores_no_times { 1 } else { THREADS })?;
        if let Some(decoder) = chain.last().filter(|_| stores_no_times) {
            measured.watch(decoder);
        }
        read_container.read(&track.caps, chain.first());
        chain.push(branch_sink.clone());
        Ok(Branch::Elements(chain))
    })?;
    let started = demuxed.preroll().and_then(|()| match position_ns {
        Some(position_ns) => demuxed.seek(sampled.track, position_ns, Landing::Keyframe),
        None => Ok(()),
    });
    let mut decoded = Decoded { container, ..Decoded::default() };
    if let Err(fault) = started {
        return if is_of_the_stream(&fault) { Ok(decoded) } else { Err(fault) };
    }
    let _ = demuxed.pipeline().set_state(gst::State::Playing); // an error appears as an end without frames
    while decoded.frames < FRAMES_PER_POSITION
        && let Some(frame) = sink.try_pull_sample(FRAME_TIMEOUT)
    {
        if let Some(caps) = frame.caps() {
            check_picture(sampled.limits, caps)?;
            decoded.caps.get_or_insert_with(|| caps.to_owned());
        }
        let corrupted = |buffer: &gst::BufferRef| buffer.flags().contains(gst::BufferFlags::CORRUPTED);
        decoded.frames += 1;
        decoded.damaged += u32::from(frame.buffer().is_some_and(corrupted));
    }
    decoded.delay_ns = delay.nseconds();
    Ok(decoded)
}

/// Lets `packets` pass and then ends the stream, so that a decoder that delivers no frame does not read a whole film.
fn end_after(pad: &gst::Pad, packets: u32) {
    let passed = std::sync::atomic::AtomicU32::new(0);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
        let passed = passed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if passed == packets {
            pad.push_event(gst::event::Eos::new());
        }
        if passed >= packets { gst::PadProbeReturn::Handled } else { gst::PadProbeReturn::Ok }
    });
}

fn is_of_the_stream(fault: &Fault) -> bool {
    matches!(fault.code, Code::DamagedStream | Code::DamagedIndex)
}

fn check_picture(limits: &MediaLimits, caps: &gst::CapsRef) -> Result<(), Fault> {
    let Some(structure) = caps.structure(0) else { return Ok(()) };
    let side = |name| structure.get::<i32>(name).ok().and_then(|side| u32::try_from(side).ok()).unwrap_or(0);
    limits::picture(limits, side("width"), side("height"))
}
