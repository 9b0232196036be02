//! What this node knows about its store without a call: when it answered last, and what it counted then. Requests for
//! readiness and metrics are answered from here, so that a store that hangs delays none of them. Warnings about calls that
//! fail are thinned out here, because during an outage every actor has one every few hundred milliseconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::IntCounterVec;
use reelgate_ports::error::{ErrorKind, Port, PortError};
use reelgate_ports::store::Backlog;
use tokio::time::Instant;

/// Between two warnings of the same kind.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

/// See the module.
pub struct StoreSignals {
    failures: IntCounterVec,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    answered: Option<Instant>,
    backlog: Option<Backlog>,
    outage: Option<Outage>,
    away: Thinned,
    /// Other failures than an outage, by operation.
    failing: BTreeMap<&'static str, Thinned>,
}

/// The time since which calls fail because the store is away.
struct Outage {
    since: Instant,
    failed: u64,
    warned: bool,
}

/// Warnings of one kind: the first is due at once, and then at most one in [`WARN_INTERVAL`].
#[derive(Default)]
struct Thinned {
    warned: Option<Instant>,
    left_out: u64,
}

impl Thinned {
    /// Counts a failure. Returns how many failures a warning now stands for, or `None` if none is due.
    fn due(&mut self, now: Instant) -> Option<u64> {
        self.left_out += 1;
        if self.warned.is_some_and(|warned| now.saturating_duration_since(warned) < WARN_INTERVAL) {
            return None;
        }
        self.warned = Some(now);
        Some(std::mem::take(&mut self.left_out))
    }
}

impl StoreSignals {
    pub(crate) fn new(failures: IntCounterVec) -> Self {
        Self { failures, known: Mutex::default() }
    }

    /// A call failed that is tried again.
    pub(crate) fn failed(&self, operation: &'static str, error: &PortError) {
        self.failures.with_label_values(&[operation]).inc();
        let now = Instant::now();
        let mut known = self.lock();
        if error.port != Port::Store || error.kind != ErrorKind::Unavailable {
            if let Some(failures) = known.failing.entry(operation).or_default().due(now) {
                tracing::warn!(operation, failures, %error, "call failed: it is tried again");
            }
            return;
        }
        let due = known.away.due(now);
        let outage = known.outage.get_or_insert(Outage { since: now, failed: 0, warned: false });
        outage.failed += 1;
        if let Some(failures) = due {
            outage.warned = true;
            tracing::warn!(operation, failures, %error, "store away: its calls are tried again until it answers");
        }
    }

    /// The store has answered the regular report of this node.
    pub fn answered(&self) {
        let now = Instant::now();
        let mut known = self.lock();
        known.answered = Some(now);
        if let Some(outage) = known.outage.take()
            && outage.warned
        {
            let seconds = now.saturating_duration_since(outage.since).as_secs();
            tracing::warn!(seconds, failures = outage.failed, "store answers again");
        }
    }

    /// How long ago the store answered last; `None` before its first answer.
    pub fn last_answer(&self) -> Option<Duration> {
        self.lock().answered.map(|answered| answered.elapsed())
    }

    /// The store has counted its work.
    pub fn counted(&self, backlog: Backlog) {
        self.lock().backlog = Some(backlog);
    }

    /// What the store counted last.
    pub fn backlog(&self) -> Option<Backlog> {
        self.lock().backlog.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Each change leaves complete values behind, and nothing is decided from them.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_warning_is_due_at_once_and_then_one_a_minute_with_the_number_of_failures() {
        let (mut thinned, begin) = (Thinned::default(), Instant::now());
        let due: Vec<(u64, u64)> = (0..=180)
            .filter_map(|second| Some((second, thinned.due(begin + Duration::from_secs(second))?)))
            .collect();
        assert_eq!(due, [(0, 1), (60, 60), (120, 60), (180, 60)]);
    }
}
