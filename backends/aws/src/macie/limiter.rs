//! Limits new jobs to the rate that Macie allows, so that a burst of batches waits here instead of being refused by Macie.

use std::sync::{Arc, Mutex, PoisonError};

use reelgate_ports::clock::Clock;

/// Milliseconds between two jobs: CreateClassificationJob allows 0.1 requests a second; Amazon Macie endpoints and
/// quotas.
pub(super) const JOB_INTERVAL_MS: u64 = 10_000;

/// One permit per interval; unused permits are not saved. The limiter counts only this process. If several nodes begin
/// jobs, Macie may still refuse one, and the job is retried like after any other refusal.
pub(super) struct Limiter {
    clock: Arc<dyn Clock>,
    interval_ms: u64,
    free_ms: Mutex<u64>,
}

impl Limiter {
    pub(super) fn new(clock: Arc<dyn Clock>, interval_ms: u64) -> Self {
        Self { clock, interval_ms, free_ms: Mutex::new(0) }
    }

    /// Takes the permit; the error is the time of the next permit, milliseconds since 1970.
    pub(super) fn take(&self) -> Result<(), u64> {
        let now_ms = self.clock.now_ms();
        let next_ms = now_ms.saturating_add(self.interval_ms);
        // The value is consistent even if a holder of the lock panicked.
        let mut free_ms = self.free_ms.lock().unwrap_or_else(PoisonError::into_inner);
        // If the clock went back, the wait is at most one interval.
        *free_ms = (*free_ms).min(next_ms);
        if now_ms < *free_ms {
            return Err(*free_ms);
        }
        *free_ms = next_ms;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Default)]
    struct ManualClock(AtomicU64);

    impl Clock for ManualClock {
        fn now_ms(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn limiter() -> (Arc<ManualClock>, Limiter) {
        let clock = Arc::new(ManualClock::default());
        clock.0.store(1_000_000, Ordering::Relaxed);
        (clock.clone(), Limiter::new(clock, JOB_INTERVAL_MS))
    }

    #[test]
    fn a_second_job_waits_for_the_rest_of_the_interval_and_unused_permits_are_not_saved() {
        let (clock, limiter) = limiter();
        assert_eq!(limiter.take(), Ok(()));
        clock.0.store(1_009_999, Ordering::Relaxed);
        assert_eq!(limiter.take(), Err(1_010_000));
        clock.0.store(2_000_000, Ordering::Relaxed);
        assert_eq!(limiter.take(), Ok(()));
        assert_eq!(limiter.take(), Err(2_010_000));
    }

    #[test]
    fn after_a_clock_goes_back_the_wait_is_at_most_one_interval() {
        let (clock, limiter) = limiter();
        assert_eq!(limiter.take(), Ok(()));
        clock.0.store(5_000, Ordering::Relaxed);
        assert_eq!(limiter.take(), Err(15_000));
        clock.0.store(15_000, Ordering::Relaxed);
        assert_eq!(limiter.take(), Ok(()));
    }
}
