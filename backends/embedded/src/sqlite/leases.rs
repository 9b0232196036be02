//! Finds leases to take back.

use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::Fence;
use reelgate_store::session::LostLease;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::error::{corrupt, db};
use super::rows;

/// Leases, with the time of the claim and what their node reported last.
macro_rules! leases {
    ($which:literal) => {
        concat!(
            "SELECT id, t.task, attempts, lease_owner, report,
                    (SELECT max(at_ms) FROM history AS h WHERE h.asset = t.asset AND h.task = t.task
                         AND h.attempt = t.attempts AND h.event = 'claimed') AS claimed_at_ms
             FROM tasks AS t JOIN assets ON arrival = t.asset LEFT JOIN nodes ON node = lease_owner
             WHERE ",
            $which
        )
    };
}

/// Leases that have expired.
pub(super) async fn expired(
    conn: &mut SqliteConnection,
    now_ms: u64,
    leases_max: u32,
) -> PortResult<Vec<LostLease>> {
    let found = sqlx::query(leases!(
        "lease_owner IS NOT NULL AND lease_until_ms <= ? ORDER BY lease_until_ms LIMIT ?"
    ))
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
    let found = sqlx::query(leases!("lease_owner = ? ORDER BY t.asset, t.task LIMIT ?"))
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
    let report: Option<String> = rows::get(row, "report")?;
    let report = report.map(|report| serde_json::from_str(&report)).transpose();
    Ok(LostLease {
        fence,
        node: NodeId::new(rows::text(row, "lease_owner")?),
        claimed_ms: rows::count(row, "claimed_at_ms")?,
        node_report: report.map_err(|_| corrupt("nodes.report", "a node's report"))?,
    })
}
