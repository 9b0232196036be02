//! The store's value, and its one write transaction at a time.

use std::path::PathBuf;
use std::sync::Arc;

use reelgate_flow::policy::Policy;
use reelgate_ports::clock::Clock;
use reelgate_ports::error::PortResult;
use reelgate_store::work::{UnitOfWork, Violations};
use sqlx::{Sqlite, SqlitePool, Transaction};

use super::error::db;
use super::queue_clock::{QueueClock, QueueTime};
use super::write::write;

/// The embedded store.
pub struct SqliteStore {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) queue_clock: QueueClock,
    pub(super) violations: Violations,
    pub(super) policy: Arc<Policy>,
    /// The file, if it is only inspected.
    pub(super) inspected: Option<PathBuf>,
}

impl SqliteStore {
    /// The same store, with the policy that answers findings; without it, the default policy does.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy: Arc::new(policy), ..self }
    }

    /// Begins the only write transaction; it is rolled back on drop.
    pub(super) async fn begin(&self) -> PortResult<Transaction<'static, Sqlite>> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(db("begin a transaction"))
    }

    /// Writes what a unit of work changed, and commits.
    pub(super) async fn commit(
        &self,
        mut tx: Transaction<'static, Sqlite>,
        work: UnitOfWork,
        time: QueueTime,
    ) -> PortResult<()> {
        let violations = write(&mut tx, work, time).await?;
        tx.commit().await.map_err(db("commit a transaction"))?;
        self.violations.count(violations);
        Ok(())
    }

    /// An empty unit of work, and its moment by the clock of the queue.
    pub(super) fn work(&self) -> (UnitOfWork, QueueTime) {
        let now_ms = self.clock.now_ms();
        (UnitOfWork::new(now_ms, self.policy.clone()), self.queue_clock.at_day(now_ms))
    }
}
