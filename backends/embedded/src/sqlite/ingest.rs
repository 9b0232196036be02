//! New uploads and their events as rows.

use std::collections::BTreeMap;

use reelgate_flow::ids::AssetId;
use reelgate_ports::caption_files::family_sha256;
use reelgate_ports::error::PortResult;
use reelgate_ports::order::prefix_of;
use reelgate_store::session::EventDelivery;
use reelgate_store::work::AssetRow;
use sqlx::SqliteConnection;

use super::error::{corrupt, db};
use super::queue_clock::QueueTime;
use super::rows;
use super::work::json;

/// Writes new assets in their state before their first step, and numbers them in order of arrival.
pub(super) async fn insert(
    conn: &mut SqliteConnection,
    time: QueueTime,
    rows: &mut [AssetRow],
) -> PortResult<()> {
    let what = "insert uploads";
    let cells = json(&rows.iter().map(|row| cells(row, time)).collect::<Vec<_>>())?;
    let numbered = sqlx::query(
        "INSERT INTO assets (id, bucket, key, version, key_sha256, sequencer, size_bytes, location, forced,
                             phase, verdict, severity, received_at_ms, priority, prefix, queue_position,
                             family_sha256, redrives, history_lines)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12,
                value ->> 13, value ->> 14, value ->> 15, value ->> 16, 0, 0
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
    for row in rows {
        row.arrival = *arrivals.get(&row.id).ok_or_else(|| corrupt("assets.id", "the id just written"))?;
    }
    Ok(())
}

fn cells(row: &AssetRow, time: QueueTime) -> serde_json::Value {
    let source = &row.source;
    serde_json::json!([
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
        time.of_day(row.queue_position),
        family_sha256(&source.id.key),
    ])
}

/// The upload events; a repeated one is only counted.
pub(super) async fn count_events(
    conn: &mut SqliteConnection,
    now_ms: u64,
    deliveries: &[EventDelivery<'_>],
) -> PortResult<()> {
    let cells = deliveries.iter().map(|delivery| {
        let event = delivery.event;
        (delivery.asset.as_str(), event.sequencer.sort_key(), event.size_bytes, now_ms)
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
