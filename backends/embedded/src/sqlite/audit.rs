//! The audit log: what triggers set aside is chained in order, and read.

use reelgate_ports::audit::Chain;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::{AuditRecord, HistoryRecord};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use super::error::{corrupt, db};
use super::rows::{count, get, text};
use super::work::json;

/// Chains up to `records_max` lines; returns how many.
pub(super) async fn seal(conn: &mut SqliteConnection, records_max: u32) -> PortResult<u64> {
    let what = "chain the audit log";
    let pending = sqlx::query("SELECT * FROM audit_pending ORDER BY number LIMIT ?")
        .bind(records_max)
        .fetch_all(&mut *conn)
        .await
        .map_err(db(what))?;
    let Some(last) = pending.last() else { return Ok(0) };
    let until: i64 = get(last, "number")?;
    let head = sqlx::query("SELECT * FROM audit ORDER BY number DESC LIMIT 1")
        .fetch_optional(&mut *conn)
        .await
        .map_err(db(what))?;
    let mut chain =
        head.map(|row| record(&row)).transpose()?.map_or_else(Chain::default, |r| Chain::after(&r));
    let mut rows = Vec::with_capacity(pending.len());
    for row in &pending {
        let line: HistoryRecord = serde_json::from_str(&text(row, "line")?)
            .map_err(|_| corrupt("audit_pending.line", "a line of history"))?;
        let record = chain.add(&text(row, "asset")?, &line);
        let record = record
            .map_err(|error| PortError::new(Port::Store, ErrorKind::Invalid, what, error.to_string()))?;
        rows.push((record.number, record.line));
    }
    sqlx::query("INSERT INTO audit (number, line) SELECT value ->> 0, value ->> 1 FROM json_each(?)")
        .bind(json(&rows)?)
        .execute(&mut *conn)
        .await
        .map_err(db(what))?;
    sqlx::query("DELETE FROM audit_pending WHERE number <= ?")
        .bind(until)
        .execute(conn)
        .await
        .map_err(db(what))?;
    Ok(rows.len() as u64)
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
