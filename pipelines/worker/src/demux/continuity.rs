//! Keeps the times of transport streams rising.
//!
//! If clock references are more than half a second apart (the standard allows a tenth: ISO/IEC 13818-1, 2.7.2), tsdemux
//! 1.22 assumes a break in the clock and guesses its length. If the guess is too short, all tracks jump back, and frames
//! of two different seconds get the same times. So a packet whose decoding time is well before that of the previous
//! packet is moved behind it, and all later packets are moved by the same amount.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;

use gst::prelude::*;

/// Smaller steps back come from the order of packets within a track, nanoseconds.
const STEP_BACK_MAX_NS: u64 = 200_000_000;
/// Corrections of two tracks that differ by at most this belong to the same break, nanoseconds.
const SAME_BREAK_NS: u64 = 100_000_000;
/// Distance of packets that is assumed if only one packet came before the break, nanoseconds.
const SPACING_NS: u64 = 40_000_000;

/// The latest correction of any track, nanoseconds. The tracks share it, so that sound and picture move together.
#[derive(Clone, Default)]
pub struct Continuity {
    latest_ns: Arc<Mutex<u64>>,
}

/// The times of one track, nanoseconds; `last_ns` and `spacing_ns` are uncorrected.
#[derive(Default)]
struct TrackTimes {
    last_ns: Option<u64>,
    spacing_ns: Option<u64>,
    shift_ns: u64,
}

impl Continuity {
    /// Corrects the times of all packets of `pad` from now on.
    pub fn correct(&self, pad: &gst::Pad) {
        let continuity = self.clone();
        let times = Mutex::new(TrackTimes::default());
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_FLUSH;
        pad.add_probe(kinds, move |_, info| {
            let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(buffer) = info.buffer_mut() else {
                *times = TrackTimes::default(); // a flush: after a seek the times start again
                return gst::PadProbeReturn::Ok;
            };
            if let Some(time) = buffer.dts().or(buffer.pts()) {
                times.follow(time.nseconds(), &continuity);
            }
            if times.shift_ns > 0 {
                let shift = gst::ClockTime::from_nseconds(times.shift_ns);
                let (pts, dts) = (buffer.pts(), buffer.dts());
                let buffer = buffer.make_mut();
                buffer.set_pts(pts.map(|pts| pts.saturating_add(shift)));
                buffer.set_dts(dts.map(|dts| dts.saturating_add(shift)));
            }
            gst::PadProbeReturn::Ok
        });
    }
}

impl TrackTimes {
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
        let mut times = TrackTimes::default();
        let shift = |time_ms: &u64| {
            times.follow(time_ms * 1_000_000, continuity);
            times.shift_ns / 1_000_000
        };
        times_ms.iter().map(shift).collect()
    }

    #[test]
    fn a_step_back_is_corrected_and_later_ones_add_up() {
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
