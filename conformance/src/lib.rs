//! What every backend must do, as tests that know no backend. A backend's test binary names a way to open a
//! fresh one and expands [`store_suite`] and its siblings: one test per behaviour.
//!
//! Time is a [`ManualClock`]; nothing here sleeps.

#![allow(
    clippy::unwrap_used,
    reason = "test code that lives outside cfg(test) so that other crates can run it"
)]

pub mod events;
pub mod fault_plan;
pub mod faulty;
pub mod memory_shards;
pub mod objects;
pub mod store;

use std::sync::atomic::{AtomicU64, Ordering};

use reelgate_ports::clock::Clock;

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl Default for ManualClock {
    /// Some moment in 2026, so that times look like times.
    fn default() -> Self {
        Self(AtomicU64::new(1_780_000_000_000))
    }
}

impl ManualClock {
    /// Moves on.
    pub fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}
