//! The clock of the queue: by it leases end, tasks and notices become due, and uploads queue. It never jumps, so whoever
//! sets the clock of the machine, a lease lasts as long as it was meant to last, and nothing waits for longer.
//!
//! It is the monotonic clock of the kernel and an offset that makes the time of day of it. The first process after the
//! machine's start chooses the offset and stores it, so that all processes that use the file have the same clock. Times that
//! people read (history, notices, decisions) stay with the time of day.

use std::sync::Arc;

use reelgate_ports::clock::Clock;
use reelgate_ports::error::PortResult;
use sqlx::{SqliteConnection, SqlitePool};

use super::error::db;
use super::rows::{get, text};

const OPERATION: &str = "set the clock of the queue";

/// See the module.
pub(super) struct QueueClock {
    clock: Arc<dyn Clock>,
    offset_ms: i64,
}

/// One moment by the clock of the queue and by the time of day.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueueTime {
    /// By the clock of the queue, milliseconds.
    pub now_ms: u64,
    /// By how much that is more than the time of day.
    ahead_ms: i64,
}

impl QueueTime {
    /// A time of day by the clock of the queue.
    pub fn of_day(self, at_ms: u64) -> u64 {
        at_ms.saturating_add_signed(self.ahead_ms)
    }

    /// A time by the clock of the queue as time of day.
    pub fn to_day(self, at_ms: u64) -> u64 {
        at_ms.saturating_add_signed(self.ahead_ms.saturating_neg())
    }
}

impl QueueClock {
    /// A clock of this process alone.
    pub fn unshared(clock: Arc<dyn Clock>) -> Self {
        let offset_ms = signed(clock.now_ms()) - signed(clock.monotonic_ms());
        Self { clock, offset_ms }
    }

    /// The clock of the processes that use the file, since this start of the machine (`boot`).
    pub async fn shared(writer: &SqlitePool, clock: Arc<dyn Clock>, boot: &str) -> PortResult<Self> {
        let mut connection = writer.acquire().await.map_err(db(OPERATION))?;
        if let Some((of, offset_ms)) = stored(&mut connection).await?
            && of == boot
        {
            return Ok(Self { clock, offset_ms });
        }
        drop(connection);
        let own = Self::unshared(clock);
        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(db(OPERATION))?;
        // Another process may have been faster.
        let offset_ms = match stored(&mut tx).await? {
            Some((of, offset_ms)) if of == boot => offset_ms,
            before => {
                sqlx::query("INSERT INTO queue_clock VALUES (0, ?1, ?2) ON CONFLICT (id) DO UPDATE SET boot = ?1, offset_ms = ?2")
                    .bind(boot)
                    .bind(own.offset_ms)
                    .execute(&mut *tx)
                    .await
                    .map_err(db(OPERATION))?;
                if before.is_some() {
                    make_due(&mut tx, own.now_ms()).await?;
                }
                own.offset_ms
            }
        };
        tx.commit().await.map_err(db(OPERATION))?;
        Ok(Self { offset_ms, ..own })
    }

    /// The time by this clock.
    pub fn now_ms(&self) -> u64 {
        self.clock.monotonic_ms().saturating_add_signed(self.offset_ms)
    }

    /// The time by this clock, and what that is as the time of day.
    pub fn at_day(&self, now_ms: u64) -> QueueTime {
        let own_ms = self.now_ms();
        QueueTime { now_ms: own_ms, ahead_ms: signed(own_ms) - signed(now_ms) }
    }
}

async fn stored(connection: &mut SqliteConnection) -> PortResult<Option<(String, i64)>> {
    let row = sqlx::query("SELECT boot, offset_ms FROM queue_clock")
        .fetch_optional(connection)
        .await
        .map_err(db(OPERATION))?;
    row.map(|row| Ok((text(&row, "boot")?, get(&row, "offset_ms")?))).transpose()
}

/// After a start of the machine no lease has an owner that lives. How long tasks and notices were still to wait is not
/// known, because the time of day may have been set since; so they are due.
async fn make_due(connection: &mut SqliteConnection, now_ms: u64) -> PortResult<()> {
    for statement in [
        "UPDATE tasks SET lease_until_ms = ?1 WHERE lease_owner IS NOT NULL AND lease_until_ms > ?1",
        "UPDATE tasks SET ready_at_ms = ?1 WHERE state = 'ready' AND lease_owner IS NULL AND ready_at_ms > ?1",
        "UPDATE outbox SET due_at_ms = ?1 WHERE due_at_ms > ?1",
    ] {
        sqlx::query(statement).bind(signed(now_ms)).execute(&mut *connection).await.map_err(db(OPERATION))?;
    }
    Ok(())
}

/// Which start of the machine this is; `None` where the kernel does not say.
pub(super) fn boot() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(boot.trim().to_owned())
}

fn signed(time_ms: u64) -> i64 {
    i64::try_from(time_ms).unwrap_or(i64::MAX)
}
