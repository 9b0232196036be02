//! Queries, on the reading connections.

use std::collections::BTreeSet;

use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::records::{AssetDetail, AssetRecord, HistoryEvent, HistoryRecord, TaskRow};
use reelgate_ports::store::{AssetFilter, Backlog, ListFrom};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};

use super::error::db;
use super::nodes::known;
use super::rows::{self, count, get, optional_count, text, word};
use super::work::json;
use super::{facts, metadata, products};

/// Most ids that [`find`] returns.
const FIND_MAX: i64 = 10;

/// One asset with everything about it.
pub(super) async fn asset(pool: &SqlitePool, id: &AssetId) -> PortResult<AssetDetail> {
    let row = sqlx::query("SELECT * FROM assets WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(pool)
        .await
        .map_err(db("read asset"))?
        .ok_or_else(|| missing(id))?;
    let asset = rows::asset(&row)?.record();
    let shown = asset.linked_to.as_ref().unwrap_or(id);
    let facts = facts::read(&mut *pool.acquire().await.map_err(db("read asset"))?, id).await?;
    Ok(AssetDetail {
        facts,
        tasks: tasks(pool, id).await?,
        renditions: products::renditions(pool, shown).await?,
        findings: products::findings(pool, id).await?,
        metadata: metadata::read(pool, id.as_str()).await?,
        asset,
    })
}

async fn tasks(pool: &SqlitePool, id: &AssetId) -> PortResult<Vec<TaskRow>> {
    let rows = sqlx::query("SELECT * FROM tasks WHERE asset = (SELECT arrival FROM assets WHERE id = ?)")
        .bind(id.as_str())
        .fetch_all(pool)
        .await
        .map_err(db("read tasks"))?;
    let read = |row: &SqliteRow| {
        let (task, record, extra) = rows::task(row)?;
        Ok(TaskRow {
            task,
            lane: task.lane(),
            state: record.state,
            attempts: record.attempts,
            wall_ms: extra.wall_ms,
            cpu_ms: extra.cpu_ms,
        })
    };
    let mut tasks = rows.iter().map(read).collect::<PortResult<Vec<_>>>()?;
    tasks.sort_by_key(|row| row.task);
    Ok(tasks)
}

/// Assets in order of arrival, or in the reverse order.
pub(super) async fn assets(pool: &SqlitePool, filter: &AssetFilter) -> PortResult<Vec<AssetRecord>> {
    let what = "list assets";
    let mut edge = None::<i64>;
    if let Some(id) = filter.from.edge() {
        let arrival = sqlx::query_scalar("SELECT arrival FROM assets WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(pool)
            .await
            .map_err(db(what))?;
        edge = Some(arrival.ok_or_else(|| missing(id))?);
    }
    let phases: Vec<&str> = filter.phases.iter().map(|phase| phase.as_str()).collect();
    // Each pair is counted once, however often it is asked for.
    let wanted: BTreeSet<&(String, String)> = filter.metadata.iter().collect();
    let page = match filter.from {
        ListFrom::Oldest(_) => {
            "SELECT * FROM assets
             WHERE (?1 IS NULL OR arrival > ?1) AND (?2 = '[]' OR phase IN (SELECT value FROM json_each(?2)))
                 AND (?4 = '[]' OR arrival IN (
                     SELECT asset FROM json_each(?4) AS wanted
                     JOIN metadata ON name = wanted.value ->> 0 AND metadata.value = wanted.value ->> 1
                     GROUP BY asset HAVING count(*) = json_array_length(?4)))
             ORDER BY arrival LIMIT ?3"
        }
        ListFrom::Newest(_) => {
            "SELECT * FROM assets
             WHERE (?1 IS NULL OR arrival < ?1) AND (?2 = '[]' OR phase IN (SELECT value FROM json_each(?2)))
                 AND (?4 = '[]' OR arrival IN (
                     SELECT asset FROM json_each(?4) AS wanted
                     JOIN metadata ON name = wanted.value ->> 0 AND metadata.value = wanted.value ->> 1
                     GROUP BY asset HAVING count(*) = json_array_length(?4)))
             ORDER BY arrival DESC LIMIT ?3"
        }
    };
    let rows = sqlx::query(page)
        .bind(edge)
        .bind(json(&phases)?)
        .bind(filter.limit)
        .bind(json(&wanted)?)
        .fetch_all(pool)
        .await
        .map_err(db(what))?;
    rows.iter().map(|row| Ok(rows::asset(row)?.record())).collect()
}

/// The other assets of an asset's family of names, in order of arrival.
pub(super) async fn family(pool: &SqlitePool, id: &AssetId) -> PortResult<Vec<AssetRecord>> {
    let rows = sqlx::query(
        "SELECT other.* FROM assets AS own JOIN assets AS other USING (family_sha256, bucket)
         WHERE own.id = ? AND other.id <> own.id AND other.family_sha256 <> '' ORDER BY other.arrival",
    )
    .bind(id.as_str())
    .fetch_all(pool)
    .await
    .map_err(db("read a family of names"))?;
    rows.iter().map(|row| Ok(rows::asset(row)?.record())).collect()
}

/// Asset ids that begin with the text.
pub(super) async fn find(pool: &SqlitePool, prefix: &str) -> PortResult<Vec<AssetId>> {
    if !AssetId::can_begin(prefix) {
        return Ok(Vec::new());
    }
    // `{` is the character after `z`, the last one of an id.
    let ids = sqlx::query_scalar::<_, String>(
        "SELECT id FROM assets WHERE id >= ?1 AND id < ?1 || '{' ORDER BY id LIMIT ?2",
    )
    .bind(prefix)
    .bind(FIND_MAX)
    .fetch_all(pool)
    .await
    .map_err(db("find assets"))?;
    Ok(ids.into_iter().map(AssetId::new).collect())
}

/// The history of an asset in order.
pub(super) async fn history(pool: &SqlitePool, id: &AssetId) -> PortResult<Vec<HistoryRecord>> {
    let rows = sqlx::query(
        "SELECT * FROM history WHERE asset = (SELECT arrival FROM assets WHERE id = ?) ORDER BY sequence",
    )
    .bind(id.as_str())
    .fetch_all(pool)
    .await
    .map_err(db("read history"))?;
    // An asset has a history from the moment it exists, until it is too old.
    if rows.is_empty() && known(pool, std::slice::from_ref(id)).await?.is_empty() {
        return Err(missing(id));
    }
    rows.iter().map(history_line).collect()
}

fn history_line(row: &SqliteRow) -> PortResult<HistoryRecord> {
    let task: Option<String> = get(row, "task")?;
    let detail = text(row, "detail")?;
    Ok(HistoryRecord {
        sequence: count(row, "sequence")?,
        at_ms: count(row, "at_ms")?,
        event: word(
            |event| HistoryEvent::parse(event, &detail),
            &text(row, "event")?,
            "history.event",
            "an event",
        )?,
        task: task.map(|task| word(TaskKey::parse, &task, "history.task", "a task key")).transpose()?,
        attempt: get(row, "attempt")?,
        node: get::<Option<String>>(row, "node")?.map(NodeId::new),
        wall_ms: optional_count(row, "wall_ms")?,
        detail,
    })
}

/// Milliseconds until something is to be done: a task to claim, a lease to end, a notice to send.
pub(super) async fn next_due_ms(pool: &SqlitePool, now_ms: u64) -> PortResult<Option<u64>> {
    let due: Option<i64> = sqlx::query_scalar(
        "SELECT min(due) FROM (
             SELECT min(ready_at_ms) AS due FROM tasks WHERE state = 'ready' AND lease_owner IS NULL
             UNION ALL SELECT min(lease_until_ms) FROM tasks WHERE lease_owner IS NOT NULL
             UNION ALL SELECT min(due_at_ms) FROM outbox)",
    )
    .fetch_one(pool)
    .await
    .map_err(db("look for the next due time"))?;
    Ok(due.map(|due| u64::try_from(due).unwrap_or(0).saturating_sub(now_ms)))
}

/// Counts for health and progress.
pub(super) async fn backlog(pool: &SqlitePool, now_ms: u64) -> PortResult<Backlog> {
    let what = "count the backlog";
    let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
    let rows = sqlx::query(
        "SELECT 'ready' AS what, lane AS name, count(*) AS n FROM tasks
             WHERE state = 'ready' AND lease_owner IS NULL GROUP BY lane
         UNION ALL SELECT 'leased', lane, count(*) FROM tasks
             WHERE lease_owner IS NOT NULL AND lease_until_ms > ? GROUP BY lane
         UNION ALL SELECT 'assets', phase, count(*) FROM assets GROUP BY phase
         UNION ALL SELECT 'outbox', '', count(*) FROM outbox",
    )
    .bind(now_ms)
    .fetch_all(pool)
    .await
    .map_err(db(what))?;
    let mut backlog = Backlog::default();
    for row in &rows {
        let number = count(row, "n")?;
        let name: String = row.try_get("name").map_err(db(what))?;
        match text(row, "what")?.as_str() {
            "ready" => backlog.ready.push((rows::lane(&name)?, number)),
            "leased" => backlog.leased.push((rows::lane(&name)?, number)),
            "assets" => backlog.assets.push((rows::phase(&name)?, number)),
            _ => backlog.outbox = number,
        }
    }
    backlog.ready.sort();
    backlog.leased.sort();
    backlog.assets.sort();
    Ok(backlog)
}

fn missing(id: &AssetId) -> PortError {
    PortError::new(
        Port::Store,
        ErrorKind::Missing,
        "find asset",
        format!("no asset {id}; `reelgate list` shows them"),
    )
}
