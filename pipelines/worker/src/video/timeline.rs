//! Computes which decoded frames a chunk keeps, when they are shown and where segments begin. This is the grid rule of
//! [`VideoJob`].

use reelgate_pipelines::messages::{GRID_SLACK_NS, VideoJob};

use crate::cmaf;

/// What happens to one decoded frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It belongs to an earlier chunk.
    Before,
    /// It is encoded.
    Keep {
        /// Presentation time in ticks from output time 0, greater than that of every earlier frame.
        tick: u64,
        /// Number of the segment that begins with this frame, if one does.
        starts: Option<u32>,
    },
    /// It belongs to a later chunk, which begins at this tick.
    After {
        /// Presentation time in ticks from output time 0.
        tick: u64,
    },
}

/// The state of the rule between frames, which arrive in order of presentation.
#[derive(Debug)]
pub struct Timeline {
    zero_ns: u64,
    /// Start of the first frame of the track.
    begin_ns: u64,
    segment_ns: u64,
    first_segment: u32,
    end_segment: Option<u32>,
    timescale: u32,
    /// The frame that was judged last, if it is the first one. It is shown from output time 0 on, although others of the index
    /// may be before it that do not decode.
    first_ns: Option<u64>,
    last_tick: Option<u64>,
    segment: Option<u32>,
}

impl Timeline {
    pub fn new(job: &VideoJob) -> Self {
        Self {
            zero_ns: job.zero_ns,
            begin_ns: job.zero_ns.saturating_add(job.lead_ns),
            segment_ns: job.segment_ns.max(1),
            first_segment: job.first_segment,
            end_segment: job.end_segment,
            timescale: job.timescale,
            first_ns: None,
            last_tick: None,
            segment: None,
        }
    }

    /// Judges the next frame by its stream time. A frame that is not later than the previous one is moved to one tick after
    /// it, so broken timestamps lose no frame.
    pub fn judge(&mut self, stream_ns: u64) -> Verdict {
        let is_first = self.has_first_frame() && self.last_tick.is_none() && self.contains(stream_ns);
        self.first_ns = is_first.then_some(stream_ns);
        let behind_zero = self.shown_from(stream_ns).saturating_sub(self.zero_ns);
        // A frame does not return to an earlier segment than its predecessor.
        let segment = self.cell(stream_ns).max(self.segment.unwrap_or(0));
        if segment < self.first_segment {
            return Verdict::Before;
        }
        let earliest = self.last_tick.map_or(0, |last| last.saturating_add(1));
        let tick = cmaf::from_ns(behind_zero, self.timescale).max(earliest);
        if self.end_segment.is_some_and(|end| segment >= end) {
            return Verdict::After { tick };
        }
        self.last_tick = Some(tick);
        let starts = (self.segment != Some(segment)).then_some(segment);
        self.segment = Some(segment);
        Verdict::Keep { tick, starts }
    }

    /// When the frame of a stream time is shown, stream time: the first one from output time 0 on.
    pub fn shown_from(&self, stream_ns: u64) -> u64 {
        let is_first = stream_ns <= self.begin_ns || self.first_ns == Some(stream_ns);
        if is_first { self.zero_ns } else { stream_ns }
    }

    /// Whether this chunk begins with the first frame of the track.
    pub fn has_first_frame(&self) -> bool {
        self.first_segment == 0
    }

    /// Whether a stream time is within this chunk or after it.
    pub fn reaches_chunk(&self, stream_ns: u64) -> bool {
        self.cell(stream_ns) >= self.first_segment
    }

    /// Whether a stream time is within this chunk.
    pub fn contains(&self, stream_ns: u64) -> bool {
        let cell = self.cell(stream_ns);
        cell >= self.first_segment && self.end_segment.is_none_or(|end| cell < end)
    }

    /// Cell of the grid that contains a stream time.
    fn cell(&self, stream_ns: u64) -> u32 {
        let slackened = self.shown_from(stream_ns).saturating_add(GRID_SLACK_NS).saturating_sub(self.zero_ns);
        u32::try_from(slackened / self.segment_ns).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::tests::job;

    const MS: u64 = 1_000_000;

    fn timeline(first_segment: u32, end_segment: Option<u32>) -> Timeline {
        let mut job = job(&[("a", 64, 64)]);
        (job.zero_ns, job.segment_ns, job.timescale) = (500 * MS, 4_000 * MS, 1_000);
        (job.first_segment, job.end_segment) = (first_segment, end_segment);
        Timeline::new(&job)
    }

    fn keep(tick: u64, starts: Option<u32>) -> Verdict {
        Verdict::Keep { tick, starts }
    }

    #[test]
    fn a_segment_starts_with_the_first_frame_of_its_cell() {
        let mut timeline = timeline(0, None);
        assert_eq!(timeline.judge(500 * MS), keep(0, Some(0)));
        assert_eq!(timeline.judge(4_498 * MS), keep(3_998, None));
        assert_eq!(
            timeline.judge(4_499 * MS),
            keep(3_999, Some(1)),
            "a millisecond early is within the slack"
        );
        assert_eq!(timeline.judge(4_600 * MS), keep(4_100, None));
    }

    #[test]
    fn the_first_frame_is_shown_from_output_time_0_and_the_others_at_their_time() {
        let mut job = job(&[("a", 64, 64)]);
        (job.zero_ns, job.lead_ns, job.segment_ns, job.timescale) = (500 * MS, 5_000 * MS, 4_000 * MS, 1_000);
        let mut timeline = Timeline::new(&job);
        assert_eq!(timeline.judge(5_500 * MS), keep(0, Some(0)));
        assert_eq!(timeline.judge(5_540 * MS), keep(5_040, Some(1)));
        assert_eq!(
            (timeline.shown_from(5_500 * MS), timeline.shown_from(5_540 * MS)),
            (500 * MS, 5_540 * MS)
        );
    }

    #[test]
    fn cells_without_a_frame_leave_their_number_unused() {
        let mut timeline = timeline(0, None);
        timeline.judge(500 * MS);
        assert_eq!(timeline.judge(12_600 * MS), keep(12_100, Some(3)));
    }

    #[test]
    fn a_chunk_keeps_its_own_cells_only() {
        let mut timeline = timeline(1, Some(2));
        assert_eq!(timeline.judge(500 * MS), Verdict::Before);
        assert_eq!(timeline.judge(4_500 * MS), keep(4_000, Some(1)));
        assert_eq!(timeline.judge(8_500 * MS), Verdict::After { tick: 8_000 });
    }

    #[test]
    fn frames_that_do_not_advance_are_moved_by_one_tick_and_kept() {
        let mut timeline = timeline(0, None);
        timeline.judge(500 * MS);
        timeline.judge(600 * MS);
        assert_eq!(timeline.judge(600 * MS), keep(101, None));
        assert_eq!(timeline.judge(550 * MS), keep(102, None));
        assert_eq!(timeline.judge(4_500 * MS), keep(4_000, Some(1)));
        assert_eq!(
            timeline.judge(4_000 * MS),
            keep(4_001, None),
            "it stays in the segment of its predecessor"
        );
    }

    #[test]
    fn the_first_frame_that_decodes_is_shown_from_output_time_0_even_if_it_is_not_the_first_of_the_index() {
        let mut beginning = timeline(0, Some(2));
        assert_eq!(beginning.judge(4_600 * MS), keep(0, Some(0)));
        assert_eq!(beginning.shown_from(4_600 * MS), 500 * MS);
        assert_eq!(beginning.judge(500 * MS), keep(1, None), "a time that runs backwards");
        assert_eq!(beginning.judge(4_640 * MS), keep(4_140, Some(1)));
        assert_eq!(timeline(1, Some(2)).judge(4_600 * MS), keep(4_100, Some(1)), "not the first chunk");
        assert_eq!(timeline(0, Some(1)).judge(4_600 * MS), Verdict::After { tick: 4_100 });
    }

    #[test]
    fn a_frame_before_output_time_0_is_shown_at_0() {
        assert_eq!(timeline(0, None).judge(0), keep(0, Some(0)));
        assert_eq!(timeline(0, None).cell(u64::MAX), u32::MAX);
    }
}
