//! Finds leases to take back.

use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::Fence;
use reelgate_store::session::LostLease;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::error::db;
use super::rows;

/// Leases that have expired.
pub(super) async fn expired(
    conn: &mut SqliteConnection,
    now_ms: u64,
    leases_max: u32,
) -> PortResult<Vec<LostLease>> {
    let found = sqlx::query(
        "SELECT id, task, attempts, lease_owner FROM tasks JOIN assets ON arrival = asset
         WHERE lease_owner IS NOT NULL AND lease_until_ms <= ? ORDER BY lease_until_ms LIMIT ?",
    )
    .bind(i64::try_from(now_ms).unwrap_or(i64::MAX))
    .bind(leases_max)
    .fetch_all(conn)
    .await
    .map_err(db("look for expired leases"))?;
    found.iter().map(lost).collect()
}

/// Leases of this node.
pub(super) async fn of_node(
    conn: &mut SqliteConnection,
    node: &NodeId,
    leases_max: u32,
) -> PortResult<Vec<LostLease>> {
    let found = sqlx::query(
        "SELECT id, task, attempts, lease_owner FROM tasks JOIN assets ON arrival = asset
         WHERE lease_owner = ? ORDER BY asset, task LIMIT ?",
    )
    .bind(node.as_str())
    .bind(leases_max)
    .fetch_all(conn)
    .await
    .map_err(db("look for leases of this node"))?;
    found.iter().map(lost).collect()
}

fn lost(row: &SqliteRow) -> PortResult<LostLease> {
    let asset = AssetId::new(rows::text(row, "id")?);
    let fence = Fence { asset, task: rows::task_key(row)?, attempt: rows::small(row, "attempts")? };
    Ok(LostLease { fence, node: NodeId::new(rows::text(row, "lease_owner")?) })
}
