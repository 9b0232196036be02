//! Nodes with their reports, and the queue.

use std::collections::BTreeSet;

use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::{NodeRecord, NodeReport, QueueRow};
use sqlx::{SqliteExecutor, SqlitePool};

use super::error::{corrupt, db};
use super::rows::{self, count, text, word};
use super::work::json;

/// Nodes that are silent for longer are no longer listed: a day.
const SILENT_MS_MAX: u64 = 24 * 3_600_000;

/// Which of these assets are known.
pub(super) async fn known<'e>(
    executor: impl SqliteExecutor<'e>,
    assets: &[AssetId],
) -> PortResult<BTreeSet<AssetId>> {
    let ids: Vec<&str> = assets.iter().map(AssetId::as_str).collect();
    let rows =
        sqlx::query_scalar::<_, String>("SELECT id FROM assets WHERE id IN (SELECT value FROM json_each(?))")
            .bind(json(&ids)?)
            .fetch_all(executor)
            .await
            .map_err(db("look for known uploads"))?;
    Ok(rows.into_iter().map(AssetId::new).collect())
}

/// Waiting and leased tasks, oldest first.
pub(super) async fn queue(pool: &SqlitePool, now_ms: u64, rows_max: u32) -> PortResult<Vec<QueueRow>> {
    let rows = sqlx::query(
        "SELECT lane, CASE WHEN task LIKE 'video-%' THEN 'video-00000' ELSE task END AS task, priority, prefix,
                sum(lease_owner IS NULL) AS waiting, sum(lease_owner IS NOT NULL) AS leased,
                max(?1 - min(ready_at_ms), 0) AS oldest_ms
         FROM tasks JOIN assets ON arrival = asset WHERE state = 'ready'
         GROUP BY 1, 2, 3, 4 ORDER BY oldest_ms DESC, 1, 2, 3, 4 LIMIT ?2",
    )
    .bind(i64::try_from(now_ms).unwrap_or(i64::MAX))
    .bind(rows_max)
    .fetch_all(pool)
    .await
    .map_err(db("read the queue"))?;
    let mut queue = Vec::with_capacity(rows.len());
    for row in &rows {
        let task = word(TaskKey::parse, &text(row, "task")?, "tasks.task", "a task key")?;
        queue.push(QueueRow {
            lane: rows::lane(&text(row, "lane")?)?,
            stage: task.stage().to_owned(),
            priority: rows::priority(&text(row, "priority")?)?,
            prefix: text(row, "prefix")?,
            waiting: count(row, "waiting")?,
            leased: count(row, "leased")?,
            oldest_ms: count(row, "oldest_ms")?,
        });
    }
    Ok(queue)
}

/// Records the report of a node; returns whether it was ordered to drain.
pub(super) async fn seen(pool: &SqlitePool, now_ms: u64, report: &NodeReport) -> PortResult<bool> {
    let what = "record a node";
    let orders: Vec<bool> = sqlx::query_scalar(
        "INSERT INTO nodes (node, report, first_seen_at_ms, seen_at_ms, drain_ordered)
         VALUES (?1, ?2, ?3, ?3, 0)
         ON CONFLICT (node) DO UPDATE SET report = excluded.report, seen_at_ms = excluded.seen_at_ms
         RETURNING drain_ordered",
    )
    .bind(report.node.as_str())
    .bind(json(report)?)
    .bind(i64::try_from(now_ms).unwrap_or(i64::MAX))
    // To the end: the commit comes after the last row, and may fail.
    .fetch_all(pool)
    .await
    .map_err(db(what))?;
    orders.first().copied().ok_or_else(|| db(what)(sqlx::Error::RowNotFound))
}

/// Nodes seen within the last day.
pub(super) async fn nodes(pool: &SqlitePool, now_ms: u64) -> PortResult<Vec<NodeRecord>> {
    let since = now_ms.saturating_sub(SILENT_MS_MAX);
    let rows = sqlx::query("SELECT * FROM nodes WHERE seen_at_ms >= ? ORDER BY node")
        .bind(i64::try_from(since).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await
        .map_err(db("read nodes"))?;
    let mut nodes = Vec::with_capacity(rows.len());
    for row in &rows {
        let report = serde_json::from_str(&text(row, "report")?);
        nodes.push(NodeRecord {
            report: report.map_err(|_| corrupt("nodes.report", "a node's report"))?,
            first_seen_ms: count(row, "first_seen_at_ms")?,
            silent_ms: now_ms.saturating_sub(count(row, "seen_at_ms")?),
            drain_ordered: rows::get(row, "drain_ordered")?,
        });
    }
    Ok(nodes)
}

/// Orders a node to drain, or cancels the order.
pub(super) async fn order_drain(pool: &SqlitePool, node: &NodeId, drain: bool) -> PortResult<()> {
    let what = "order a node to drain";
    let changed = sqlx::query("UPDATE nodes SET drain_ordered = ? WHERE node = ?")
        .bind(drain)
        .bind(node.as_str())
        .execute(pool)
        .await
        .map_err(db(what))?;
    if changed.rows_affected() == 1 {
        return Ok(());
    }
    Err(PortError::new(
        Port::Store,
        ErrorKind::Missing,
        what,
        format!("no node {node}; `reelgate fleet status` shows them"),
    ))
}
