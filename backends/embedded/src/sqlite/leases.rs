//! Leases that end without a report, and the operator's redrive.

use reelgate_flow::asset::Input;
use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::{PortError, PortResult, Trouble};
use reelgate_ports::telling::By;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::error::db;
use super::rows;
use super::twins;
use super::work::Work;

/// Ends the leases that ran out.
pub(super) async fn reap(conn: &mut SqliteConnection, work: &mut Work) -> PortResult<u64> {
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
pub(super) async fn reclaim(conn: &mut SqliteConnection, work: &mut Work, node: &NodeId) -> PortResult<u64> {
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
    work: &mut Work,
    lost: &[SqliteRow],
    why: &'static str,
) -> PortResult<u64> {
    let mut attempts: Vec<(AssetId, TaskKey, u32, NodeId)> = Vec::with_capacity(lost.len());
    for row in lost {
        let owner: String = row.try_get("lease_owner").map_err(db("read a lease"))?;
        let asset = AssetId::new(rows::text(row, "id")?);
        attempts.push((asset, rows::task_key(row)?, rows::small(row, "attempts")?, NodeId::new(owner)));
    }
    let ids: Vec<AssetId> = attempts.iter().map(|(asset, ..)| asset.clone()).collect();
    work.load(conn, &ids).await?;
    let mut ended = 0;
    for (asset, task, attempt, node) in attempts {
        let fault = Fault::new(Code::WorkerLost, why);
        let by = By { node: Some(&node), usage: None };
        // Stale where another lost task of this batch has just ended the asset: the lease is gone already.
        ended += u64::from(work.step(&asset, Input::Failed { task, attempt, fault }, by)?);
        twins::follow_up(conn, work).await?;
    }
    Ok(ended)
}

/// Gives a failed or rejected asset another try.
pub(super) async fn redrive(conn: &mut SqliteConnection, work: &mut Work, asset: &AssetId) -> PortResult<()> {
    work.load(conn, std::slice::from_ref(asset)).await?;
    let phase = work.at(asset)?.row.core.phase;
    if !work.step(asset, Input::Redrive, By::default())? {
        let detail = format!(
            "expected a failed or rejected asset that was not redriven too often, found it {}",
            phase.as_str()
        );
        return Err(PortError::new(Trouble::Conflict, "redrive asset", detail));
    }
    twins::load_versions(conn, work, std::slice::from_ref(asset)).await?;
    if twins::versions(work, asset)?.iter().any(|other| other.newer) {
        work.step(asset, Input::Superseded, By::default())?;
    }
    twins::follow_up(conn, work).await
}
