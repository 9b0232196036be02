//! What this node knows about its store without a call: when it answered last, and what it counted then. Requests for
//! readiness and metrics are answered from here, so that a store that hangs delays none of them. Warnings about calls that
//! fail are thinned out here, because during an outage every actor has one every few hundred milliseconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reelgate_ports::error::{ErrorKind, Port, PortError};
use reelgate_ports::store::Backlog;
use tokio::time::Instant;

use crate::meters::Counters;
use crate::thinned::Thinned;

/// See the module.
pub struct StoreSignals {
    failures: Counters,
    known: Mutex<Known>,
    /// When this node last sealed the audit log, or began to.
    sealed: Mutex<Option<Instant>>,
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
    /// Of the last call.
    error: PortError,
}

impl StoreSignals {
    pub(crate) fn new(failures: Counters) -> Self {
        Self { failures, known: Mutex::default(), sealed: Mutex::default() }
    }

    /// A call failed that is tried again.
    pub fn failed(&self, operation: &'static str, error: &PortError) {
        self.failures.with_label_values(&[operation]).inc();
        let now = Instant::now();
        let mut known = self.lock();
        let is_away = matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Full);
        if error.port != Port::Store || !is_away {
            if let Some(failures) = known.failing.entry(operation).or_default().due(now) {
                tracing::warn!(operation, failures, %error, "call failed: it is tried again");
            }
            return;
        }
        let due = known.away.due(now);
        let new = || Outage { since: now, failed: 0, warned: false, error: error.clone() };
        let outage = known.outage.get_or_insert_with(new);
        outage.failed += 1;
        outage.error = error.clone();
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

    /// The error of the last call, if calls have failed since the last answer because the store is away.
    pub fn away(&self) -> Option<PortError> {
        self.lock().outage.as_ref().map(|outage| outage.error.clone())
    }

    /// The audit log was sealed, and the kept seal found in it; or this node begins to seal it.
    pub fn sealed(&self) {
        *self.sealed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// How long ago this node sealed the audit log; `None` before it did.
    pub fn last_seal(&self) -> Option<Duration> {
        let sealed = *self.sealed.lock().unwrap_or_else(PoisonError::into_inner);
        sealed.map(|sealed| sealed.elapsed())
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
