//! The outbox: a notice is written in the transaction of the state it reports, and removed only after its delivery.

use std::collections::BTreeMap;

use reelgate_flow::asset::{NoticeKind, Phase, Severity};
use reelgate_flow::ids::{AssetId, NoticeId};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::identity;
use reelgate_ports::records::NoticeRecord;
use reelgate_store::history_lines::{self, MediaSummary};
use reelgate_store::session::RemovedNotice;
use reelgate_store::work::{Loaded, UnitOfWork};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use super::error::{corrupt, db};
use super::products;
use super::queue_clock::QueueTime;
use super::rows::{get, optional_count, small, text, word};
use super::work::json;

/// Writes the notices a unit of work owes; everything in them is written before.
pub(super) async fn owe(conn: &mut SqliteConnection, work: &UnitOfWork, at: QueueTime) -> PortResult<()> {
    if work.owed.is_empty() {
        return Ok(());
    }
    let media = containers(conn, work).await?;
    let mut cells = Vec::with_capacity(work.owed.len());
    for (asset, kind) in &work.owed {
        let Some(loaded) = work.loaded.get(asset) else { continue };
        let id = identity::notice_id(asset, *kind, loaded.row.notice_number(*kind, work.now_ms));
        let (container, duration_ns) = media.get(&loaded.row.arrival).cloned().unwrap_or_default();
        let told = summary(conn, loaded, container, duration_ns).await?;
        let body = history_lines::notice_body(&id, *kind, work.now_ms, &loaded.row.record(), &told);
        cells.push((id, loaded.row.arrival, kind.as_str(), body.to_string()));
    }
    sqlx::query(
        "INSERT INTO outbox (id, asset, kind, body, tries, due_at_ms)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, 0, ? FROM json_each(?)",
    )
    .bind(time(at.now_ms))
    .bind(json(&cells)?)
    .execute(conn)
    .await
    .map_err(db("write notices"))?;
    Ok(())
}

type Container = (Option<String>, Option<u64>);

/// Container and duration of the assets that notices are owed for, where they are known.
async fn containers(conn: &mut SqliteConnection, work: &UnitOfWork) -> PortResult<BTreeMap<i64, Container>> {
    let assets: Vec<i64> =
        work.owed.iter().filter_map(|(asset, _)| Some(work.loaded.get(asset)?.row.arrival)).collect();
    let rows = sqlx::query(
        "SELECT asset, container, duration_ns FROM media WHERE asset IN (SELECT value FROM json_each(?))",
    )
    .bind(json(&assets)?)
    .fetch_all(conn)
    .await
    .map_err(db("read the media's summary"))?;
    let read = |row: &SqliteRow| {
        let container = (get(row, "container")?, optional_count(row, "duration_ns")?);
        Ok((get(row, "asset")?, container))
    };
    rows.iter().map(read).collect()
}

async fn summary(
    conn: &mut SqliteConnection,
    loaded: &Loaded,
    container: Option<String>,
    duration_ns: Option<u64>,
) -> PortResult<MediaSummary> {
    let (row, core) = (&loaded.row, &loaded.row.core);
    let mut summary = MediaSummary { container, duration_ns, ..MediaSummary::default() };
    if core.phase == Phase::Published {
        let shown = row.linked_to.as_ref().unwrap_or(&row.id);
        summary.renditions = products::renditions(&mut *conn, shown).await?;
    }
    if core.severity > Severity::None {
        summary.findings = products::findings(conn, &row.id).await?;
    }
    Ok(summary)
}

/// Due notices, oldest first.
pub(super) async fn due(pool: &SqlitePool, now_ms: u64, notices_max: u16) -> PortResult<Vec<NoticeRecord>> {
    let rows = sqlx::query(
        "SELECT outbox.*, assets.id AS asset_id FROM outbox JOIN assets ON arrival = asset
         WHERE due_at_ms <= ? ORDER BY number LIMIT ?",
    )
    .bind(time(now_ms))
    .bind(notices_max)
    .fetch_all(pool)
    .await
    .map_err(db("read notices"))?;
    rows.iter().map(notice).collect()
}

/// Leases due notices; those that another process has leased in the meantime are left out.
pub(super) async fn hold(
    pool: &SqlitePool,
    now_ms: u64,
    hold_ms: u64,
    due: Vec<NoticeRecord>,
) -> PortResult<Vec<NoticeRecord>> {
    let ids: Vec<&str> = due.iter().map(|notice| notice.id.as_str()).collect();
    let held = sqlx::query_scalar::<_, String>(
        "UPDATE outbox SET due_at_ms = ?1
         WHERE due_at_ms <= ?2 AND id IN (SELECT value FROM json_each(?3)) RETURNING id",
    )
    .bind(time(now_ms.saturating_add(hold_ms)))
    .bind(time(now_ms))
    .bind(json(&ids)?)
    .fetch_all(pool)
    .await
    .map_err(db("take notices"))?;
    Ok(due.into_iter().filter(|notice| held.iter().any(|id| id == notice.id.as_str())).collect())
}

fn notice(row: &SqliteRow) -> PortResult<NoticeRecord> {
    let body = serde_json::from_str(&text(row, "body")?).map_err(|_| corrupt("outbox.body", "JSON"))?;
    Ok(NoticeRecord {
        id: NoticeId::new(text(row, "id")?),
        asset: AssetId::new(text(row, "asset_id")?),
        kind: word(NoticeKind::parse, &text(row, "kind")?, "outbox.kind", "a kind of notice")?,
        body,
        tries: small(row, "tries")?,
    })
}

/// Takes notices out of the outbox.
pub(super) async fn remove(conn: &mut SqliteConnection, ids: &[NoticeId]) -> PortResult<Vec<RemovedNotice>> {
    let ids = json(&ids.iter().map(NoticeId::as_str).collect::<Vec<_>>())?;
    let what = "remove delivered notices";
    let gone = sqlx::query(
        "SELECT outbox.id, kind, tries, assets.id AS asset_id FROM outbox JOIN assets ON arrival = asset
         WHERE outbox.id IN (SELECT value FROM json_each(?)) ORDER BY number",
    )
    .bind(&ids)
    .fetch_all(&mut *conn)
    .await
    .map_err(db(what))?;
    sqlx::query("DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))")
        .bind(&ids)
        .execute(conn)
        .await
        .map_err(db(what))?;
    let removed = |row: &SqliteRow| {
        Ok(RemovedNotice {
            id: NoticeId::new(text(row, "id")?),
            asset: AssetId::new(text(row, "asset_id")?),
            kind: text(row, "kind")?,
            tries: small(row, "tries")?,
        })
    };
    gone.iter().map(removed).collect()
}

/// Puts a notice back and counts the try.
pub(super) async fn deferred(pool: &SqlitePool, id: &NoticeId, due_ms: u64) -> PortResult<()> {
    let what = "defer a notice";
    let changed = sqlx::query("UPDATE outbox SET tries = tries + 1, due_at_ms = ? WHERE id = ?")
        .bind(time(due_ms))
        .bind(id.as_str())
        .execute(pool)
        .await
        .map_err(db(what))?;
    if changed.rows_affected() == 0 {
        return Err(PortError::new(
            Port::Store,
            ErrorKind::Missing,
            what,
            format!("the outbox holds no notice {id}"),
        ));
    }
    Ok(())
}

fn time(time_ms: u64) -> i64 {
    i64::try_from(time_ms).unwrap_or(i64::MAX)
}
