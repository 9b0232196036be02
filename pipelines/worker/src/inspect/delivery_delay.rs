//! Measures by how much a decoder delivers a picture later than it receives the packet: as long as pictures that are stored
//! later may be shown before it.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;

use gst::prelude::*;

/// The delay of one decoder. Clones share it.
#[derive(Clone, Default)]
pub struct DeliveryDelay(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Time of the packet that the decoder received last.
    received: Option<gst::ClockTime>,
    /// Delay of the first frame.
    delay: Option<gst::ClockTime>,
}

impl DeliveryDelay {
    /// Watches a decoder, which must run in one thread.
    pub fn watch(&self, decoder: &gst::Element) {
        let (Some(sink), Some(src)) = (decoder.static_pad("sink"), decoder.static_pad("src")) else { return };
        let (at_sink, at_src) = (self.0.clone(), self.0.clone());
        sink.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(time) = info.buffer().and_then(|buffer| buffer.dts_or_pts()) {
                at_sink.lock().unwrap_or_else(PoisonError::into_inner).received = Some(time);
            }
            gst::PadProbeReturn::Ok
        });
        src.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let mut state = at_src.lock().unwrap_or_else(PoisonError::into_inner);
            // The first frame is a key picture, which has the time of its packet.
            let own = info.buffer().and_then(|buffer| buffer.pts());
            state.delay = state.received.zip(own).map(|(received, own)| received.saturating_sub(own));
            gst::PadProbeReturn::Remove
        });
    }

    /// The delay in nanoseconds; 0 without a frame.
    pub fn nseconds(&self) -> u64 {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.delay.map_or(0, gst::ClockTime::nseconds)
    }
}
