//! Loads the assets that one call concerns.

use std::collections::BTreeMap;

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_store::work::UnitOfWork;
use sqlx::SqliteConnection;

use super::error::{corrupt, db};
use super::queue_clock::QueueTime;
use super::rows;

/// Loads assets and their tasks; unknown ids are left out. In a unit of work, times of tasks and queue positions are times
/// of day.
pub(super) async fn load(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    time: QueueTime,
    ids: &[AssetId],
) -> PortResult<()> {
    let loaded = load_rows(conn, work, time, ids).await?;
    if loaded.is_empty() {
        return Ok(());
    }
    let arrivals: Vec<i64> = loaded.keys().copied().collect();
    let tasks = sqlx::query("SELECT * FROM tasks WHERE asset IN (SELECT value FROM json_each(?))")
        .bind(json(&arrivals)?)
        .fetch_all(conn)
        .await
        .map_err(db("load tasks"))?;
    for row in &tasks {
        let (key, record, mut extra) = rows::task(row)?;
        extra.ready_at_ms = time.to_day(extra.ready_at_ms);
        if let Some(lease) = &mut extra.lease {
            lease.until_ms = time.to_day(lease.until_ms);
        }
        let unknown = || corrupt("tasks.asset", "a known asset");
        let id = loaded.get(&rows::get::<i64>(row, "asset")?).ok_or_else(unknown)?;
        work.add_task(id, key, record, extra)?;
    }
    Ok(())
}

/// Loads only the rows of the assets, for calls that change no state; returns the newly loaded ones by arrival.
pub(super) async fn load_rows(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    time: QueueTime,
    ids: &[AssetId],
) -> PortResult<BTreeMap<i64, AssetId>> {
    let wanted = work.not_loaded(ids);
    let mut loaded = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(loaded);
    }
    let assets = sqlx::query("SELECT * FROM assets WHERE id IN (SELECT value FROM json_each(?))")
        .bind(json(&wanted)?)
        .fetch_all(conn)
        .await
        .map_err(db("load assets"))?;
    for row in &assets {
        let mut row = rows::asset(row)?;
        row.queue_position = time.to_day(row.queue_position);
        loaded.insert(row.arrival, row.id.clone());
        work.add(row);
    }
    Ok(loaded)
}

/// Rows as one bound JSON text, read back with `json_each`: one statement for any number of rows.
pub(super) fn json<T: serde::Serialize>(rows: &T) -> PortResult<String> {
    serde_json::to_string(rows).map_err(|error| {
        PortError::new(Port::Store, ErrorKind::Invalid, "write rows as JSON", error.to_string())
    })
}
