//! Leasing due tasks: the attempt is counted in the statement that leases, before any work starts.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{Claim, Fence, HistoryEvent, HistoryRecord};
use reelgate_store::history_lines;
use reelgate_store::work::UnitOfWork;
use sqlx::SqliteConnection;

use super::error::{corrupt, db};
use super::work::json;
use super::{jobs, rows};

/// Leases the most urgent kind first, then by the queue position of their assets, so that started work is finished first.
///
/// A task whose lease has expired is not claimable before the reaper has counted the lost attempt.
pub(super) async fn claim(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    queue_now_ms: u64,
    node: &NodeId,
    lane: Lane,
    tasks_max: u16,
    lease_ms: u64,
) -> PortResult<Vec<Claim>> {
    let what = "claim tasks";
    let leased = sqlx::query(
        "UPDATE tasks SET attempts = attempts + 1, lease_owner = ?1, lease_until_ms = ?2
         FROM (SELECT asset AS a, task AS t FROM tasks
               WHERE state = 'ready' AND lease_owner IS NULL AND lane = ?3 AND ready_at_ms <= ?4
                   AND NOT EXISTS (SELECT 1 FROM lane_pauses WHERE lane_pauses.lane = ?3)
               ORDER BY urgency, queue_position, asset, task LIMIT ?5)
         WHERE asset = a AND task = t
         RETURNING asset, task, attempts, urgency, queue_position",
    )
    .bind(node.as_str())
    .bind(at(queue_now_ms.saturating_add(lease_ms)))
    .bind(lane.as_str())
    .bind(at(queue_now_ms))
    .bind(i64::from(tasks_max))
    .fetch_all(&mut *conn)
    .await
    .map_err(db(what))?;
    let mut due = Vec::with_capacity(leased.len());
    for row in &leased {
        let order: (i64, i64) = (rows::get(row, "urgency")?, rows::get(row, "queue_position")?);
        let arrival: i64 = rows::get(row, "asset")?;
        due.push((order, arrival, rows::task_key(row)?, rows::small::<u32>(row, "attempts")?));
    }
    if due.is_empty() {
        return Ok(Vec::new());
    }
    // An updating statement returns its rows in no order.
    due.sort();
    let due: Vec<_> = due.into_iter().map(|(_, arrival, task, attempt)| (arrival, task, attempt)).collect();
    let assets = load_rows(conn, work, &due).await?;
    let tasks: Vec<_> = due.iter().map(|(arrival, task, _)| (*arrival, *task)).collect();
    let mut jobs = jobs::read(conn, &tasks).await?;
    let mut claims = Vec::with_capacity(due.len());
    for (arrival, task, attempt) in due {
        let asset = assets.get(&arrival).ok_or_else(|| corrupt("tasks.asset", "a known asset"))?.clone();
        let job = jobs.remove(&(arrival, task));
        claims.push(Claim { job, ..claimed(work, node, Fence { asset, task, attempt }, lease_ms)? });
    }
    Ok(claims)
}

/// Loads the assets' rows without their tasks, because no asset changes state here.
async fn load_rows(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    due: &[(i64, TaskKey, u32)],
) -> PortResult<BTreeMap<i64, AssetId>> {
    let arrivals: BTreeSet<i64> = due.iter().map(|(arrival, ..)| *arrival).collect();
    let rows = sqlx::query("SELECT * FROM assets WHERE arrival IN (SELECT value FROM json_each(?))")
        .bind(json(&arrivals)?)
        .fetch_all(conn)
        .await
        .map_err(db("load the assets of claimed tasks"))?;
    let mut assets = BTreeMap::new();
    for row in &rows {
        let row = rows::asset(row)?;
        assets.insert(row.arrival, row.id.clone());
        work.add(row);
    }
    Ok(assets)
}

fn claimed(work: &mut UnitOfWork, node: &NodeId, fence: Fence, lease_ms: u64) -> PortResult<Claim> {
    let line = HistoryRecord {
        task: Some(fence.task),
        attempt: Some(fence.attempt),
        node: Some(node.clone()),
        ..history_lines::line(work.now_ms, HistoryEvent::Claimed, "")
    };
    work.note(&fence.asset, line)?;
    let row = &work.at(&fence.asset)?.row;
    let exit = row.core.exit.filter(|_| fence.task == TaskKey::Withdraw);
    let keeps_outputs = exit.is_some_and(|exit| row.core.flags.keeps_outputs(exit));
    let (source, linked) = (row.source.clone(), row.core.linked);
    Ok(Claim { lease_ms, source, linked, exit, keeps_outputs, fence, job: None })
}

/// Extends the leases that this node still owns; returns the fences of those it has lost.
pub(super) async fn heartbeat(
    conn: &mut SqliteConnection,
    now_ms: u64,
    node: &NodeId,
    fences: &[Fence],
    lease_ms: u64,
) -> PortResult<Vec<Fence>> {
    let what = "extend leases";
    let cells: Vec<_> =
        fences.iter().map(|fence| (fence.asset.as_str(), fence.task, fence.attempt)).collect();
    let held = sqlx::query(
        "UPDATE tasks SET lease_until_ms = ?1
         FROM (SELECT arrival, value ->> 1 AS t, value ->> 2 AS attempt
               FROM json_each(?2) JOIN assets ON assets.id = value ->> 0)
         WHERE asset = arrival AND task = t AND attempts = attempt AND lease_owner = ?3
         RETURNING (SELECT id FROM assets WHERE arrival = asset) AS id, task, attempts",
    )
    .bind(at(now_ms.saturating_add(lease_ms)))
    .bind(json(&cells)?)
    .bind(node.as_str())
    .fetch_all(conn)
    .await
    .map_err(db(what))?;
    let mut kept = BTreeSet::new();
    for row in &held {
        kept.insert(Fence {
            asset: AssetId::new(rows::text(row, "id")?),
            task: rows::task_key(row)?,
            attempt: rows::small(row, "attempts")?,
        });
    }
    Ok(fences.iter().filter(|fence| !kept.contains(*fence)).cloned().collect())
}

/// A time as SQLite stores it.
fn at(time_ms: u64) -> i64 {
    i64::try_from(time_ms).unwrap_or(i64::MAX)
}
