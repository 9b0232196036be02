//! The audit log: what triggers set aside is chained in order of its commits, and read.

use reelgate_ports::audit::{Chain, is_audited};
use reelgate_ports::error::{ErrorKind, Port, PortError};
use reelgate_ports::records::{AuditRecord, HistoryRecord};
use sqlx::PgConnection;

use crate::error::{DbResult, db};
use crate::rows::{document, large};
use crate::store::PgStore;
use crate::time::number;
use crate::transact::WriteCall;
use crate::unit::Unit;

const WHAT: &str = "chain the audit log";

/// Chains the lines of up to so many calls; returns how many calls.
pub(crate) struct Seal(pub u32);

impl WriteCall for Seal {
    type Output = u64;

    const WHAT: &'static str = WHAT;

    async fn run(&self, conn: &mut PgConnection, _: &mut Unit) -> DbResult<u64> {
        // One at a time: the chain has one end.
        sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('reelgate audit'))::text AS locked")
            .fetch_one(&mut *conn)
            .await
            .map_err(db(WHAT))?;
        let mut pending = sqlx::query!(
            r#"DELETE FROM audit_pending AS p USING
                   (SELECT number FROM audit_pending ORDER BY number LIMIT $1) AS first
               WHERE p.number = first.number
               RETURNING p.number, p.lines, (SELECT id FROM assets WHERE arrival = p.asset) AS "id?""#,
            i64::from(self.0),
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(db(WHAT))?;
        pending.sort_by_key(|row| row.number);
        let head = sqlx::query!("SELECT number, line FROM audit ORDER BY number DESC LIMIT 1")
            .fetch_optional(&mut *conn)
            .await
            .map_err(db(WHAT))?;
        let mut chain = match head {
            Some(row) => Chain::after(&record(row.number, row.line)?),
            None => Chain::default(),
        };
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        for row in &pending {
            let lines: Vec<HistoryRecord> = document(&row.lines, "audit_pending.lines")?;
            let asset = row.id.as_deref().unwrap_or_default();
            for line in lines.iter().filter(|line| is_audited(line)) {
                let record = chain.add(asset, line);
                let record = record
                    .map_err(|e| PortError::new(Port::Store, ErrorKind::Invalid, WHAT, e.to_string()))?;
                numbers.push(number(record.number));
                texts.push(record.line);
            }
        }
        sqlx::query!(
            "INSERT INTO audit (number, line) SELECT * FROM unnest($1::bigint[], $2::text[])",
            &numbers,
            &texts,
        )
        .execute(conn)
        .await
        .map_err(db(WHAT))?;
        Ok(pending.len() as u64)
    }
}

impl PgStore {
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
