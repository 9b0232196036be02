//! What every backend must do, as tests that know no backend. The test binary of a backend says how to open a new one and
//! expands [`store_suite`] or one of its siblings to one test per behaviour. [`faulty`] injects faults into any port.
//!
//! Time is a [`ManualClock`]; no test of a suite sleeps.

#![allow(
    clippy::unwrap_used,
    reason = "test code that lives outside cfg(test) so that other crates can run it"
)]

pub mod events;
pub mod fault_plan;
pub mod faulty;
pub mod memory_seal;
pub mod objects;
pub mod samples;
pub mod store;

use std::sync::atomic::{AtomicU64, Ordering};

use reelgate_ports::clock::Clock;

/// A clock that moves only when a test advances or sets it.
#[derive(Debug)]
pub struct ManualClock {
    day_ms: AtomicU64,
    monotonic_ms: AtomicU64,
}

impl Default for ManualClock {
    /// A moment in 2026, so that times look realistic, an hour after the start of the machine.
    fn default() -> Self {
        Self { day_ms: AtomicU64::new(1_780_000_000_000), monotonic_ms: AtomicU64::new(3_600_000) }
    }
}

impl ManualClock {
    /// Lets milliseconds pass.
    pub fn advance_ms(&self, ms: u64) {
        self.day_ms.fetch_add(ms, Ordering::SeqCst);
        self.monotonic_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets the time of day, as an operator or a time server does; no time passes.
    pub fn set_ms(&self, day_ms: u64) {
        self.day_ms.store(day_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.day_ms.load(Ordering::SeqCst)
    }

    fn monotonic_ms(&self) -> u64 {
        self.monotonic_ms.load(Ordering::SeqCst)
    }
}
