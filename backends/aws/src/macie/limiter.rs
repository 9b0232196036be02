//! Keeps the pace that Macie allows for new jobs, so that a burst of batches waits here instead of being refused there.

use std::sync::{Arc, Mutex, PoisonError};

use reelgate_ports::clock::Clock;

/// Milliseconds between two jobs: CreateClassificationJob takes 0.1 requests a second; Amazon Macie endpoints and
/// quotas.
pub(super) const JOB_INTERVAL_MS: u64 = 10_000;

/// One permit in each interval, none saved up. It knows this process only; where several nodes begin jobs, Macie's own
/// refusal stays the judge, and it is tried again like any other.
pub(super) struct Limiter {
    clock: Arc<dyn Clock>,
    interval_ms: u64,
    free_ms: Mutex<u64>,
}

impl Limiter {
    pub(super) fn new(clock: Arc<dyn Clock>, interval_ms: u64) -> Self {
        Self { clock, interval_ms, free_ms: Mutex::new(0) }
    }

    /// Takes the permit; or says when there will be one, milliseconds since 1970.
    pub(super) fn take(&self) -> Result<(), u64> {
        let now_ms = self.clock.now_ms();
        let next_ms = now_ms.saturating_add(self.interval_ms);
        // Nothing here can leave the number half-written.
        let mut free_ms = self.free_ms.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that went back makes nobody wait longer than one interval.
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
    struct Hands(AtomicU64);

    impl Clock for Hands {
        fn now_ms(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn limiter() -> (Arc<Hands>, Limiter) {
        let clock = Arc::new(Hands::default());
        clock.0.store(1_000_000, Ordering::Relaxed);
        (clock.clone(), Limiter::new(clock, JOB_INTERVAL_MS))
    }

    #[test]
    fn a_second_job_waits_for_the_rest_of_the_interval_and_a_long_rest_saves_nothing_up() {
        let (clock, limiter) = limiter();
        assert_eq!(limiter.take(), Ok(()));
        clock.0.store(1_009_999, Ordering::Relaxed);
        assert_eq!(limiter.take(), Err(1_010_000));
        clock.0.store(2_000_000, Ordering::Relaxed);
        assert_eq!(limiter.take(), Ok(()));
        assert_eq!(limiter.take(), Err(2_010_000));
    }

    #[test]
    fn a_clock_that_went_back_makes_nobody_wait_longer_than_one_interval() {
        let (clock, limiter) = limiter();
        assert_eq!(limiter.take(), Ok(()));
        clock.0.store(5_000, Ordering::Relaxed);
        assert_eq!(limiter.take(), Err(15_000));
        clock.0.store(15_000, Ordering::Relaxed);
        assert_eq!(limiter.take(), Ok(()));
    }
}
