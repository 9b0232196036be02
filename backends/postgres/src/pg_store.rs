//! The store's value: its connections, and what it remembers between calls.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64};

use reelgate_store::work::Violations;
use sqlx::postgres::PgPool;

use crate::cursor::Cursor;
use crate::listen::NotifyListener;
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
    pub(crate) woke: RateLimit,
    /// The database's time when waiting tasks were last looked at, milliseconds.
    pub(crate) woke_ms: AtomicU64,
    pub(crate) outbox_looked: RateLimit,
    pub(crate) outbox_from: AtomicI64,
    pub(crate) leases_looked: RateLimit,
    pub(crate) leases_from: AtomicI64,
    pub(crate) claims_looked: RateLimit,
    pub(crate) maintained: RateLimit,
}

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore").field("time", &self.time).finish_non_exhaustive()
    }
}
