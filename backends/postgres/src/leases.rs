//! Leases: extended by their owners, and found once they have expired.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::Fence;
use reelgate_store::session::LostLease;
use sqlx::PgConnection;

use crate::documents::document;
use crate::error::{DbResult, db};
use crate::pg_store::PgStore;
use crate::pooled_connection::PooledConnection;
use crate::rows::{small, task_key};
use crate::time::{count, number};

impl PgStore {
    /// Extends the leases that this node still owns; returns the fences of those it has lost.
    pub(crate) async fn extend(
        &self,
        node: &NodeId,
        fences: &[Fence],
        lease_ms: u64,
    ) -> DbResult<Vec<Fence>> {
        if fences.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = fences.iter().map(|fence| fence.asset.as_str().to_owned()).collect();
        let tasks: Vec<String> = fences.iter().map(|fence| fence.task.text()).collect();
        let attempts: Vec<i32> =
            fences.iter().map(|fence| i32::try_from(fence.attempt).unwrap_or(i32::MAX)).collect();
        let mut conn = PooledConnection::of(&self.writers, "extend leases").await?;
        let held = sqlx::query!(
            r#"WITH held AS MATERIALIZED (
                   SELECT t.asset, t.task, a.id
                   FROM unnest($1::text[], $2::text[], $3::integer[]) AS f (id, task, attempt)
                   JOIN assets AS a ON a.id = f.id
                   JOIN open_tasks AS t ON t.asset = a.arrival AND t.task = f.task
                   WHERE t.attempts = f.attempt AND t.lease_owner = $4
                   ORDER BY t.asset, t.task FOR UPDATE OF t
               )
               UPDATE open_tasks SET lease_until_ms =
                   coalesce($5::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) + $6
               FROM held WHERE open_tasks.asset = held.asset AND open_tasks.task = held.task
               RETURNING held.id, open_tasks.task, open_tasks.attempts"#,
            &ids,
            &tasks,
            &attempts,
            node.as_str(),
            self.time.given(),
            number(lease_ms),
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(db("extend leases"));
        let held = conn.keep_or_drop(held)?;
        let mut kept = BTreeSet::new();
        for row in held {
            kept.insert(Fence {
                asset: AssetId::new(row.id),
                task: task_key(&row.task)?,
                attempt: small(row.attempts, "tasks.attempts")?,
            });
        }
        Ok(fences.iter().filter(|fence| !kept.contains(*fence)).cloned().collect())
    }

    /// Expired leases are looked for from this time on; `None` is from the beginning, which happens regularly.
    pub(crate) fn expired_after(&self) -> Option<u64> {
        let from = self.leases_from.load(Ordering::Relaxed);
        (!self.leases_looked.is_due() && from > i64::MIN).then(|| count(from))
    }
}

struct Row {
    id: String,
    task: String,
    attempts: i32,
    lease_owner: Option<String>,
    claimed_at_ms: Option<i64>,
    report: Option<String>,
}

impl Row {
    fn read(self) -> PortResult<LostLease> {
        let attempt = small(self.attempts, "tasks.attempts")?;
        let fence = Fence { asset: AssetId::new(self.id), task: task_key(&self.task)?, attempt };
        let report = self.report.as_deref().map(|report| document(report, "nodes.report"));
        Ok(LostLease {
            fence,
            node: NodeId::new(self.lease_owner.unwrap_or_default()),
            claimed_ms: count(self.claimed_at_ms.unwrap_or_default()),
            node_report: report.transpose()?,
        })
    }
}

/// Leases that expired after `from` and up to now.
pub(crate) async fn expired(
    conn: &mut PgConnection,
    from: i64,
    now_ms: i64,
    leases_max: u32,
) -> DbResult<Vec<LostLease>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT a.id, t.task, t.attempts, t.lease_owner, t.claimed_at_ms, n.report AS "report?"
         FROM open_tasks AS t JOIN assets AS a ON a.arrival = t.asset LEFT JOIN nodes AS n ON n.node = t.lease_owner
         WHERE t.lease_owner IS NOT NULL AND t.lease_until_ms > $1 AND t.lease_until_ms <= $2
         ORDER BY t.lease_until_ms LIMIT $3"#,
        from,
        now_ms,
        i64::from(leases_max),
    )
    .fetch_all(conn)
    .await
    .map_err(db("look for expired leases"))?;
    Ok(rows.into_iter().map(Row::read).collect::<PortResult<_>>()?)
}

/// Leases of this node.
pub(crate) async fn of_node(
    conn: &mut PgConnection,
    node: &NodeId,
    leases_max: u32,
) -> DbResult<Vec<LostLease>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT a.id, t.task, t.attempts, t.lease_owner, t.claimed_at_ms, n.report AS "report?"
         FROM open_tasks AS t JOIN assets AS a ON a.arrival = t.asset LEFT JOIN nodes AS n ON n.node = t.lease_owner
         WHERE t.lease_owner = $1 ORDER BY t.asset, t.task LIMIT $2"#,
        node.as_str(),
        i64::from(leases_max),
    )
    .fetch_all(conn)
    .await
    .map_err(db("look for leases of this node"))?;
    Ok(rows.into_iter().map(Row::read).collect::<PortResult<_>>()?)
}
