//! Taking uploads in: each version once, and never an older one over a newer one.

use std::collections::BTreeSet;

use reelgate_flow::asset::{Asset, Input};
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{PortError, PortResult, Trouble};
use reelgate_ports::identity;
use reelgate_ports::records::{Ingested, MediaEvent, SourceRecord};
use reelgate_ports::telling::{self, By};
use sqlx::{Row, SqliteConnection};

use super::error::db;
use super::rows::AssetRow;
use super::twins;
use super::work::{Work, json};

/// Takes events in, in order.
pub(super) async fn ingest(
    conn: &mut SqliteConnection,
    work: &mut Work,
    events: &[MediaEvent],
) -> PortResult<Vec<Ingested>> {
    let ids: Vec<AssetId> = events.iter().map(|event| identity::asset_id(&event.source)).collect();
    let mut known = known(conn, &ids).await?;
    let mut ingested = Vec::with_capacity(events.len());
    let mut fresh = Vec::new();
    for (event, id) in events.iter().zip(ids) {
        let new = known.insert(id.clone());
        if new {
            work.add(insert(conn, work.now_ms, event, &id).await?);
            fresh.push(id.clone());
        }
        ingested.push(Ingested { asset: id, new });
    }
    count_events(conn, work.now_ms, events, &ingested).await?;
    twins::load_versions(conn, work, &fresh).await?;
    for id in &fresh {
        arrive(work, id)?;
        twins::follow_up(conn, work).await?;
    }
    Ok(ingested)
}

async fn known(conn: &mut SqliteConnection, ids: &[AssetId]) -> PortResult<BTreeSet<AssetId>> {
    let ids: Vec<&str> = ids.iter().map(AssetId::as_str).collect();
    let rows =
        sqlx::query_scalar::<_, String>("SELECT id FROM assets WHERE id IN (SELECT value FROM json_each(?))")
            .bind(json(&ids)?)
            .fetch_all(conn)
            .await
            .map_err(db("look for known uploads"))?;
    Ok(rows.into_iter().map(AssetId::new).collect())
}

async fn insert(
    conn: &mut SqliteConnection,
    now_ms: u64,
    event: &MediaEvent,
    id: &AssetId,
) -> PortResult<AssetRow> {
    let what = "take an upload in";
    let core = Asset::new(identity::jitter_seed(id));
    let key_sha256 = identity::key_sha256(&event.source.key);
    let row = sqlx::query(
        "INSERT INTO assets (id, bucket, key, version, key_sha256, sequencer, size_bytes, location, forced,
                             phase, verdict, severity, redrives, received_at_ms, history_lines)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 0) RETURNING arrival",
    )
    .bind(id.as_str())
    .bind(&event.source.bucket)
    .bind(&event.source.key)
    .bind(&event.source.version)
    .bind(&key_sha256)
    .bind(event.sequencer.sort_key())
    .bind(integer(event.size_bytes)?)
    .bind(&event.location)
    .bind(event.force)
    .bind(core.phase.as_str())
    .bind(core.verdict.as_str())
    .bind(core.severity.as_str())
    .bind(integer(now_ms)?)
    .fetch_one(conn)
    .await
    .map_err(db(what))?;
    Ok(AssetRow {
        arrival: row.try_get("arrival").map_err(db(what))?,
        id: id.clone(),
        source: SourceRecord {
            id: event.source.clone(),
            sequencer: event.sequencer.clone(),
            size_bytes: event.size_bytes,
            location: event.location.clone(),
        },
        key_sha256,
        forced: event.force,
        sha256: None,
        core,
        linked_to: None,
        published_location: None,
        received_ms: now_ms,
        ended_ms: None,
        history_lines: 0,
    })
}

/// The raw events; one that comes again only counts.
async fn count_events(
    conn: &mut SqliteConnection,
    now_ms: u64,
    events: &[MediaEvent],
    ingested: &[Ingested],
) -> PortResult<()> {
    let cells = events
        .iter()
        .zip(ingested)
        .map(|(event, taken)| (taken.asset.as_str(), event.sequencer.sort_key(), event.size_bytes, now_ms));
    sqlx::query(
        "INSERT INTO events (asset, sequencer, size_bytes, first_at_ms, last_at_ms, deliveries)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 3, 1 FROM json_each(?) WHERE true
         ON CONFLICT (asset, sequencer)
         DO UPDATE SET deliveries = deliveries + 1, last_at_ms = excluded.last_at_ms",
    )
    .bind(json(&cells.collect::<Vec<_>>())?)
    .execute(conn)
    .await
    .map_err(db("count upload events"))?;
    Ok(())
}

/// Lets a new asset arrive, and either it or the older versions of its key give way.
fn arrive(work: &mut Work, id: &AssetId) -> PortResult<()> {
    let now_ms = work.now_ms;
    let size_bytes = work.at(id)?.row.source.size_bytes;
    work.note(id, telling::line(now_ms, "event", format!("{size_bytes} bytes")))?;
    work.step(id, Input::Arrived, By::default())?;
    let others = twins::versions(work, id)?;
    if others.iter().any(|other| other.newer) {
        work.step(id, Input::Superseded, By::default())?;
        return Ok(());
    }
    // What stands published stays until this one is published too.
    for older in others.iter().filter(|other| !other.published) {
        work.step(&older.id, Input::Superseded, By::default())?;
    }
    Ok(())
}

fn integer(value: u64) -> PortResult<i64> {
    i64::try_from(value).map_err(|_| {
        PortError::new(
            Trouble::Invalid,
            "take an upload in",
            "expected a number below 2^63, found a larger one",
        )
    })
}
