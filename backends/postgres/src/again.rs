//! Calls that are tried again after their connection broke: how often, and with what waits between the tries.

use std::time::Duration;

use crate::pg_store::PgStore;

/// A call that failed this often returns its error.
pub(crate) const TRIES_MAX: u32 = 8;
/// Longest time between two tries; the first waits are shorter.
pub(crate) const PAUSE_MAX: Duration = Duration::from_millis(400);

/// Repeats a call, a few times, while its connection breaks: for calls that are safe to do twice.
macro_rules! again {
    ($store:expr, $call:expr) => {{
        let mut tries = 1;
        loop {
            match $call.await {
                Err(error) if error.is_passing() && tries < $crate::again::TRIES_MAX => {
                    tokio::time::sleep($store.pause(tries)).await;
                    tries += 1;
                }
                answer => break answer,
            }
        }
    }};
}
pub(crate) use again;

impl PgStore {
    /// How long to wait before the next try.
    pub(crate) fn pause(&self, tries: u32) -> Duration {
        self.jitter.spread(PAUSE_MAX.min(Duration::from_millis(5 << tries.min(10))))
    }
}
