//! Limits how often costly work runs, and spreads waits so that they do not coincide.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Costly work may take one part in this many of the time.
const SHARE: u32 = 20;

/// A full scan for overlooked rows happens no more often than this.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Lets something run at most once per interval, and less often if it takes long.
#[derive(Debug)]
pub(crate) struct RateLimit {
    every: Duration,
    next: Mutex<Option<Instant>>,
}

impl RateLimit {
    pub(crate) fn new(every: Duration) -> Self {
        Self { every, next: Mutex::new(None) }
    }

    /// True if it is due; then it is not due again for a while.
    pub(crate) fn is_due(&self) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if next.is_some_and(|next| now < next) {
            return false;
        }
        *next = Some(now + self.every);
        true
    }

    /// Records how long it took: it is not due again before many times as long has passed.
    pub(crate) fn took(&self, duration: Duration) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = Some(Instant::now() + self.every.max(duration.saturating_mul(SHARE)));
    }
}

/// Spreads waits: a generator that needs no seed from outside and is not for secrets (SplitMix64).
#[derive(Debug)]
pub(crate) struct Jitter(AtomicU64);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub(crate) fn next(&self) -> u64 {
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A wait between half of `most` and all of it.
    pub(crate) fn spread(&self, most: Duration) -> Duration {
        let half = most / 2;
        let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX).max(1);
        half + Duration::from_nanos(self.next() % nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_work_is_not_due_again_soon() {
        let rate_limit = RateLimit::new(Duration::ZERO);
        assert!(rate_limit.is_due() && rate_limit.is_due());
        rate_limit.took(Duration::from_secs(60));
        assert!(!rate_limit.is_due());
    }

    #[test]
    fn waits_are_between_half_and_all_and_differ() {
        let jitter = Jitter::new(1);
        let most = Duration::from_millis(100);
        let waits: Vec<Duration> = (0..50).map(|_| jitter.spread(most)).collect();
        assert!(waits.iter().all(|wait| *wait >= most / 2 && *wait <= most));
        assert!(waits.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
