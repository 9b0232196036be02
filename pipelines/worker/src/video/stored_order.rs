//! Times of pictures in AVI, which stores when a packet is decoded and not when its picture is shown.
//!
//! GStreamer gives the time of decoding to key pictures and counts on from there, so pictures between two key pictures of a
//! stream with B pictures come up to a tenth of a second early. Both orders have the same times: the next picture that a decoder
//! delivers is shown at the earliest time that is left. It is early by no more than the distance of two pictures.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;

use gst::prelude::*;

/// A decoder that skips a packet leaves its time behind. The next key picture tells: no picture is shown earlier than this before
/// its packet is decoded.
const SLACK: gst::ClockTime = gst::ClockTime::from_mseconds(100);
/// More packets than any decoder holds back.
const WAITING_MAX: usize = 64;

/// Gives the pictures of a decoder their times.
pub fn install(decoder: &gst::Element) {
    let (Some(sink), Some(src)) = (decoder.static_pad("sink"), decoder.static_pad("src")) else { return };
    let decoded = Arc::new(Mutex::new(Times::default()));
    let shown = decoded.clone();
    sink.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(time) = info.buffer().and_then(|buffer| buffer.dts_or_pts()) {
            decoded.lock().unwrap_or_else(PoisonError::into_inner).decode(time);
        }
        gst::PadProbeReturn::Ok
    });
    src.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data {
            let next = shown.lock().unwrap_or_else(PoisonError::into_inner).show(buffer.pts());
            if let Some(time) = next {
                buffer.make_mut().set_pts(time);
            }
        }
        gst::PadProbeReturn::Ok
    });
}

/// Times of packets whose pictures have not been delivered.
#[derive(Default)]
struct Times(VecDeque<gst::ClockTime>);

impl Times {
    fn decode(&mut self, time: gst::ClockTime) {
        self.0.push_back(time);
        if self.0.len() > WAITING_MAX {
            self.0.pop_front();
        }
    }

    /// The time of the next picture; `own` is the time that the decoder gives it. It is `None` if nothing is known.
    fn show(&mut self, own: Option<gst::ClockTime>) -> Option<gst::ClockTime> {
        while let (Some(first), Some(own)) = (self.0.front(), own)
            && *first + SLACK < own
        {
            self.0.pop_front();
        }
        self.0.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(frame: u64) -> gst::ClockTime {
        gst::ClockTime::from_mseconds(frame * 40)
    }

    #[test]
    fn pictures_are_shown_one_after_the_other_whatever_order_they_are_stored_in() {
        let mut times = Times::default();
        (0..7).for_each(|frame| times.decode(at(frame)));
        // As GStreamer counts: from a key picture on, and again from the next one.
        let own = [0, 1, 2, 3, 4, 5, 4];
        let shown: Vec<_> = own.iter().map(|own| times.show(Some(at(*own)))).collect();
        assert_eq!(shown, (0..7).map(|frame| Some(at(frame))).collect::<Vec<_>>());
        assert_eq!(times.show(Some(at(7))), None);
    }

    #[test]
    fn packets_without_a_picture_delay_nothing_beyond_the_next_key_picture() {
        let mut times = Times::default();
        (0..30).for_each(|frame| times.decode(at(frame)));
        assert_eq!(times.show(None), Some(at(0)));
        assert_eq!(times.show(Some(at(20))), Some(at(18)), "within the slack");
        (0..200).for_each(|frame| times.decode(at(frame)));
        assert_eq!(times.0.len(), WAITING_MAX);
    }
}
