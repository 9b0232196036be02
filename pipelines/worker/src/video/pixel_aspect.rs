//! Gives pictures the pixel aspect ratio by which the film was planned: what the parser reads in the stream, otherwise what the
//! container says. Decoders do not always tell it, and it may change within a stream.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;

use gst::prelude::*;
use reelgate_flow::facts::Rational;
use reelgate_pipelines::recipes::ladder::plausible_aspect;

/// Sets the aspect ratio in the caps of a decoder's pictures. `container` are the caps at the demuxer.
pub fn keep(decoder: &gst::Element, container: &gst::CapsRef) {
    let (Some(sink), Some(src)) = (decoder.static_pad("sink"), decoder.static_pad("src")) else { return };
    let of_container = stated(container);
    let current = Arc::new(Mutex::new(of_container));
    let parsed = current.clone();
    sink.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::Caps(caps)) = info.event().map(|event| event.view()) {
            let aspect = stated(caps.caps()).or(of_container);
            *parsed.lock().unwrap_or_else(PoisonError::into_inner) = aspect;
        }
        gst::PadProbeReturn::Ok
    });
    src.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &mut info.data
            && let gst::EventView::Caps(caps) = event.view()
        {
            let aspect = *current.lock().unwrap_or_else(PoisonError::into_inner);
            let mut caps = caps.caps_owned();
            caps.make_mut().set("pixel-aspect-ratio", aspect.unwrap_or(gst::Fraction::new(1, 1)));
            *event = gst::event::Caps::new(&caps);
        }
        gst::PadProbeReturn::Ok
    });
}

/// The plausible aspect ratio that caps state.
fn stated(caps: &gst::CapsRef) -> Option<gst::Fraction> {
    let fraction = caps.structure(0)?.get::<gst::Fraction>("pixel-aspect-ratio").ok()?;
    let (num, den) = (u32::try_from(fraction.numer()).ok()?, u32::try_from(fraction.denom()).ok()?);
    let aspect = plausible_aspect(Rational::new(num, den).filter(|aspect| aspect.num > 0)?);
    Some(gst::Fraction::new(i32::try_from(aspect.num).ok()?, i32::try_from(aspect.den).ok()?))
}
