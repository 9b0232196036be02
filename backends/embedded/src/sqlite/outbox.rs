//! Notices owed to the outside: written with the state they tell, removed only after their delivery.

use std::collections::BTreeMap;

use reelgate_flow::asset::{NoticeKind, Phase, Severity};
use reelgate_flow::ids::{AssetId, NoticeId};
use reelgate_ports::error::{PortError, PortResult, Trouble};
use reelgate_ports::identity;
use reelgate_ports::records::NoticeRecord;
use reelgate_ports::telling::{self, MediaSummary};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use super::error::{corrupt, db};
use super::products;
use super::rows::{get, optional_count, small, text, word};
use super::work::{Loaded, Work, json};

/// Writes the notices a unit of work owes; everything they tell is written before.
pub(super) async fn owe(conn: &mut SqliteConnection, work: &Work) -> PortResult<()> {
    if work.owed.is_empty() {
        return Ok(());
    }
    let mut cells = Vec::with_capacity(work.owed.len());
    for (asset, kind) in &work.owed {
        let Some(loaded) = work.loaded.get(asset) else { continue };
        let id = identity::notice_id(asset, *kind, loaded.row.core.redrives);
        let media = summary(conn, loaded).await?;
        let body = telling::notice_body(&id, *kind, work.now_ms, &loaded.row.record(), &media);
        cells.push((id, asset, kind.as_str(), body.to_string()));
    }
    sqlx::query(
        "INSERT INTO outbox (id, asset, kind, body, tries, due_at_ms)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, 0, ? FROM json_each(?)",
    )
    .bind(time(work.now_ms))
    .bind(json(&cells)?)
    .execute(conn)
    .await
    .map_err(db("write notices"))?;
    Ok(())
}

/// What is known of the media, where anything can be: an upload refused at once costs no query here.
async fn summary(conn: &mut SqliteConnection, loaded: &Loaded) -> PortResult<MediaSummary> {
    let (row, core) = (&loaded.row, &loaded.row.core);
    let mut told = MediaSummary::default();
    if row.sha256.is_some() {
        let media = sqlx::query("SELECT container, duration_ns FROM media WHERE asset = ?")
            .bind(row.id.as_str())
            .fetch_optional(&mut *conn)
            .await
            .map_err(db("read the media's summary"))?;
        if let Some(media) = &media {
            told.container = get(media, "container")?;
            told.duration_ns = optional_count(media, "duration_ns")?;
        }
    }
    if core.phase == Phase::Published {
        let shown = row.linked_to.as_ref().unwrap_or(&row.id);
        told.renditions = products::renditions(&mut *conn, shown).await?;
    }
    if core.severity > Severity::None {
        told.findings = products::findings(conn, &row.id).await?;
    }
    Ok(told)
}

/// Due notices, oldest first.
pub(super) async fn due(pool: &SqlitePool, now_ms: u64, notices_max: u16) -> PortResult<Vec<NoticeRecord>> {
    let rows = sqlx::query("SELECT * FROM outbox WHERE due_at_ms <= ? ORDER BY number LIMIT ?")
        .bind(time(now_ms))
        .bind(notices_max)
        .fetch_all(pool)
        .await
        .map_err(db("read notices"))?;
    rows.iter().map(notice).collect()
}

fn notice(row: &SqliteRow) -> PortResult<NoticeRecord> {
    let body = serde_json::from_str(&text(row, "body")?).map_err(|_| corrupt("outbox.body", "JSON"))?;
    Ok(NoticeRecord {
        id: NoticeId::new(text(row, "id")?),
        asset: AssetId::new(text(row, "asset")?),
        kind: word(NoticeKind::parse, &text(row, "kind")?, "outbox.kind", "a kind of notice")?,
        body,
        tries: small(row, "tries")?,
    })
}

/// Removes delivered notices; one already removed is nothing new.
pub(super) async fn delivered(
    conn: &mut SqliteConnection,
    work: &mut Work,
    ids: &[NoticeId],
) -> PortResult<()> {
    let ids: Vec<&str> = ids.iter().map(NoticeId::as_str).collect();
    let gone = sqlx::query(
        "DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?)) RETURNING id, asset, kind, tries, number",
    )
    .bind(json(&ids)?)
    .fetch_all(&mut *conn)
    .await
    .map_err(db("remove delivered notices"))?;
    let mut lines = BTreeMap::new();
    for row in &gone {
        let tries: u32 = small(row, "tries")?;
        let detail = format!("{} {}, try {}", text(row, "kind")?, text(row, "id")?, tries.saturating_add(1));
        lines.insert(get::<i64>(row, "number")?, (AssetId::new(text(row, "asset")?), detail));
    }
    let assets: Vec<AssetId> = lines.values().map(|(asset, _)| asset.clone()).collect();
    work.load(conn, &assets).await?;
    for (asset, detail) in lines.into_values() {
        work.note(&asset, telling::line(work.now_ms, "notice_sent", detail))?;
    }
    Ok(())
}

/// Puts a notice back and counts the try.
pub(super) async fn deferred(pool: &SqlitePool, id: &NoticeId, due_ms: u64) -> PortResult<()> {
    let what = "put a notice back";
    let changed = sqlx::query("UPDATE outbox SET tries = tries + 1, due_at_ms = ? WHERE id = ?")
        .bind(time(due_ms))
        .bind(id.as_str())
        .execute(pool)
        .await
        .map_err(db(what))?;
    if changed.rows_affected() == 0 {
        return Err(PortError::new(Trouble::Missing, what, format!("no notice {id} is owed")));
    }
    Ok(())
}

fn time(time_ms: u64) -> i64 {
    i64::try_from(time_ms).unwrap_or(i64::MAX)
}
