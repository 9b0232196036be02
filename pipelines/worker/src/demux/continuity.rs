//! Keeps the times of transport streams running forward.
//!
//! tsdemux 1.22 takes clock references more than half a second apart (the standard allows a tenth,
//! ISO/IEC 13818-1, 2.7.2) for a break in the clock and guesses how long the break was. Where it guesses too
//! short, all tracks jump back and frames of two seconds share one. A packet that would be decoded well before
//! the one in front of it is moved, and everything behind it with it, to follow on.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;

use gst::prelude::*;

/// Steps back up to this far are a matter of order within a track, nanoseconds.
const STEP_BACK_MAX_NS: u64 = 200_000_000;
/// Corrections of two tracks this close to each other are of the same break, nanoseconds.
const SAME_BREAK_NS: u64 = 100_000_000;
/// Distance assumed where only one packet came before the break, nanoseconds.
const SPACING_NS: u64 = 40_000_000;

/// The latest correction of any track, nanoseconds, so that sound and picture move together.
#[derive(Clone, Default)]
pub struct Continuity {
    latest_ns: Arc<Mutex<u64>>,
}

/// One track's way through time; everything before correction, nanoseconds.
#[derive(Default)]
struct Course {
    last_ns: Option<u64>,
    spacing_ns: Option<u64>,
    shift_ns: u64,
}

impl Continuity {
    /// Watches and corrects all packets of `pad` from now on.
    pub fn keep(&self, pad: &gst::Pad) {
        let continuity = self.clone();
        let course = Mutex::new(Course::default());
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_FLUSH;
        pad.add_probe(kinds, move |_, info| {
            let mut course = course.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(buffer) = info.buffer_mut() else {
                *course = Course::default(); // a flush: times start anew after a seek
                return gst::PadProbeReturn::Ok;
            };
            if let Some(time) = buffer.dts().or(buffer.pts()) {
                course.follow(time.nseconds(), &continuity);
            }
            if course.shift_ns > 0 {
                let shift = gst::ClockTime::from_nseconds(course.shift_ns);
                let (pts, dts) = (buffer.pts(), buffer.dts());
                let buffer = buffer.make_mut();
                buffer.set_pts(pts.map(|pts| pts.saturating_add(shift)));
                buffer.set_dts(dts.map(|dts| dts.saturating_add(shift)));
            }
            gst::PadProbeReturn::Ok
        });
    }
}

impl Course {
    fn follow(&mut self, time_ns: u64, continuity: &Continuity) {
        if let Some(last_ns) = self.last_ns.replace(time_ns) {
            if time_ns > last_ns {
                self.spacing_ns = Some(time_ns - last_ns);
            } else if last_ns - time_ns > STEP_BACK_MAX_NS {
                let step_ns = last_ns - time_ns + self.spacing_ns.unwrap_or(SPACING_NS);
                self.shift_ns = continuity.agreed(self.shift_ns.saturating_add(step_ns));
            }
        }
    }
}

impl Continuity {
    fn agreed(&self, shift_ns: u64) -> u64 {
        let mut latest_ns = self.latest_ns.lock().unwrap_or_else(PoisonError::into_inner);
        if shift_ns.abs_diff(*latest_ns) > SAME_BREAK_NS {
            *latest_ns = shift_ns;
        }
        *latest_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shifts(continuity: &Continuity, times_ms: &[u64]) -> Vec<u64> {
        let mut course = Course::default();
        let shift = |time_ms: &u64| {
            course.follow(time_ms * 1_000_000, continuity);
            course.shift_ns / 1_000_000
        };
        times_ms.iter().map(shift).collect()
    }

    #[test]
    fn a_step_back_is_followed_on_and_later_ones_add_up() {
        let times = [0, 40, 80, 1_000, 500, 540, 100];
        assert_eq!(shifts(&Continuity::default(), &times), [0, 0, 0, 0, 1_420, 1_420, 1_900]);
    }

    #[test]
    fn reordered_packets_and_gaps_are_left_alone() {
        assert_eq!(shifts(&Continuity::default(), &[0, 120, 40, 80, 5_000, 4_900]), [0; 6]);
    }

    #[test]
    fn tracks_move_together_over_one_break() {
        let continuity = Continuity::default();
        assert_eq!(shifts(&continuity, &[960, 1_000, 500]), [0, 0, 540]);
        assert_eq!(shifts(&continuity, &[969, 990, 495]), [0, 0, 540], "516 by itself");
    }
}
