//! From the times of packets, which wrap and break, to one rising timeline for all tracks.

/// Ticks of a time (ISO/IEC 13818-1, 2.4.3.7).
pub const TICKS_PER_S: i64 = 90_000;
/// Times have 33 bits.
const WRAP: i64 = 1 << 33;
/// A longer pause of a track is a break in the times, ticks: slides last up to half a minute.
const PAUSE_MAX: i64 = 30 * TICKS_PER_S;
/// A longer step back is a break too, ticks. Shorter ones are times in the wrong order.
const BACK_MAX: i64 = 2 * TICKS_PER_S;
/// Pause after a break that the stream itself announces, ticks.
const ANNOUNCED_MAX: i64 = TICKS_PER_S / 2;
/// Distance of packets that is assumed if only one came before a break, ticks.
const SPACING: i64 = TICKS_PER_S / 25;

/// A part of the stream without a break.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    /// The last time in it of any track, as the stream says it.
    last: i64,
    /// What is added to its times.
    offset: i64,
}

/// Where one track is.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrackClock {
    epoch: usize,
    /// The last time, as the stream says it, without wraps.
    last: Option<i64>,
    spacing: Option<i64>,
}

/// The timeline of all tracks.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    epochs: Vec<Epoch>,
    /// The latest end of any packet on the timeline.
    end: i64,
}

impl Clock {
    /// The time of a packet on the timeline. `raw` is its time of decoding in the stream, and `announced` says that the stream
    /// has announced a break since the track's last packet.
    pub fn place(&mut self, track: &mut TrackClock, raw: i64, announced: bool) -> i64 {
        let newest = self.epochs.len().wrapping_sub(1);
        let Some(last) = track.last.or_else(|| self.epochs.last().map(|epoch| epoch.last)) else {
            self.epochs.push(Epoch { last: raw, offset: 0 });
            *track = TrackClock { epoch: 0, last: Some(raw), spacing: None };
            self.end = raw + SPACING;
            return raw;
        };
        if track.last.is_none() {
            track.epoch = newest;
        }
        let mut time = unwrapped(raw, last);
        let pause_max = if announced { ANNOUNCED_MAX } else { PAUSE_MAX };
        // One track may be written much earlier than another one with the same times.
        let (pause_max, back_max) =
            if track.last.is_none() { (PAUSE_MAX, PAUSE_MAX) } else { (pause_max, BACK_MAX) };
        let step = time - last;
        // The times of the stream as a whole go on in a pause of one track.
        let follows = |of: i64| (-BACK_MAX..=PAUSE_MAX).contains(&(unwrapped(raw, of) - of));
        let belongs = |epoch: &Epoch| (unwrapped(raw, epoch.last) - epoch.last).abs() <= PAUSE_MAX;
        if step > pause_max || step < -back_max {
            let current = self.epochs[track.epoch];
            let later =
                (track.epoch + 1..self.epochs.len()).rev().find(|epoch| belongs(&self.epochs[*epoch]));
            if let Some(epoch) = later {
                track.epoch = epoch;
                time = unwrapped(raw, self.epochs[epoch].last);
            } else if !follows(current.last) || announced {
                self.epochs.push(Epoch { last: time, offset: self.end - time });
                track.epoch = self.epochs.len() - 1;
            }
        } else if step > 0 && track.last.is_some() {
            track.spacing = Some(step);
        }
        track.last = Some(time);
        let epoch = &mut self.epochs[track.epoch];
        epoch.last = epoch.last.max(time);
        let placed = time + epoch.offset;
        self.end = self.end.max(placed + track.spacing.unwrap_or(SPACING));
        placed
    }
}

/// The time nearest to another one that has these 33 bits.
pub fn unwrapped(raw: i64, near: i64) -> i64 {
    let ahead = (raw - near).rem_euclid(WRAP);
    near + if ahead > WRAP / 2 { ahead - WRAP } else { ahead }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = TICKS_PER_S;

    fn placed(times: &[(usize, i64)]) -> Vec<i64> {
        let (mut clock, mut tracks) = (Clock::default(), [TrackClock::default(); 2]);
        times.iter().map(|(track, raw)| clock.place(&mut tracks[*track], *raw, false)).collect()
    }

    #[test]
    fn times_wrap_and_go_on() {
        let before = WRAP - S;
        assert_eq!(placed(&[(0, before), (1, before), (0, 0), (1, S)]), [before, before, WRAP, WRAP + S]);
    }

    #[test]
    fn slides_and_times_in_another_order_are_no_break() {
        let times = [(0, 0), (0, 10 * S), (0, 9 * S), (0, 30 * S)];
        assert_eq!(placed(&times), times.map(|(_, raw)| raw));
        // A track begins late, and another one has told that time passes.
        let times: Vec<_> = (0..=100).map(|second| (0, second * S)).chain([(1, 99 * S)]).collect();
        assert_eq!(placed(&times).last(), Some(&(99 * S)));
    }

    #[test]
    fn a_track_that_is_written_much_later_than_another_one_keeps_its_times() {
        let times: Vec<_> = (0..=12).map(|s| (0, s * S)).chain((0..=12).map(|s| (1, s * S))).collect();
        assert_eq!(placed(&times), times.iter().map(|(_, raw)| *raw).collect::<Vec<_>>());
    }

    #[test]
    fn a_stream_that_begins_again_goes_on() {
        assert_eq!(
            placed(&[(0, 0), (0, 5 * S), (0, 10 * S), (0, 0), (0, S)]),
            [0, 5 * S, 10 * S, 15 * S, 16 * S]
        );
    }

    #[test]
    fn a_pause_of_one_track_is_none_of_the_others() {
        let times: Vec<_> =
            [(1, 0)].into_iter().chain((0..=100).map(|s| (0, s * S))).chain([(1, 100 * S)]).collect();
        assert_eq!(placed(&times).last(), Some(&(100 * S)));
    }

    #[test]
    fn a_jump_of_all_tracks_is_closed_once_and_both_stay_together() {
        let ahead = 600 * S;
        let times = [(0, 0), (1, 10), (0, S), (1, S + 10), (0, ahead), (1, ahead + 10), (0, ahead + S)];
        assert_eq!(placed(&times), [0, 10, S, S + 10, 2 * S + 10, 2 * S + 20, 3 * S + 10]);
        let back = [(0, 50 * S), (1, 50 * S), (0, 51 * S), (0, 0), (1, 51 * S), (1, 0)];
        assert_eq!(placed(&back), [50 * S, 50 * S, 51 * S, 52 * S, 51 * S, 52 * S]);
    }

    #[test]
    fn an_announced_break_is_closed_even_if_it_is_short() {
        let (mut clock, mut track) = (Clock::default(), TrackClock::default());
        for raw in [0, S / 25, 2 * S / 25] {
            clock.place(&mut track, raw, false);
        }
        assert_eq!(clock.place(&mut track, 5 * S, true), 3 * S / 25);
        assert_eq!(clock.place(&mut track, 5 * S + S / 25, false), 4 * S / 25);
    }
}
