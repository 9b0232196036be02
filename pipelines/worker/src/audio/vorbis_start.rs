//! Cuts what lies in front of the first sample of Vorbis in Ogg. Where the first pages count fewer samples than their packets
//! hold, the stream begins within a packet (Vorbis I specification, A.2). The demuxer ends these packets where their pages say
//! and begins them at 0, but the decoder delivers them whole.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;

use gst::prelude::*;

/// Bytes of a sample of one channel: the decoder delivers 32-bit floats.
const SAMPLE_BYTES: u64 = 4;

/// What is known of the packet whose samples a decoder delivers next.
#[derive(Default)]
struct Start {
    duration: Option<gst::ClockTime>,
    /// Whether the packet begins at the start of the stream, so that samples may lie before it.
    is_first: bool,
}

/// Cuts the output of a decoder that delivers the samples of each packet before it takes the next one.
pub fn cut(decoder: &gst::Element) {
    let (Some(sink), Some(src)) = (decoder.static_pad("sink"), decoder.static_pad("src")) else { return };
    let received = Arc::new(Mutex::new(Start::default()));
    let delivered = received.clone();
    sink.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer().filter(|buffer| buffer.pts().is_some()) {
            let mut start = received.lock().unwrap_or_else(PoisonError::into_inner);
            start.duration = buffer.duration();
            start.is_first = buffer.pts() == Some(gst::ClockTime::ZERO);
        }
        gst::PadProbeReturn::Ok
    });
    src.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let start = delivered.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data else { return gst::PadProbeReturn::Ok };
        if !start.is_first {
            return gst::PadProbeReturn::Remove;
        }
        match start.duration.and_then(|duration| cut_to(pad, buffer, duration)) {
            Some(kept) if kept.size() == 0 => return gst::PadProbeReturn::Handled,
            Some(kept) => *buffer = kept,
            None => {}
        }
        gst::PadProbeReturn::Ok
    });
}

/// The end of a buffer that lasts that long; `None` if the whole buffer is no longer.
fn cut_to(pad: &gst::Pad, buffer: &gst::BufferRef, duration: gst::ClockTime) -> Option<gst::Buffer> {
    let caps = pad.current_caps()?;
    let number = |name| u64::try_from(caps.structure(0)?.get::<i32>(name).ok()?).ok();
    let seconds = gst::ClockTime::SECOND.nseconds();
    let samples = duration.nseconds().mul_div_round(number("rate")?, seconds)?;
    let kept = usize::try_from(samples.checked_mul(number("channels")?)?.checked_mul(SAMPLE_BYTES)?).ok()?;
    let cut = buffer.size().checked_sub(kept).filter(|cut| *cut > 0)?;
    let mut end = buffer.copy_region(gst::BufferCopyFlags::MEMORY, cut..buffer.size()).ok()?;
    let timed = end.make_mut();
    timed.set_pts(buffer.pts());
    timed.set_duration(duration);
    Some(end)
}
