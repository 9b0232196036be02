//! Leases that end without a report, and the operator's redrive and redo.

use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::Fence;
use reelgate_ports::unit::UnitOfWork;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::duplicates;
use super::error::db;
use super::rows;
use super::work::load;

/// Ends the leases that ran out.
pub(super) async fn reap(conn: &mut SqliteConnection, work: &mut UnitOfWork) -> PortResult<u64> {
    let now_ms = i64::try_from(work.now_ms).unwrap_or(i64::MAX);
    let lost = sqlx::query(
        "SELECT id, task, attempts, lease_owner FROM tasks JOIN assets ON arrival = asset
         WHERE lease_owner IS NOT NULL AND lease_until_ms <= ? ORDER BY lease_until_ms",
    )
    .bind(now_ms)
    .fetch_all(&mut *conn)
    .await
    .map_err(db("look for expired leases"))?;
    lose(conn, work, &lost, "its lease ran out").await
}

/// Ends the leases a dead process left under this node's name.
pub(super) async fn reclaim(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    node: &NodeId,
) -> PortResult<u64> {
    let lost = sqlx::query(
        "SELECT id, task, attempts, lease_owner FROM tasks JOIN assets ON arrival = asset WHERE lease_owner = ?",
    )
        .bind(node.as_str())
        .fetch_all(&mut *conn)
        .await
        .map_err(db("look for leases of this node"))?;
    lose(conn, work, &lost, "its node restarted").await
}

async fn lose(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    lost: &[SqliteRow],
    why: &'static str,
) -> PortResult<u64> {
    let mut attempts: Vec<(Fence, NodeId)> = Vec::with_capacity(lost.len());
    for row in lost {
        let owner: String = row.try_get("lease_owner").map_err(db("read a lease"))?;
        let asset = AssetId::new(rows::text(row, "id")?);
        let fence = Fence { asset, task: rows::task_key(row)?, attempt: rows::small(row, "attempts")? };
        attempts.push((fence, NodeId::new(owner)));
    }
    let ids: Vec<AssetId> = attempts.iter().map(|(fence, _)| fence.asset.clone()).collect();
    load(conn, work, &ids).await?;
    let mut ended = 0;
    for (fence, node) in attempts {
        ended += u64::from(work.lose(&fence, &node, why)?);
        duplicates::follow_up(conn, work).await?;
    }
    Ok(ended)
}

/// Does what an operator asks of an asset, in `wish`, with every version of its key loaded.
pub(super) async fn begin_again(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    asset: &AssetId,
    wish: impl FnOnce(&mut UnitOfWork) -> PortResult<()>,
) -> PortResult<()> {
    load(conn, work, std::slice::from_ref(asset)).await?;
    duplicates::load_versions(conn, work, std::slice::from_ref(asset)).await?;
    wish(work)?;
    duplicates::follow_up(conn, work).await
}
