//! Taking uploads in: each version once, and never an older one over a newer one.

use std::collections::BTreeMap;

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity;
use reelgate_ports::order::prefix_of;
use reelgate_ports::records::{EventKind, Ingested, MediaEvent};
use reelgate_ports::unit::{AssetRow, UnitOfWork, check_event, new_row};
use sqlx::SqliteConnection;

use super::error::{corrupt, db};
use super::rows;
use super::work::{json, load};
use super::{deletions, duplicates, nodes, queue_position, scans_and_refused_events, shards};

/// Takes a batch in, in order, and moves its checkpoint.
pub(super) async fn ingest(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    batch: &EventBatch,
) -> PortResult<Vec<Ingested>> {
    for event in &batch.events {
        check_event(event)?;
    }
    if let Some(checkpoint) = &batch.checkpoint {
        shards::advance(conn, checkpoint).await?;
    }
    let fresh_scans = scans_and_refused_events::write_scans(conn, work.now_ms, &batch.scans).await?;
    scans_and_refused_events::write_refused(conn, work.now_ms, &batch.refused).await?;
    let of_kind = |kind| batch.events.iter().filter(move |event| event.kind == kind).cloned();
    let created: Vec<MediaEvent> = of_kind(EventKind::Created).collect();
    let deleted: Vec<MediaEvent> = of_kind(EventKind::Deleted).collect();
    deletions::write(conn, work.now_ms, &deleted).await?;
    let ingested = create(conn, work, &created).await?;
    deletions::apply(conn, work, &deleted).await?;
    for scan in fresh_scans {
        let Some(id) = scan.about() else { continue };
        load(conn, work, std::slice::from_ref(&id)).await?;
        work.scanned(&id, scan)?;
    }
    duplicates::follow_up(conn, work).await?;
    Ok(ingested)
}

async fn create(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    events: &[MediaEvent],
) -> PortResult<Vec<Ingested>> {
    let ids: Vec<AssetId> = events.iter().map(|event| identity::asset_id(&event.source)).collect();
    let mut known = nodes::known(&mut *conn, &ids).await?;
    let mut ingested = Vec::with_capacity(events.len());
    let mut fresh = Vec::new();
    let mut rows = Vec::new();
    for (event, asset) in events.iter().zip(ids) {
        let new = known.insert(asset.clone());
        if new {
            rows.push(new_row(work.now_ms, event, &asset));
            fresh.push(asset.clone());
        }
        ingested.push(Ingested { asset, new });
    }
    queue_position::assign(conn, &mut rows).await?;
    insert(conn, work, rows).await?;
    count_events(conn, work, events, &ingested).await?;
    duplicates::load_versions(conn, work, &fresh).await?;
    let hidden = deletions::hidden(conn, work, &fresh).await?;
    for id in &fresh {
        work.arrive(id, hidden.contains(id))?;
        duplicates::follow_up(conn, work).await?;
    }
    Ok(ingested)
}

/// Writes new assets and numbers them in order of arrival.
async fn insert(conn: &mut SqliteConnection, work: &mut UnitOfWork, rows: Vec<AssetRow>) -> PortResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let what = "take uploads in";
    let cells = json(&rows.iter().map(cells).collect::<Vec<_>>())?;
    let numbered = sqlx::query(
        "INSERT INTO assets (id, bucket, key, version, key_sha256, sequencer, size_bytes, location, forced,
                             phase, verdict, severity, received_at_ms, priority, prefix, place,
                             redrives, history_lines)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12,
                value ->> 13, value ->> 14, value ->> 15, 0, 0
         FROM json_each(?) ORDER BY key RETURNING id, arrival",
    )
    .bind(cells)
    .fetch_all(conn)
    .await
    .map_err(db(what))?;
    let mut arrivals = BTreeMap::new();
    for row in &numbered {
        arrivals.insert(AssetId::new(rows::text(row, "id")?), rows::get(row, "arrival")?);
    }
    for mut row in rows {
        row.arrival = *arrivals.get(&row.id).ok_or_else(|| corrupt("assets.id", "the id just written"))?;
        work.add(row);
    }
    Ok(())
}

fn cells(row: &AssetRow) -> impl serde::Serialize + '_ {
    let source = &row.source;
    (
        row.id.as_str(),
        source.id.bucket.as_str(),
        source.id.key.as_str(),
        source.id.version.as_str(),
        row.key_sha256.as_str(),
        source.sequencer.sort_key(),
        source.size_bytes,
        source.location.as_str(),
        row.forced,
        row.core.phase.as_str(),
        row.core.verdict.as_str(),
        row.core.severity.as_str(),
        row.received_ms,
        row.priority.as_str(),
        prefix_of(&source.id.key),
        row.place,
    )
}

/// The raw events; one that comes again only counts.
async fn count_events(
    conn: &mut SqliteConnection,
    work: &UnitOfWork,
    events: &[MediaEvent],
    ingested: &[Ingested],
) -> PortResult<()> {
    let cells = events.iter().zip(ingested).map(|(event, taken)| {
        (taken.asset.as_str(), event.sequencer.sort_key(), event.size_bytes, work.now_ms)
    });
    sqlx::query(
        "INSERT INTO events (asset, sequencer, size_bytes, first_at_ms, last_at_ms, deliveries)
         SELECT arrival, value ->> 1, value ->> 2, value ->> 3, value ->> 3, 1
         FROM json_each(?) JOIN assets ON assets.id = value ->> 0 WHERE true
         ON CONFLICT (asset, sequencer)
         DO UPDATE SET deliveries = deliveries + 1, last_at_ms = excluded.last_at_ms",
    )
    .bind(json(&cells.collect::<Vec<_>>())?)
    .execute(conn)
    .await
    .map_err(db("count upload events"))?;
    Ok(())
}
