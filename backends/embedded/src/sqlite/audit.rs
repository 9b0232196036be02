//! The audit log: lines that triggers have queued are taken in order and chained by the service; the chain is read here.

use reelgate_ports::audit::Seal;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{AuditRecord, HistoryRecord};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqliteExecutor, SqlitePool};

use super::error::{corrupt, db};
use super::rows::{count, get, text};
use super::work::json;

const WHAT: &str = "chain the audit log";

/// Takes at most `entries_max` lines that wait for the log, in order.
pub(super) async fn take_unsealed(
    conn: &mut SqliteConnection,
    entries_max: u32,
) -> PortResult<(u64, Vec<(String, HistoryRecord)>)> {
    let pending = sqlx::query("SELECT * FROM audit_pending ORDER BY number LIMIT ?")
        .bind(entries_max)
        .fetch_all(&mut *conn)
        .await
        .map_err(db(WHAT))?;
    let Some(last) = pending.last() else { return Ok((0, Vec::new())) };
    sqlx::query("DELETE FROM audit_pending WHERE number <= ?")
        .bind(get::<i64>(last, "number")?)
        .execute(conn)
        .await
        .map_err(db(WHAT))?;
    let mut lines = Vec::with_capacity(pending.len());
    for row in &pending {
        let line: HistoryRecord = serde_json::from_str(&text(row, "line")?)
            .map_err(|_| corrupt("audit_pending.line", "a line of history"))?;
        lines.push((text(row, "asset")?, line));
    }
    Ok((pending.len() as u64, lines))
}

/// The last record.
pub(super) async fn head(on: impl SqliteExecutor<'_>) -> PortResult<Option<AuditRecord>> {
    let head = sqlx::query("SELECT * FROM audit ORDER BY number DESC LIMIT 1")
        .fetch_optional(on)
        .await
        .map_err(db(WHAT))?;
    head.map(|row| record(&row)).transpose()
}

/// Adds records to the log.
pub(super) async fn append(conn: &mut SqliteConnection, records: &[AuditRecord]) -> PortResult<()> {
    let rows: Vec<_> = records.iter().map(|record| (record.number, &record.line)).collect();
    sqlx::query("INSERT INTO audit (number, line) SELECT value ->> 0, value ->> 1 FROM json_each(?)")
        .bind(json(&rows)?)
        .execute(conn)
        .await
        .map_err(db(WHAT))?;
    Ok(())
}

/// The first record after all announced seals.
pub(super) async fn first_unannounced(conn: &mut SqliteConnection) -> PortResult<Option<AuditRecord>> {
    let first = sqlx::query(
        "SELECT * FROM audit WHERE number > (SELECT coalesce(max(records), 0) FROM announced_seals)
         ORDER BY number LIMIT 1",
    )
    .fetch_optional(conn)
    .await
    .map_err(db(WHAT))?;
    first.map(|row| record(&row)).transpose()
}

/// Keeps that a seal is announced.
pub(super) async fn keep_announced(conn: &mut SqliteConnection, seal: &Seal, now_ms: u64) -> PortResult<()> {
    sqlx::query("INSERT INTO announced_seals (records, head, at_ms) VALUES (?, ?, ?)")
        .bind(i64::try_from(seal.records).unwrap_or(i64::MAX))
        .bind(&seal.head)
        .bind(i64::try_from(now_ms).unwrap_or(i64::MAX))
        .execute(conn)
        .await
        .map(drop)
        .map_err(db(WHAT))
}

/// The log after a position, in order.
pub(super) async fn read(pool: &SqlitePool, after: u64, records_max: u32) -> PortResult<Vec<AuditRecord>> {
    let rows = sqlx::query("SELECT * FROM audit WHERE number > ? ORDER BY number LIMIT ?")
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(records_max)
        .fetch_all(pool)
        .await
        .map_err(db("read the audit log"))?;
    rows.iter().map(record).collect()
}

fn record(row: &SqliteRow) -> PortResult<AuditRecord> {
    Ok(AuditRecord { number: count(row, "number")?, line: text(row, "line")? })
}
