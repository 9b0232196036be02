//! Counts access units along the timeline: their order, keyframes and rate, and their number in each segment of the grid.
//!
//! Packets arrive in decode order. A small window, as deep as any codec reorders, sorts their times, so memory is bounded
//! for a file of any length.
//!
//! The grid begins with the first picture, or with sound in front of it. Demuxers may deliver that sound later than the
//! picture, so the first pictures are put on the grid when enough of the file is known.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use reelgate_flow::facts::Rational;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{EDGE_SLACK_NS, GRID_SLACK_NS, MediaLimits};

use crate::packet_rules::Packet;

/// Frames held back for sorting: twice the 16 pictures that H.264 and H.265 may reorder, as fields.
const REORDER_MAX: usize = 64;
/// Keyframe times kept. Each time the list is full, every second one is dropped.
const KEYFRAMES_MAX: usize = 200_000;
/// Largest difference of frame distances that rounding to milliseconds can cause, nanoseconds.
const ROUNDING_NS: u64 = 2_100_000;
/// Pictures at the beginning that are put on the grid later: minutes of a video, more than any file leaves between a
/// picture and the sound that belongs to it.
const UNPLACED_MAX: usize = 16_384;
/// Distance that is assumed without durations and without a second frame, nanoseconds.
const FRAME_NS: u64 = 40_000_000;

/// The time of a packet, and whether it is that of the packet before because the packet has no time.
type Entry = (u64, bool);

/// The count of one track so far.
pub struct Timeline {
    segment_ns: u64,
    duration_max_ns: u64,
    samples_max: u64,
    window: BinaryHeap<Reverse<Entry>>,
    /// Packets without a time, in front of the first one with a time.
    leading: u32,
    untimed: u64,
    latest_ns: Option<u64>,
    zero_ns: Option<u64>,
    last_ns: Option<u64>,
    end_ns: u64,
    distance_min_ns: u64,
    distance_max_ns: u64,
    packets: u64,
    inexact: u64,
    backwards: u64,
    keyframes: u64,
    keyframe_stride: u64,
    keyframes_ns: Vec<u64>,
    keyframes_rise: bool,
    since_keyframe: u32,
    gop_frames_max: u32,
    /// Start of the earliest sound so far.
    sound_ns: Option<u64>,
    /// Times of the first pictures and how many packets each stands for, until the grid begins.
    unplaced: Vec<(u64, u32)>,
    /// Where the grid begins.
    grid_ns: Option<u64>,
    segment_frames: Vec<u32>,
}

/// The finished count of one track.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timing {
    pub packets: u64,
    /// Start of the first one, stream time.
    pub start_ns: u64,
    /// End of the last one, stream time.
    pub end_ns: u64,
    /// Average rate, rounded to a common rate if rounding of the times explains the difference.
    pub rate: Option<Rational>,
    /// Whether distances vary by more than rounding.
    pub variable_rate: bool,
    /// Packets without a presentation time.
    pub inexact: u64,
    /// Packets whose time is not greater than an earlier one, after sorting.
    pub backwards: u64,
    pub keyframes: u64,
    /// Times of keyframes, in rising order.
    pub keyframes_ns: Vec<u64>,
    /// Whether the times of keyframes rise.
    pub keyframes_rise: bool,
    /// Longest distance between keyframes, in packets.
    pub gop_frames_max: u32,
    /// How long before `start_ns` the grid begins.
    pub lead_ns: u64,
    /// Packets by segment. Those at `start_ns` are in the first one.
    pub segment_frames: Vec<u32>,
}

impl Timeline {
    /// A count for one track, on a grid of `segment_ns`.
    pub fn new(segment_ns: u64, limits: &MediaLimits) -> Self {
        Self {
            segment_ns: segment_ns.max(1),
            duration_max_ns: limits.duration_max_s.saturating_mul(1_000_000_000),
            samples_max: limits.samples_max,
            window: BinaryHeap::new(),
            leading: 0,
            untimed: 0,
            latest_ns: None,
            zero_ns: None,
            last_ns: None,
            end_ns: 0,
            distance_min_ns: u64::MAX,
            distance_max_ns: 0,
            packets: 0,
            inexact: 0,
            backwards: 0,
            keyframes: 0,
            keyframe_stride: 1,
            keyframes_ns: Vec::new(),
            keyframes_rise: true,
            since_keyframe: 0,
            gop_frames_max: 0,
            sound_ns: None,
            unplaced: Vec::new(),
            grid_ns: None,
            segment_frames: Vec::new(),
        }
    }

    /// Counts one packet. Fails with `budget_samples` if there are too many packets, or with `budget_duration` if one is too
    /// far from the first.
    pub fn add(&mut self, packet: Packet) -> Result<(), Fault> {
        self.packets += 1;
        if self.packets > self.samples_max {
            return Err(Fault::new(
                Code::BudgetSamples,
                format!("more than {} access units", self.samples_max),
            ));
        }
        self.inexact += u64::from(!packet.exact);
        self.keyframe(&packet);
        self.untimed += u64::from(packet.start_ns.is_none());
        let entry = match (packet.start_ns, self.latest_ns) {
            (Some(start_ns), _) => (start_ns, false),
            (None, Some(latest_ns)) => (latest_ns, true),
            (None, None) => {
                self.leading = self.leading.saturating_add(1);
                return Ok(());
            }
        };
        self.latest_ns = Some(entry.0);
        self.extend(packet.end_ns.unwrap_or(entry.0));
        self.window.push(Reverse(entry));
        if self.window.len() > REORDER_MAX
            && let Some(Reverse(entry)) = self.window.pop()
        {
            self.in_order(entry)?;
        }
        Ok(())
    }

    /// Extends the track, if it ends earlier.
    pub fn extend(&mut self, end_ns: u64) {
        self.end_ns = self.end_ns.max(end_ns);
    }

    /// Tells the start of the earliest sound so far. The grid begins there, if that is in front of the first picture.
    pub fn set_sound_start(&mut self, sound_ns: u64) {
        self.sound_ns = Some(sound_ns);
    }

    /// Latest end so far, for progress.
    pub fn reached_ns(&self) -> u64 {
        self.end_ns
    }

    /// Packets so far, for progress.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Counts the packets that are still in the window and returns the result.
    pub fn finish(mut self) -> Result<Timing, Fault> {
        while let Some(Reverse(entry)) = self.window.pop() {
            self.in_order(entry)?;
        }
        self.begin_grid()?;
        if self.leading > 0 {
            self.segment_frames = vec![self.leading]; // no packet has a time
        }
        let start_ns = self.zero_ns.unwrap_or(0);
        let last_ns = self.last_ns.unwrap_or(0);
        let distances = (self.packets - self.untimed).saturating_sub(1);
        let average_ns = (last_ns - start_ns).checked_div(distances);
        // If the container does not give the duration of the last packet, the average distance is used.
        let end_ns =
            if self.end_ns > last_ns { self.end_ns } else { last_ns + average_ns.unwrap_or(FRAME_NS) };
        self.gop_frames_max = self.gop_frames_max.max(self.since_keyframe);
        Ok(Timing {
            packets: self.packets,
            start_ns,
            end_ns,
            rate: rate(last_ns - start_ns, distances, end_ns - start_ns, self.packets),
            variable_rate: distances > 1
                && self.distance_max_ns.saturating_sub(self.distance_min_ns) > ROUNDING_NS,
            inexact: self.inexact,
            backwards: self.backwards,
            keyframes: self.keyframes,
            keyframes_ns: self.keyframes_ns,
            keyframes_rise: self.keyframes_rise,
            gop_frames_max: self.gop_frames_max,
            lead_ns: self.grid_ns.map_or(0, |grid_ns| start_ns - grid_ns),
            segment_frames: self.segment_frames,
        })
    }

    fn keyframe(&mut self, packet: &Packet) {
        if !packet.keyframe {
            self.since_keyframe = self.since_keyframe.saturating_add(1);
            return;
        }
        self.gop_frames_max = self.gop_frames_max.max(self.since_keyframe);
        self.since_keyframe = 1;
        self.keyframes += 1;
        if !(self.keyframes - 1).is_multiple_of(self.keyframe_stride) {
            return;
        }
        let Some(start_ns) = packet.start_ns else { return };
        if self.keyframes_ns.last().is_some_and(|last| *last >= start_ns) {
            self.keyframes_rise = false;
            return;
        }
        if self.keyframes_ns.len() == KEYFRAMES_MAX {
            let mut even = false;
            self.keyframes_ns.retain(|_| {
                even = !even;
                even
            });
            self.keyframe_stride *= 2;
        }
        self.keyframes_ns.push(start_ns);
    }

    fn in_order(&mut self, (time_ns, is_untimed): Entry) -> Result<(), Fault> {
        let zero_ns = *self.zero_ns.get_or_insert(time_ns);
        if let Some(last_ns) = self.last_ns.filter(|_| !is_untimed) {
            if time_ns <= last_ns {
                self.backwards += 1;
            } else {
                self.distance_min_ns = self.distance_min_ns.min(time_ns - last_ns);
                self.distance_max_ns = self.distance_max_ns.max(time_ns - last_ns);
            }
        }
        self.last_ns = Some(self.last_ns.unwrap_or(0).max(time_ns));
        let since_ns = time_ns.saturating_sub(zero_ns);
        if since_ns > self.duration_max_ns {
            let detail = format!("a packet {} s after the first one", since_ns / 1_000_000_000);
            return Err(Fault::new(Code::BudgetDuration, detail));
        }
        let entry = (time_ns, 1 + std::mem::take(&mut self.leading));
        if self.grid_ns.is_some() {
            self.place(entry);
            return Ok(());
        }
        self.unplaced.push(entry);
        if self.unplaced.len() > UNPLACED_MAX { self.begin_grid() } else { Ok(()) }
    }

    /// Fixes where the grid begins and puts the pictures on it that wait for that.
    fn begin_grid(&mut self) -> Result<(), Fault> {
        let Some(first_ns) = self.zero_ns.filter(|_| self.grid_ns.is_none()) else { return Ok(()) };
        let sound_ns = self.sound_ns.filter(|sound_ns| sound_ns.saturating_add(EDGE_SLACK_NS) < first_ns);
        let grid_ns = sound_ns.unwrap_or(first_ns);
        if first_ns - grid_ns > self.duration_max_ns {
            let detail =
                format!("a picture {} s after the first sound", (first_ns - grid_ns) / 1_000_000_000);
            return Err(Fault::new(Code::BudgetDuration, detail));
        }
        self.grid_ns = Some(grid_ns);
        std::mem::take(&mut self.unplaced).into_iter().for_each(|entry| self.place(entry));
        Ok(())
    }

    fn place(&mut self, (time_ns, packets): (u64, u32)) {
        let grid_ns = self.grid_ns.unwrap_or(0);
        let shown_ns = if Some(time_ns) == self.zero_ns { grid_ns } else { time_ns };
        let segment = shown_ns.saturating_sub(grid_ns).saturating_add(GRID_SLACK_NS) / self.segment_ns;
        let segment = usize::try_from(segment).unwrap_or(usize::MAX); // bounded by the duration above
        if self.segment_frames.len() <= segment {
            self.segment_frames.resize(segment + 1, 0);
        }
        self.segment_frames[segment] += packets;
    }
}

/// Common rates: film, PAL and NTSC families, screen and time-lapse rates.
const RATES: [(u32, u32); 20] = [
    (24000, 1001),
    (24, 1),
    (25, 1),
    (30000, 1001),
    (30, 1),
    (48, 1),
    (50, 1),
    (60000, 1001),
    (60, 1),
    (120, 1),
    (120000, 1001),
    (100, 1),
    (240, 1),
    (20, 1),
    (15, 1),
    (12, 1),
    (10, 1),
    (25, 2),
    (15000, 1001),
    (5, 1),
];

/// Average rate over the distances between packets, or over the whole length if there is only one packet.
fn rate(span_ns: u64, distances: u64, length_ns: u64, packets: u64) -> Option<Rational> {
    let (count, over_ns) =
        if distances > 0 && span_ns > 0 { (distances, span_ns) } else { (packets, length_ns) };
    if over_ns == 0 || count == 0 {
        return None;
    }
    // The first and last time may each be rounded by up to half a millisecond.
    let slack_ns = 1_000_000u128;
    for (num, den) in RATES {
        let ideal_ns = u128::from(count) * 1_000_000_000 * u128::from(den) / u128::from(num);
        if ideal_ns.abs_diff(u128::from(over_ns)) <= slack_ns.min(u128::from(over_ns) / 1_000) {
            return Rational::new(num, den);
        }
    }
    let thousandths = u128::from(count) * 1_000_000_000_000 / u128::from(over_ns);
    Rational::new(u32::try_from(thousandths).ok()?.max(1), 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn limits() -> MediaLimits {
        MediaLimits {
            pixels_max: 1,
            side_max: 1,
            tracks_max: 1,
            samples_max: 1_000_000,
            nesting_max: 1,
            duration_max_s: 100_000,
        }
    }

    fn timeline(times: impl IntoIterator<Item = (u64, bool)>) -> Result<Timing, Fault> {
        let mut timeline = Timeline::new(4 * SECOND, &limits());
        for (start_ns, keyframe) in times {
            timeline.add(Packet { start_ns: Some(start_ns), end_ns: None, keyframe, exact: true })?;
        }
        timeline.finish()
    }

    #[test]
    fn reordered_frames_are_counted_on_the_grid_from_the_first_picture() {
        // Groups of four in the order I P B B, from 1 s on, 25 frames a second, 12 s.
        let order = [0u64, 3, 1, 2];
        let frames = (0..300).map(|n| (n / 4 * 4 + order[(n % 4) as usize], n % 100 == 0));
        let frames: Vec<_> = frames.map(|(n, key)| (SECOND + n * SECOND / 25, key)).collect();
        let timing = timeline(frames).unwrap();
        assert_eq!((timing.packets, timing.start_ns), (300, SECOND));
        assert_eq!(timing.segment_frames, [100, 100, 100]);
        assert_eq!(timing.rate, Rational::new(25, 1));
        assert_eq!((timing.keyframes, timing.gop_frames_max), (3, 100));
        assert_eq!(timing.keyframes_ns, [SECOND, 5 * SECOND, 9 * SECOND]);
        assert!(!timing.variable_rate && timing.keyframes_rise && timing.backwards == 0);
    }

    #[test]
    fn sound_in_front_of_the_first_picture_begins_the_grid_whenever_it_arrives() {
        let of = |sound_ns: u64, frames: u64| {
            let mut timeline = Timeline::new(4 * SECOND, &limits());
            for n in 0..frames {
                let start_ns = Some(9 * SECOND + n * SECOND / 10);
                timeline.add(Packet { start_ns, end_ns: None, keyframe: n == 0, exact: true }).unwrap();
                if n == 50 {
                    timeline.set_sound_start(sound_ns);
                }
            }
            let timing = timeline.finish().unwrap();
            (timing.start_ns, timing.lead_ns, timing.segment_frames)
        };
        // At 9.1 s the second picture, at 12 s the first one of the fourth segment.
        assert_eq!(of(0, 60), (9 * SECOND, 9 * SECOND, vec![1, 0, 29, 30]));
        assert_eq!(of(9 * SECOND - EDGE_SLACK_NS, 60), (9 * SECOND, 0, vec![40, 20]));
        let (_, lead_ns, frames) = of(SECOND, UNPLACED_MAX as u64 + 100);
        assert_eq!((lead_ns, &frames[..5]), (8 * SECOND, &[1, 0, 39, 40, 40][..]));
    }

    #[test]
    fn a_picture_decades_after_the_sound_ends_the_count() {
        let mut timeline = Timeline::new(4 * SECOND, &limits());
        timeline.set_sound_start(0);
        let start_ns = Some(1_000_000 * SECOND);
        timeline.add(Packet { start_ns, end_ns: None, keyframe: true, exact: true }).unwrap();
        assert_eq!(timeline.finish().unwrap_err().code, Code::BudgetDuration);
    }

    #[test]
    fn millisecond_rounding_is_not_a_variable_rate_but_a_dropped_frame_is() {
        let ms = |n: u64| n * 1001 / 30 * 1_000_000;
        let rounded = timeline((0..300).map(|n| (ms(n), n == 0))).unwrap();
        assert_eq!((rounded.variable_rate, rounded.rate), (false, Rational::new(30000, 1001)));
        let dropped = timeline((0..300).filter(|n| *n != 150).map(|n| (ms(n), n == 0))).unwrap();
        assert!(dropped.variable_rate);
    }

    #[test]
    fn a_frame_a_little_before_a_grid_line_belongs_to_the_next_segment() {
        let timing =
            timeline([(0, true), (4 * SECOND - GRID_SLACK_NS, true), (8 * SECOND - GRID_SLACK_NS - 1, true)]);
        assert_eq!(timing.unwrap().segment_frames, [1, 2]);
    }

    #[test]
    fn times_that_repeat_or_run_backwards_are_counted() {
        let jump_back = (0..200u64).map(|n| (if n == 150 { 0 } else { n * SECOND }, false));
        assert_eq!(timeline(jump_back).unwrap().backwards, 1);
        assert_eq!(timeline((0..10).map(|_| (SECOND, true))).unwrap().backwards, 9);
    }

    #[test]
    fn a_jump_of_decades_ends_the_count() {
        let fault = timeline((0..100u64).map(|n| (n * 1_000 * 3_600 * SECOND, true))).unwrap_err();
        assert_eq!(fault.code, Code::BudgetDuration);
    }

    #[test]
    fn keyframe_times_are_thinned_evenly_at_the_limit() {
        let count = KEYFRAMES_MAX as u64 + 10;
        let timing = timeline((0..count).map(|n| (n * 1_000_000, true))).unwrap();
        assert_eq!((timing.keyframes, timing.keyframes_ns.len()), (count, KEYFRAMES_MAX / 2 + 5));
        assert_eq!(timing.keyframes_ns[..3], [0, 2_000_000, 4_000_000]);
        assert!(timing.keyframes_rise);
    }

    #[test]
    fn one_packet_more_than_the_limit_is_refused() {
        let limits = MediaLimits { samples_max: 2, ..limits() };
        let mut timeline = Timeline::new(SECOND, &limits);
        let packet = Packet { start_ns: Some(0), end_ns: None, keyframe: true, exact: true };
        assert!(timeline.add(packet).is_ok() && timeline.add(packet).is_ok());
        assert_eq!(timeline.add(packet).unwrap_err().code, Code::BudgetSamples);
    }

    #[test]
    fn a_single_frame_lasts_as_long_as_it_declares() {
        let mut one = Timeline::new(SECOND, &limits());
        one.add(Packet { start_ns: Some(0), end_ns: Some(SECOND / 10), keyframe: true, exact: true })
            .unwrap();
        let timing = one.finish().unwrap();
        assert_eq!((timing.end_ns, timing.rate), (SECOND / 10, Rational::new(10, 1)));
    }

    #[test]
    fn frames_without_a_time_are_counted_beside_their_neighbours() {
        let times = [None, Some(SECOND), Some(5 * SECOND), None, Some(3 * SECOND)];
        let mut timeline = Timeline::new(4 * SECOND, &limits());
        for start_ns in times {
            let exact = start_ns.is_some();
            timeline.add(Packet { start_ns, end_ns: None, keyframe: !exact, exact }).unwrap();
        }
        timeline.extend(7 * SECOND);
        let timing = timeline.finish().unwrap();
        assert_eq!((timing.packets, timing.inexact, timing.backwards, timing.keyframes), (5, 2, 0, 2));
        assert_eq!(timing.segment_frames, [3, 2]);
        assert_eq!((timing.start_ns, timing.end_ns), (SECOND, 7 * SECOND));
        assert_eq!(timing.rate, Rational::new(500, 1_000), "by the frames with a time");
        let mut without = Timeline::new(SECOND, &limits());
        without.add(Packet { start_ns: None, end_ns: None, keyframe: true, exact: false }).unwrap();
        assert_eq!(without.finish().unwrap().segment_frames, [1]);
    }
}
