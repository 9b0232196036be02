//! The store's value: its connections, and what it remembers between calls.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex};

use reelgate_flow::policy::Policy;
use reelgate_store::work::Violations;
use sqlx::postgres::PgPool;

use crate::cursor::Cursor;
use crate::listen::NotifyListener;
use crate::outbox_position::OutboxPosition;
use crate::rate_limit::{Jitter, RateLimit};
use crate::time::Time;

/// The store on PostgreSQL.
pub struct PgStore {
    /// For work.
    pub(crate) writers: PgPool,
    /// For questions; to the writer too.
    pub(crate) readers: PgPool,
    pub(crate) time: Time,
    pub(crate) notify_listener: NotifyListener,
    pub(crate) cursor: Cursor,
    pub(crate) jitter: Jitter,
    pub(crate) violations: Violations,
    pub(crate) policy: Arc<Policy>,
    pub(crate) woke: RateLimit,
    /// The database's time when waiting tasks were last looked at, milliseconds.
    pub(crate) woke_ms: AtomicU64,
    /// By receiver, '' for what is not addressed.
    pub(crate) outbox_positions: Mutex<BTreeMap<String, Arc<OutboxPosition>>>,
    pub(crate) leases_looked: RateLimit,
    pub(crate) leases_from: AtomicI64,
    pub(crate) claims_looked: RateLimit,
    pub(crate) maintained: RateLimit,
}

impl PgStore {
    /// The same store, with the policy that answers findings; without it, the default policy does.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy: Arc::new(policy), ..self }
    }
}

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore").field("time", &self.time).finish_non_exhaustive()
    }
}
