//! Nodes with their reports, and the queue.

use reelgate_flow::ids::NodeId;
use reelgate_ports::error::{ErrorKind, Port, PortError};
use reelgate_ports::records::{NodeRecord, NodeReport, QueueRow};

use crate::claim::lane_of;
use crate::documents::{document, json};
use crate::error::{DbResult, db};
use crate::pg_store::PgStore;
use crate::rows::{large, priority, task_key, urgency};

/// Nodes that are silent for longer are no longer listed, milliseconds: a day.
const SILENT_MS_MAX: i64 = 24 * 3_600_000;

impl PgStore {
    /// Waiting and leased tasks, oldest first.
    pub(crate) async fn read_queue(&self, rows_max: u32) -> DbResult<Vec<QueueRow>> {
        let rows = sqlx::query!(
            r#"SELECT q.urgency AS "urgency!", q.kind AS "kind!", a.priority, a.prefix,
                      count(*) FILTER (WHERE NOT q.leased) AS "waiting!", count(*) FILTER (WHERE q.leased) AS "leased!",
                      greatest(coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
                          - min(q.ready_at_ms), 0) AS "oldest_ms!"
               FROM (SELECT asset, urgency, ready_at_ms, lease_owner IS NOT NULL AS leased,
                            CASE WHEN task LIKE 'video-%' THEN 'video-00000' ELSE task END AS kind FROM open_tasks) AS q
               JOIN assets AS a ON a.arrival = q.asset
               GROUP BY q.urgency, q.kind, a.priority, a.prefix
               ORDER BY 7 DESC, q.urgency, q.kind, a.priority, a.prefix LIMIT $2"#,
            self.time.given(),
            i64::from(rows_max),
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db("read the queue"))?;
        let mut queue = Vec::with_capacity(rows.len());
        for row in rows {
            queue.push(QueueRow {
                lane: lane_of(urgency(row.urgency)?),
                stage: task_key(&row.kind)?.stage().to_owned(),
                priority: priority(&row.priority)?,
                prefix: row.prefix,
                waiting: large(row.waiting, "a count")?,
                leased: large(row.leased, "a count")?,
                oldest_ms: large(row.oldest_ms, "an age")?,
            });
        }
        Ok(queue)
    }

    /// Records the report of a node; returns whether it was ordered to drain.
    pub(crate) async fn record_node(&self, report: &NodeReport) -> DbResult<bool> {
        sqlx::query_scalar!(
            "WITH clock AS MATERIALIZED (
                 SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS ms
             )
             INSERT INTO nodes (node, report, first_seen_at_ms, seen_at_ms, drain_ordered)
             SELECT $2, $3, ms, ms, false FROM clock
             ON CONFLICT (node) DO UPDATE SET report = excluded.report, seen_at_ms = excluded.seen_at_ms
             RETURNING drain_ordered",
            self.time.given(),
            report.node.as_str(),
            json(report)?,
        )
        .fetch_one(&self.writers)
        .await
        .map_err(db("record a node"))
    }

    /// Nodes seen within the last day.
    pub(crate) async fn read_nodes(&self) -> DbResult<Vec<NodeRecord>> {
        let rows = sqlx::query!(
            r#"WITH clock AS MATERIALIZED (
                   SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS ms
               )
               SELECT report, first_seen_at_ms, greatest(ms - seen_at_ms, 0) AS "silent_ms!", drain_ordered
               FROM nodes, clock WHERE seen_at_ms >= ms - $2 ORDER BY node"#,
            self.time.given(),
            SILENT_MS_MAX,
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db("read nodes"))?;
        let mut nodes = Vec::with_capacity(rows.len());
        for row in rows {
            nodes.push(NodeRecord {
                report: document(&row.report, "nodes.report")?,
                first_seen_ms: large(row.first_seen_at_ms, "nodes.first_seen_at_ms")?,
                silent_ms: large(row.silent_ms, "nodes.seen_at_ms")?,
                drain_ordered: row.drain_ordered,
            });
        }
        Ok(nodes)
    }

    /// Orders a node to drain, or cancels the order.
    pub(crate) async fn set_drain(&self, node: &NodeId, drain: bool) -> DbResult<()> {
        let what = "order a node to drain";
        let changed =
            sqlx::query!("UPDATE nodes SET drain_ordered = $1 WHERE node = $2", drain, node.as_str())
                .execute(&self.writers)
                .await
                .map_err(db(what))?;
        if changed.rows_affected() == 1 {
            return Ok(());
        }
        let detail = format!("no node {node}; `reelgate fleet status` shows them");
        Err(PortError::new(Port::Store, ErrorKind::Missing, what, detail).into())
    }
}
