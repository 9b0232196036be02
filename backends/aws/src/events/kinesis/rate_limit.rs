//! How often a shard is read: fast while it has records, slower while it is empty, and with growing delays while the
//! service refuses; always with jitter, so that readers do not poll at the same time.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

/// A shard allows five reads a second, for all its polling readers together.
///
/// Source: Amazon Kinesis Data Streams Developer Guide, "Quotas and limits".
const READ_EVERY: Duration = Duration::from_millis(210);
/// First and largest bound of the random wait after refusals.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// The rate limit of one shard's reader.
pub(super) struct RateLimit {
    idle_max: Duration,
    idle: Duration,
    refusals: u32,
    next: Instant,
}

impl RateLimit {
    /// Allows the first read at once, and a read at least every `idle_max` while the shard is empty.
    pub(super) fn new(idle_max: Duration) -> Self {
        Self { idle_max: idle_max.max(READ_EVERY), idle: READ_EVERY, refusals: 0, next: Instant::now() }
    }

    /// Waits until the next read is allowed.
    pub(super) async fn turn(&self) {
        sleep_until(self.next).await;
    }

    /// The service answered; `more` if there were records or more are known to wait.
    pub(super) fn answered(&mut self, more: bool) {
        self.refusals = 0;
        self.idle = if more { READ_EVERY } else { (self.idle * 2).min(self.idle_max) };
        self.next = Instant::now() + self.idle;
    }

    /// Waits after a refusal: a random time below a bound that doubles ("full jitter").
    pub(super) async fn refused(&mut self) {
        let bound = (BACKOFF.0 * 2_u32.saturating_pow(self.refusals.min(8))).min(BACKOFF.1);
        self.refusals = self.refusals.saturating_add(1);
        sleep(bound.mul_f64(fastrand::f64())).await;
    }
}

/// A duration of 80 to 120 % of this one.
pub(super) fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(0.8 + 0.4 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_shard_is_read_at_most_five_times_a_second_and_less_while_it_is_empty() {
        let mut rate_limit = RateLimit::new(Duration::from_secs(1));
        let begun = Instant::now();
        for _ in 0..5 {
            rate_limit.turn().await;
            rate_limit.answered(true);
        }
        rate_limit.turn().await;
        assert!(begun.elapsed() >= Duration::from_secs(1));
        for _ in 0..4 {
            rate_limit.answered(false);
        }
        let idle = Instant::now();
        rate_limit.turn().await;
        assert!(idle.elapsed() >= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn waits_after_refusals_are_bounded() {
        let mut rate_limit = RateLimit::new(Duration::from_secs(1));
        let begun = Instant::now();
        for _ in 0..200 {
            rate_limit.refused().await;
        }
        let mean = begun.elapsed() / 200;
        assert!(mean > Duration::from_secs(3) && mean < Duration::from_secs(7), "{mean:?}");
    }
}
