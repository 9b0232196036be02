//! Times of pictures in AVI, which stores when a packet is decoded and not when its picture is shown.
//!
//! GStreamer gives the time of decoding to key pictures and counts on from there, so pictures between two key pictures of a
//! stream with B pictures come up to a tenth of a second early. Both orders have the same times: the next picture that a decoder
//! delivers is shown at the earliest time that is left.
//!
//! A decoder holds pictures back until it knows that none comes before them. Players of AVI show a picture when it is delivered, and
//! muxers count on that. The inspection measures this delay, so all pictures move with the first one to where the plan says
//! that the film begins.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;

use gst::prelude::*;

use crate::demux::stream_time;

/// A decoder that skips a packet leaves its time behind. The next key picture tells: no picture is shown earlier than this before
/// its packet is decoded.
const SLACK: gst::ClockTime = gst::ClockTime::from_mseconds(100);
/// More packets than any decoder holds back.
const WAITING_MAX: usize = 64;

/// Gives the pictures of a decoder their times. The first one is shown at `begin`, stream time.
pub fn install(decoder: &gst::Element, begin: gst::ClockTime) {
    let (Some(sink), Some(src)) = (decoder.static_pad("sink"), decoder.static_pad("src")) else { return };
    let decoded = Arc::new(Mutex::new(Times::default()));
    let shown = decoded.clone();
    sink.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        if let Some(time) = info.buffer().and_then(|buffer| buffer.dts_or_pts()) {
            let mut times = decoded.lock().unwrap_or_else(PoisonError::into_inner);
            let is_earlier = || Some(begin.saturating_sub(stream_time(pad, time)?));
            times.delay = times.delay.or_else(is_earlier);
            times.decode(time);
        }
        gst::PadProbeReturn::Ok
    });
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    src.add_probe(kinds, move |_, info| {
        match &mut info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => {
                let next = shown.lock().unwrap_or_else(PoisonError::into_inner).show(buffer.pts());
                if let Some(time) = next {
                    buffer.make_mut().set_pts(time);
                }
            }
            Some(gst::PadProbeData::Event(event)) => {
                if let Some(open) = without_stop(event) {
                    *event = open;
                }
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

/// The segment without its end, behind which delayed pictures would not belong to the film; `None` if the event is none.
fn without_stop(event: &gst::Event) -> Option<gst::Event> {
    let gst::EventView::Segment(segment) = event.view() else { return None };
    let mut open = segment.segment().downcast_ref::<gst::ClockTime>()?.clone();
    open.set_stop(gst::ClockTime::NONE);
    Some(gst::event::Segment::new(&open))
}

#[derive(Default)]
struct Times {
    /// Of packets whose pictures have not been delivered.
    waiting: VecDeque<gst::ClockTime>,
    /// How much later than its packet a picture is shown; `None` until the first packet.
    delay: Option<gst::ClockTime>,
}

impl Times {
    fn decode(&mut self, time: gst::ClockTime) {
        self.waiting.push_back(time);
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
        }
    }

    /// The time of the next picture; `own` is the time that the decoder gives it. It is `None` if nothing is known.
    fn show(&mut self, own: Option<gst::ClockTime>) -> Option<gst::ClockTime> {
        while let (Some(first), Some(own)) = (self.waiting.front(), own)
            && *first + SLACK < own
        {
            self.waiting.pop_front();
        }
        let time = self.waiting.pop_front()?;
        Some(time.saturating_add(self.delay.unwrap_or_default()))
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
    fn all_pictures_are_late_by_the_delay_of_the_decoder() {
        let mut times = Times { delay: Some(at(1)), ..Times::default() };
        (0..3).for_each(|frame| times.decode(at(frame)));
        let shown: Vec<_> = (0..3).map(|frame| times.show(Some(at(frame)))).collect();
        assert_eq!(shown, [1, 2, 3].map(|frame| Some(at(frame))));
    }

    #[test]
    fn packets_without_a_picture_delay_nothing_beyond_the_next_key_picture() {
        let mut times = Times::default();
        (0..30).for_each(|frame| times.decode(at(frame)));
        assert_eq!(times.show(None), Some(at(0)));
        assert_eq!(times.show(Some(at(20))), Some(at(18)), "within the slack");
        (0..200).for_each(|frame| times.decode(at(frame)));
        assert_eq!(times.waiting.len(), WAITING_MAX);
    }
}
