//! Groups assets into jobs: assets whose text arrives within the same window of time share one job. Every node derives the
//! same batch from its clock alone, so nodes need not coordinate.

use super::ids::BatchId;

/// Milliseconds from the end of a window until its job begins: how far a node's clock may be behind. A sidecar that is
/// written later would not be in the job's scope, and its asset would count as clean.
pub const MARGIN_MS: u64 = 5_000;

/// An interval of time, milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Its first moment.
    pub start_ms: u64,
    /// The first moment after it.
    pub end_ms: u64,
}

impl Window {
    /// The window that contains `now_ms`. Windows have `length_ms`, at least 1, and follow each other without a gap.
    pub fn at(now_ms: u64, length_ms: u64) -> Self {
        let length_ms = length_ms.max(1);
        let start_ms = now_ms - now_ms % length_ms;
        Self { start_ms, end_ms: start_ms.saturating_add(length_ms) }
    }

    /// The batch of all sidecars that are delivered to `area` in this window.
    pub fn batch(self, area: &str) -> BatchId {
        BatchId::of(area, self.start_ms, self.end_ms)
    }

    /// Whether a sidecar that is written at `now_ms` is in the scope of the window's job.
    pub fn is_open(self, now_ms: u64) -> bool {
        (self.start_ms..self.end_ms).contains(&now_ms)
    }

    /// The earliest time at which the job may begin.
    pub fn job_from_ms(self) -> u64 {
        self.end_ms.saturating_add(MARGIN_MS)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_window_has_its_own_batch_in_each_area() {
        let window = Window::at(61_234, 60_000);
        assert_eq!(window, Window { start_ms: 60_000, end_ms: 120_000 });
        assert_eq!(window.batch("s3://a"), Window::at(119_999, 60_000).batch("s3://a"));
        for (other, area) in [
            (Window::at(120_000, 60_000), "s3://a"),
            (window, "s3://b"),
            (Window::at(60_000, 30_000), "s3://a"),
        ] {
            assert_ne!(window.batch("s3://a"), other.batch(area));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_in_a_window_is_written_before_its_job(now_ms in 0..u64::MAX, length_ms in 0..100_000_u64) {
            let window = Window::at(now_ms, length_ms);
            prop_assert!(window.is_open(now_ms) || window.end_ms == u64::MAX);
            prop_assert!(window.job_from_ms() > now_ms || now_ms > u64::MAX - 200_000);
            prop_assert!(!window.is_open(window.end_ms));
        }
    }
}
