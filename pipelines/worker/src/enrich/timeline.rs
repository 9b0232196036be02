//! Decides which times are sampled. The timeline is divided into slots of equal length, and one frame is kept per slot. The
//! decoders share the slots. Their spans end only between slots, so the result is the same for any number of decoders.

/// The sampled timeline of one video.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeline {
    start_ns: u64,
    interval_ns: u64,
    slots: u64,
}

/// Consecutive slots that one decoder samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    timeline: Timeline,
    /// Frames before this stream time are not wanted.
    pub start_ns: u64,
    /// Frames from this stream time on are not wanted.
    pub end_ns: u64,
}

/// What happens to a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is the first of its slot.
    Keep,
    /// Its slot already has a frame, or it is before the span.
    Drop,
    /// It is after the span, and so are all later frames.
    Past,
}

impl Timeline {
    /// Slots of `interval_ns` from `start_ns` to `end_ns`. They are longer if there would be more than `slots_max`.
    pub fn new(start_ns: u64, end_ns: u64, interval_ns: u64, slots_max: u64) -> Self {
        let length = end_ns.saturating_sub(start_ns).max(1);
        let interval_ns = interval_ns.max(length.div_ceil(slots_max.max(1))).max(1);
        Self { start_ns, interval_ns, slots: length.div_ceil(interval_ns) }
    }

    /// A span that contains only the frame at exactly this time.
    pub fn exact(time_ns: u64) -> Span {
        let timeline = Self { start_ns: time_ns, interval_ns: 1, slots: 1 };
        Span { timeline, start_ns: time_ns, end_ns: time_ns.saturating_add(1) }
    }

    /// At most `count` spans, in order, without gaps or overlaps. The first begins at 0 and the last has no end, so that
    /// every frame outside the declared times has a slot.
    pub fn spans(&self, count: u64) -> Vec<Span> {
        let count = count.clamp(1, self.slots);
        let border = |index: u64| {
            let slot = u128::from(self.slots) * u128::from(index) / u128::from(count);
            self.slot_start_ns(slot as u64) // at most `slots`
        };
        let span = |index| Span {
            timeline: *self,
            start_ns: if index == 0 { 0 } else { border(index) },
            end_ns: if index + 1 == count { u64::MAX } else { border(index + 1) },
        };
        (0..count).map(span).collect()
    }

    fn slot(&self, time_ns: u64) -> u64 {
        (time_ns.saturating_sub(self.start_ns) / self.interval_ns).min(self.slots - 1)
    }

    fn slot_start_ns(&self, slot: u64) -> u64 {
        self.start_ns.saturating_add(slot.saturating_mul(self.interval_ns))
    }
}

impl Span {
    /// Judges a frame. `kept` is the slot of the last kept frame; the caller has one for each pass.
    pub fn judge(&self, time_ns: u64, kept: &mut Option<u64>) -> Verdict {
        if time_ns >= self.end_ns {
            return Verdict::Past;
        }
        let slot = self.timeline.slot(time_ns);
        if time_ns < self.start_ns || kept.is_some_and(|kept| slot <= kept) {
            return Verdict::Drop;
        }
        *kept = Some(slot);
        Verdict::Keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(span: &Span, times: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut slot = None;
        times.into_iter().filter(|time| span.judge(*time, &mut slot) == Verdict::Keep).collect()
    }

    #[test]
    fn one_frame_is_kept_per_slot_for_any_number_of_decoders() {
        let timeline = Timeline::new(500, 10_480, 1_000, 100);
        let frames = || (0..250).map(|n| 500 + n * 40);
        let whole = kept(&timeline.spans(1)[0], frames());
        assert_eq!(whole.len(), 10);
        assert_eq!(whole[..2], [500, 1_500]);
        for count in 2..12 {
            let parts: Vec<u64> =
                timeline.spans(count).iter().flat_map(|span| kept(span, frames())).collect();
            assert_eq!(parts, whole, "{count} decoders");
        }
    }

    #[test]
    fn never_more_slots_than_allowed() {
        for (length, slots_max) in [(1u64, 1u64), (999, 10), (1_000, 10), (1_001, 10), (u64::MAX, 3), (7, 0)]
        {
            let timeline = Timeline::new(0, length, 1, slots_max);
            assert!(timeline.slots <= slots_max.max(1), "{length} {slots_max}");
        }
    }

    #[test]
    fn spans_cover_all_times_once() {
        let spans = Timeline::new(100, 1_100, 100, 1_000).spans(3);
        assert_eq!((spans[0].start_ns, spans[2].end_ns), (0, u64::MAX));
        assert!(spans.windows(2).all(|pair| pair[0].end_ns == pair[1].start_ns));
        assert_eq!(Timeline::new(5, 5, 10, 10).spans(8).len(), 1, "no length, one slot");
    }

    #[test]
    fn frames_outside_the_declared_times_have_a_slot() {
        let span = Timeline::new(1_000, 2_000, 500, 10).spans(1)[0];
        assert_eq!(kept(&span, [0, 900]), [0]);
        assert_eq!(kept(&span, [5_000, 6_000]), [5_000]);
    }

    #[test]
    fn an_exact_span_keeps_only_the_frame_at_its_time() {
        let span = Timeline::exact(40);
        let mut slot = None;
        assert_eq!(span.judge(39, &mut slot), Verdict::Drop);
        assert_eq!(span.judge(40, &mut slot), Verdict::Keep);
        assert_eq!(span.judge(41, &mut slot), Verdict::Past);
    }
}
