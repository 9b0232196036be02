//! Which assets go into a job together: those whose text arrives within the same stretch of time. Every node finds the same
//! batch by its clock alone, so nobody has to gather assets, and no two nodes have to agree.

use super::BatchId;

/// Milliseconds after the end of a window before its job begins: what a node's clock may be slow by. A sidecar written later
/// would not be in the job's scope, and its asset would count as clean.
pub const MARGIN_MS: u64 = 5_000;

/// A stretch of time, milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Its first moment.
    pub start_ms: u64,
    /// The first moment after it.
    pub end_ms: u64,
}

impl Window {
    /// The window of this moment; windows of `length_ms`, at least 1, follow each other without a gap.
    pub fn at(now_ms: u64, length_ms: u64) -> Self {
        let length_ms = length_ms.max(1);
        let start_ms = now_ms - now_ms % length_ms;
        Self { start_ms, end_ms: start_ms.saturating_add(length_ms) }
    }

    /// What is delivered within it, to one area of sidecars.
    pub fn batch(self, area: &str) -> BatchId {
        BatchId::of(area, self.start_ms, self.end_ms)
    }

    /// Whether a sidecar that was written until now will be in the scope of the job.
    pub fn is_open(self, now_ms: u64) -> bool {
        (self.start_ms..self.end_ms).contains(&now_ms)
    }

    /// From when on the job may begin.
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
