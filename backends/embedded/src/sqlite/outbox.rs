//! The outbox: a notice is written in the transaction of the state it reports, and each of its deliveries is removed only
//! once the receiver has accepted it.

use std::collections::BTreeMap;

use reelgate_flow::asset::{NoticeKind, Phase, Severity};
use reelgate_flow::ids::{AssetId, NoticeId, ReceiverName};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::identity;
use reelgate_ports::records::NoticeRecord;
use reelgate_ports::store::DeliveriesOwed;
use reelgate_store::history_lines::{self, MediaSummary};
use reelgate_store::session::RemovedNotice;
use reelgate_store::work::{Loaded, UnitOfWork};
use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

use super::error::{corrupt, db};
use super::products;
use super::queue_clock::QueueTime;
use super::rows::{count, get, optional_count, small, text, word};
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
        cells.push((id, Some(loaded.row.arrival), kind.as_str(), body.to_string()));
    }
    insert(conn, &cells, at).await
}

/// Writes notices that concern no asset.
pub(super) async fn put(
    conn: &mut SqliteConnection,
    notices: &[NoticeRecord],
    at: QueueTime,
) -> PortResult<()> {
    let cells = |notice: &NoticeRecord| -> Cells {
        (notice.id.clone(), None, notice.kind.as_str(), notice.body.to_string())
    };
    insert(conn, &notices.iter().map(cells).collect::<Vec<_>>(), at).await
}

/// Id, asset, kind and body of a notice.
type Cells = (NoticeId, Option<i64>, &'static str, String);

async fn insert(conn: &mut SqliteConnection, cells: &[Cells], at: QueueTime) -> PortResult<()> {
    sqlx::query(
        "INSERT INTO outbox (id, asset, kind, body, tries, owed_at_ms, due_at_ms)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, 0, ?1, ?1 FROM json_each(?2)",
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
        summary.left_out = products::left_out(&mut *conn, shown).await?;
    }
    if core.severity > Severity::None {
        summary.findings = products::findings(conn, &row.id).await?;
    }
    Ok(summary)
}

/// Due rows of a receiver, oldest first; those that are not addressed have the receiver ''.
pub(super) async fn due(
    pool: &SqlitePool,
    now_ms: u64,
    receiver: &str,
    notices_max: u16,
) -> PortResult<Vec<NoticeRecord>> {
    let rows = sqlx::query(
        "SELECT outbox.*, coalesce(assets.id, '') AS asset_id FROM outbox LEFT JOIN assets ON arrival = asset
         WHERE receiver = ? AND due_at_ms <= ? ORDER BY number LIMIT ?",
    )
    .bind(receiver)
    .bind(time(now_ms))
    .bind(notices_max)
    .fetch_all(pool)
    .await
    .map_err(db("read notices"))?;
    rows.iter().map(notice).collect()
}

/// Holds due rows of a receiver; those that another process has taken in the meantime are left out.
pub(super) async fn hold(
    pool: &SqlitePool,
    now_ms: u64,
    receiver: &str,
    hold_ms: u64,
    due: Vec<NoticeRecord>,
) -> PortResult<Vec<NoticeRecord>> {
    let ids: Vec<&str> = due.iter().map(|notice| notice.id.as_str()).collect();
    let held = sqlx::query_scalar::<_, String>(
        "UPDATE outbox SET due_at_ms = ?1
         WHERE due_at_ms <= ?2 AND receiver = ?4 AND id IN (SELECT value FROM json_each(?3)) RETURNING id",
    )
    .bind(time(now_ms.saturating_add(hold_ms)))
    .bind(time(now_ms))
    .bind(json(&ids)?)
    .bind(receiver)
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

/// Replaces notices by one row for each of their receivers.
pub(super) async fn address(
    mut tx: Transaction<'static, Sqlite>,
    now_ms: u64,
    notices: &[(NoticeId, Vec<ReceiverName>)],
) -> PortResult<()> {
    let what = "address notices";
    let ids = json(&notices.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>())?;
    let of = |(id, receivers): &(NoticeId, Vec<ReceiverName>)| {
        let pair = |receiver: &ReceiverName| (id.as_str().to_owned(), receiver.as_str().to_owned());
        receivers.iter().map(pair).collect::<Vec<_>>()
    };
    let pairs = json(&notices.iter().flat_map(of).collect::<Vec<_>>())?;
    sqlx::query(
        "INSERT INTO outbox (id, receiver, asset, kind, body, tries, owed_at_ms, due_at_ms)
         SELECT outbox.id, value ->> 1, asset, kind, body, tries, owed_at_ms, ?
         FROM json_each(?) JOIN outbox ON outbox.id = value ->> 0 AND receiver = ''
         WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(time(now_ms))
    .bind(&pairs)
    .execute(&mut *tx)
    .await
    .map_err(db(what))?;
    sqlx::query("DELETE FROM outbox WHERE receiver = '' AND id IN (SELECT value FROM json_each(?))")
        .bind(&ids)
        .execute(&mut *tx)
        .await
        .map_err(db(what))?;
    tx.commit().await.map_err(db(what))
}

/// Ends deliveries to other receivers that have been due since `until_ms` or before; returns how many, by receiver.
pub(super) async fn end_unserved(
    pool: &SqlitePool,
    receivers: &[ReceiverName],
    until_ms: u64,
) -> PortResult<Vec<(ReceiverName, u64)>> {
    let what = "end deliveries without a receiver";
    let names = json(&receivers.iter().map(ReceiverName::as_str).collect::<Vec<_>>())?;
    let ended: Vec<String> = sqlx::query_scalar(
        "DELETE FROM outbox WHERE receiver <> '' AND due_at_ms <= ?
             AND receiver NOT IN (SELECT value FROM json_each(?)) RETURNING receiver",
    )
    .bind(time(until_ms))
    .bind(names)
    .fetch_all(pool)
    .await
    .map_err(db(what))?;
    let mut counts = BTreeMap::new();
    for receiver in ended {
        *counts.entry(ReceiverName::new(receiver)).or_default() += 1;
    }
    Ok(counts.into_iter().collect())
}

/// What each receiver has not got yet.
pub(super) async fn deliveries_owed(pool: &SqlitePool, now_ms: u64) -> PortResult<Vec<DeliveriesOwed>> {
    let rows = sqlx::query(
        "SELECT receiver, count(*) AS notices, max(0, ? - min(owed_at_ms)) AS oldest_ms FROM outbox
         WHERE receiver <> '' GROUP BY receiver ORDER BY receiver",
    )
    .bind(time(now_ms))
    .fetch_all(pool)
    .await
    .map_err(db("count the deliveries that are owed"))?;
    let read = |row: &SqliteRow| {
        Ok(DeliveriesOwed {
            receiver: ReceiverName::new(text(row, "receiver")?),
            notices: count(row, "notices")?,
            oldest_ms: count(row, "oldest_ms")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Takes deliveries of a receiver out of the outbox.
pub(super) async fn remove(
    conn: &mut SqliteConnection,
    receiver: &ReceiverName,
    ids: &[NoticeId],
) -> PortResult<Vec<RemovedNotice>> {
    let ids = json(&ids.iter().map(NoticeId::as_str).collect::<Vec<_>>())?;
    let what = "remove delivered notices";
    let gone = sqlx::query(
        "SELECT outbox.id, kind, tries, coalesce(assets.id, '') AS asset_id
         FROM outbox LEFT JOIN assets ON arrival = asset
         WHERE receiver = ? AND outbox.id IN (SELECT value FROM json_each(?)) ORDER BY number",
    )
    .bind(receiver.as_str())
    .bind(&ids)
    .fetch_all(&mut *conn)
    .await
    .map_err(db(what))?;
    sqlx::query("DELETE FROM outbox WHERE receiver = ? AND id IN (SELECT value FROM json_each(?))")
        .bind(receiver.as_str())
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

/// Puts a delivery back and counts the try.
pub(super) async fn deferred(
    pool: &SqlitePool,
    receiver: &ReceiverName,
    id: &NoticeId,
    due_ms: u64,
) -> PortResult<()> {
    let what = "defer a notice";
    let changed =
        sqlx::query("UPDATE outbox SET tries = tries + 1, due_at_ms = ? WHERE receiver = ? AND id = ?")
            .bind(time(due_ms))
            .bind(receiver.as_str())
            .bind(id.as_str())
            .execute(pool)
            .await
            .map_err(db(what))?;
    if changed.rows_affected() == 0 {
        return Err(PortError::new(
            Port::Store,
            ErrorKind::Missing,
            what,
            format!("expected notice {id} for {receiver} in the outbox, found none"),
        ));
    }
    Ok(())
}

fn time(time_ms: u64) -> i64 {
    i64::try_from(time_ms).unwrap_or(i64::MAX)
}
