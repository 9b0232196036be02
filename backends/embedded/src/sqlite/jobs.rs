//! The jobs of media tasks, one row each, so that a claim reads the job of its task and no other.

use std::collections::BTreeMap;

use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{MediaProgress, TaskJob};
use sqlx::{SqliteConnection, SqlitePool};

use super::error::db;
use super::products::document;
use super::rows::{count, get, task_key, text};
use super::work::json;

/// Replaces the jobs of an asset.
pub(super) async fn write(conn: &mut SqliteConnection, asset: i64, jobs: &[TaskJob]) -> PortResult<()> {
    let what = "write the jobs of tasks";
    sqlx::query("DELETE FROM jobs WHERE asset = ?")
        .bind(asset)
        .execute(&mut *conn)
        .await
        .map_err(db(what))?;
    let cells: Vec<_> = jobs.iter().map(|job| (job.task, job.media_ns, &job.job)).collect();
    sqlx::query(
        "INSERT INTO jobs (asset, task, media_ns, job)
         SELECT ?, value ->> 0, value ->> 1, value -> 2 FROM json_each(?)",
    )
    .bind(asset)
    .bind(json(&cells)?)
    .execute(conn)
    .await
    .map_err(db(what))?;
    Ok(())
}

/// The jobs of these tasks; a task without one is left out.
pub(super) async fn read(
    conn: &mut SqliteConnection,
    tasks: &[(i64, TaskKey)],
) -> PortResult<BTreeMap<(i64, TaskKey), serde_json::Value>> {
    let rows = sqlx::query(
        "SELECT asset, task, job FROM jobs
         WHERE (asset, task) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
    )
    .bind(json(&tasks)?)
    .fetch_all(conn)
    .await
    .map_err(db("read the jobs of claimed tasks"))?;
    let mut jobs = BTreeMap::new();
    for row in &rows {
        let job = document(&text(row, "job")?, "jobs.job")?;
        jobs.insert((get(row, "asset")?, task_key(row)?), job);
    }
    Ok(jobs)
}

/// How much of the planned media work of an asset is done.
pub(super) async fn progress(pool: &SqlitePool, asset: &AssetId) -> PortResult<MediaProgress> {
    let row = sqlx::query(
        "SELECT coalesce(sum(j.media_ns), 0) AS planned_ns,
                coalesce(sum(j.media_ns) FILTER (WHERE t.state = 'done'), 0) AS done_ns
         FROM jobs AS j LEFT JOIN tasks AS t ON t.asset = j.asset AND t.task = j.task
         WHERE j.asset = (SELECT arrival FROM assets WHERE id = ?)",
    )
    .bind(asset.as_str())
    .fetch_one(pool)
    .await
    .map_err(db("read the progress of an asset"))?;
    Ok(MediaProgress { planned_ns: count(&row, "planned_ns")?, done_ns: count(&row, "done_ns")? })
}
