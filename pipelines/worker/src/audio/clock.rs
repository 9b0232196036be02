//! Computes where decoded sound belongs on the output's timeline, in samples.
//!
//! Containers round times to milliseconds, and encoders drift, so small deviations are ignored: each run of sound follows
//! the previous one directly. It is moved only when a listener would notice that sound and picture differ.

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::EDGE_SLACK_NS;

/// Deviations up to this many milliseconds are ignored: half a frame at 25 frames per second.
pub const TOLERANCE_MS: u64 = 20;
/// Longest silence that is filled, and longest step back, in seconds.
const JUMP_S_MAX: u64 = 3_600;

/// How to place one run of decoded samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunPlacement {
    /// Samples of silence in front of it.
    pub fill: u64,
    /// Samples cut from its beginning.
    pub cut: u64,
}

/// The output's position.
#[derive(Debug)]
pub struct Clock {
    sample_rate: u64,
    position: u64,
    started: bool,
    pub samples_in: u64,
    /// Samples of silence filled in.
    pub filled: u64,
    pub cut: u64,
}

impl Clock {
    pub fn new(sample_rate: u32) -> Self {
        let sample_rate = u64::from(sample_rate.max(1));
        Self { sample_rate, position: 0, started: false, samples_in: 0, filled: 0, cut: 0 }
    }

    /// Samples placed so far, silence included.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Samples at `ns` from output time 0, rounded to the nearest.
    pub fn samples_at(&self, ns: i128) -> i128 {
        (ns * i128::from(self.sample_rate) + 500_000_000).div_euclid(1_000_000_000)
    }

    /// Places the next `len` samples. By their timestamps they begin `at` samples from output time 0.
    ///
    /// Fails with `timestamps_broken` if they are further away than any pause.
    pub fn place(&mut self, at: Option<i128>, len: u64) -> Result<RunPlacement, Fault> {
        let off = at.map_or(0, |at| at - i128::from(self.position));
        // The first sound is placed exactly: nothing before it could have drifted.
        let tolerance = if self.started { TOLERANCE_MS * self.sample_rate / 1_000 } else { 0 };
        let jump = u64::try_from(off.unsigned_abs()).unwrap_or(u64::MAX);
        if jump > JUMP_S_MAX * self.sample_rate {
            let seconds = jump / self.sample_rate;
            return Err(Fault::new(Code::TimestampsBroken, format!("sound jumps by {seconds} s")));
        }
        let place = match jump > tolerance {
            false => RunPlacement { fill: 0, cut: 0 },
            true if off > 0 => RunPlacement { fill: jump, cut: 0 },
            true => RunPlacement { fill: 0, cut: jump.min(len) },
        };
        self.started |= place.cut < len;
        self.samples_in += len;
        self.filled += place.fill;
        self.cut += place.cut;
        self.position += place.fill + len - place.cut;
        Ok(place)
    }

    /// Samples of silence behind the last sound, so that it ends at `ns` from output time 0. They are none without a sound,
    /// and where it ends within [`EDGE_SLACK_NS`].
    pub fn fill_up(&mut self, ns: u64) -> u64 {
        let end = u64::try_from(self.samples_at(ns.into())).unwrap_or(u64::MAX);
        let missing = end.saturating_sub(self.position);
        let slack = EDGE_SLACK_NS * self.sample_rate / 1_000_000_000;
        let fill = if self.started && missing > slack { missing } else { 0 };
        self.filled += fill;
        self.position += fill;
        fill
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: RunPlacement = RunPlacement { fill: 0, cut: 0 };

    #[test]
    fn sound_before_output_time_0_is_cut_to_the_sample() {
        let mut clock = Clock::new(48_000);
        assert_eq!(clock.place(Some(-1_500), 1_000).unwrap(), RunPlacement { fill: 0, cut: 1_000 });
        assert_eq!(clock.place(Some(-500), 1_000).unwrap(), RunPlacement { fill: 0, cut: 500 });
        assert_eq!(clock.place(Some(500), 1_000).unwrap(), NONE);
        assert_eq!((clock.position(), clock.samples_in, clock.cut), (1_500, 3_000, 1_500));
    }

    #[test]
    fn a_late_start_is_filled_to_the_sample() {
        let mut clock = Clock::new(48_000);
        assert_eq!(clock.place(Some(7), 100).unwrap(), RunPlacement { fill: 7, cut: 0 });
        assert_eq!((clock.position(), clock.filled), (107, 7));
    }

    #[test]
    fn rounding_is_ignored_but_gaps_and_overlaps_are_not() {
        let mut clock = Clock::new(1_000);
        clock.place(Some(0), 1_000).unwrap();
        assert_eq!(clock.place(Some(1_020), 1_000).unwrap(), NONE);
        assert_eq!(clock.place(Some(1_980), 1_000).unwrap(), NONE);
        assert_eq!(clock.place(Some(3_021), 979).unwrap(), RunPlacement { fill: 21, cut: 0 });
        assert_eq!(clock.place(Some(3_900), 1_000).unwrap(), RunPlacement { fill: 0, cut: 100 });
        assert_eq!(clock.place(None, 5).unwrap(), NONE);
    }

    #[test]
    fn a_jump_beyond_any_pause_is_a_fault() {
        let mut clock = Clock::new(10);
        assert_eq!(clock.place(Some(36_001), 1).unwrap_err().code, Code::TimestampsBroken);
        assert_eq!(clock.place(Some(i128::MIN / 2), 1).unwrap_err().code, Code::TimestampsBroken);
    }

    #[test]
    fn sound_that_ends_early_is_filled_up_to_the_end_unless_there_is_none() {
        let mut clock = Clock::new(1_000);
        assert_eq!(clock.fill_up(9_000_000_000), 0);
        clock.place(Some(0), 1_000).unwrap();
        assert_eq!(clock.fill_up(1_050_000_000), 0, "that is padding");
        assert_eq!(clock.fill_up(1_051_000_000), 51);
        assert_eq!((clock.position(), clock.filled, clock.fill_up(1_000)), (1_051, 51, 0));
    }

    #[test]
    fn times_are_rounded_to_the_nearest_sample() {
        let clock = Clock::new(48_000);
        assert_eq!(clock.samples_at(1_000_000_000), 48_000);
        assert_eq!(clock.samples_at(10_416), 0);
        assert_eq!(clock.samples_at(-20_834), -1);
    }
}
