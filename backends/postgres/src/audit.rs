//! The audit log: chains the lines that triggers have queued, in the order of their commits, and reads the chain.

use reelgate_ports::audit::Seal;
use reelgate_ports::records::{AuditRecord, HistoryRecord, NoticeRecord};
use sqlx::{PgConnection, PgExecutor};

use crate::documents::document;
use crate::error::{DbResult, db};
use crate::pg_store::PgStore;
use crate::rows::large;
use crate::time::number;

const WHAT: &str = "chain the audit log";

/// Takes the lines of at most `entries_max` commits in order; one caller at a time, because the chain has one end.
pub(crate) async fn take_unsealed(
    conn: &mut PgConnection,
    entries_max: u32,
) -> DbResult<(u64, Vec<(String, HistoryRecord)>)> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('reelgate audit'))::text AS locked")
        .fetch_one(&mut *conn)
        .await
        .map_err(db(WHAT))?;
    let mut pending = sqlx::query!(
        r#"DELETE FROM audit_pending AS p USING
                   (SELECT number FROM audit_pending ORDER BY number LIMIT $1) AS first
               WHERE p.number = first.number
               RETURNING p.number, p.lines, (SELECT id FROM assets WHERE arrival = p.asset) AS "id?""#,
        i64::from(entries_max),
    )
    .fetch_all(conn)
    .await
    .map_err(db(WHAT))?;
    pending.sort_by_key(|row| row.number);
    let taken = pending.len() as u64;
    let mut unsealed = Vec::new();
    for row in pending {
        let lines: Vec<HistoryRecord> = document(&row.lines, "audit_pending.lines")?;
        let asset = row.id.unwrap_or_default();
        unsealed.extend(lines.into_iter().map(|line| (asset.clone(), line)));
    }
    Ok((taken, unsealed))
}

/// The last record.
pub(crate) async fn head(on: impl PgExecutor<'_>) -> DbResult<Option<AuditRecord>> {
    let head = sqlx::query!("SELECT number, line FROM audit ORDER BY number DESC LIMIT 1")
        .fetch_optional(on)
        .await
        .map_err(db(WHAT))?;
    head.map(|row| record(row.number, row.line)).transpose()
}

/// Adds records to the log.
pub(crate) async fn append(conn: &mut PgConnection, records: &[AuditRecord]) -> DbResult<()> {
    let numbers: Vec<i64> = records.iter().map(|record| number(record.number)).collect();
    let texts: Vec<String> = records.iter().map(|record| record.line.clone()).collect();
    sqlx::query!(
        "INSERT INTO audit (number, line) SELECT * FROM unnest($1::bigint[], $2::text[])",
        &numbers,
        &texts,
    )
    .execute(conn)
    .await
    .map_err(db(WHAT))?;
    Ok(())
}

/// The first record after all announced seals.
pub(crate) async fn first_unannounced(conn: &mut PgConnection) -> DbResult<Option<AuditRecord>> {
    let first = sqlx::query!(
        "SELECT number, line FROM audit WHERE number > (SELECT coalesce(max(records), 0) FROM announced_seals)
         ORDER BY number LIMIT 1"
    )
    .fetch_optional(conn)
    .await
    .map_err(db(WHAT))?;
    first.map(|row| record(row.number, row.line)).transpose()
}

/// Keeps that a seal is announced, and puts its notice into the outbox.
pub(crate) async fn announce(
    conn: &mut PgConnection,
    now_ms: i64,
    seal: &Seal,
    notice: &NoticeRecord,
) -> DbResult<()> {
    sqlx::query!(
        "WITH announced AS (INSERT INTO announced_seals (records, head, at_ms) VALUES ($1, $2, $3::bigint))
         INSERT INTO outbox (id, kind, body, tries, owed_at_ms, due_at_ms)
         VALUES ($4, $5, $6, 0, $3::bigint, $3::bigint)",
        number(seal.records),
        seal.head,
        now_ms,
        notice.id.as_str(),
        notice.kind.as_str(),
        notice.body.to_string(),
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db(WHAT))
}

impl PgStore {
    /// The last record of the log.
    pub(crate) async fn read_audit_end(&self) -> DbResult<Option<AuditRecord>> {
        head(&self.readers).await
    }

    /// The log after a position, in order.
    pub(crate) async fn read_audit(&self, after: u64, records_max: u32) -> DbResult<Vec<AuditRecord>> {
        let rows = sqlx::query!(
            "SELECT number, line FROM audit WHERE number > $1 ORDER BY number LIMIT $2",
            number(after),
            i64::from(records_max),
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db("read the audit log"))?;
        rows.into_iter().map(|row| record(row.number, row.line)).collect()
    }
}

fn record(number: i64, line: String) -> DbResult<AuditRecord> {
    Ok(AuditRecord { number: large(number, "audit.number")?, line })
}
