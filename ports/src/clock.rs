//! Time as a dependency, so that tests can control it.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01 UTC. Jumps when somebody sets the clock.
    fn now_ms(&self) -> u64;

    /// Milliseconds since a moment that is the same for all processes until the machine starts again. Never jumps, and
    /// stands still while the machine sleeps. A clock that nobody can set gives the time of day.
    fn monotonic_ms(&self) -> u64 {
        self.now_ms()
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn monotonic_ms(&self) -> u64 {
        // clock_gettime(2): it counts from the start of the machine, in every process.
        let since = clock_gettime(ClockId::Monotonic);
        let (seconds, nanos) = (u64::try_from(since.tv_sec), u64::try_from(since.tv_nsec));
        seconds.unwrap_or(0).saturating_mul(1_000).saturating_add(nanos.unwrap_or(0) / 1_000_000)
    }
}
