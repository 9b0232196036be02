//! What a batch holds in addition to uploads: findings of an external scanner, and messages that cannot be parsed.

use reelgate_ports::error::PortResult;
use reelgate_ports::events::RefusedEvent;
use reelgate_ports::records::ExternalScanEvent;
use sqlx::SqliteConnection;

use super::error::db;
use super::work::json;

/// Stores each finding once; returns the ids that were new.
pub(super) async fn write_scans(
    conn: &mut SqliteConnection,
    now_ms: u64,
    scans: &[ExternalScanEvent],
) -> PortResult<Vec<String>> {
    let cells = scans.iter().map(|scan| {
        let source = scan.source.as_ref();
        (
            &scan.id,
            &scan.kind,
            scan.severity.as_str(),
            scan.sample,
            source.map(|id| &id.bucket),
            source.map(|id| &id.key),
            source.map(|id| &id.version),
            scan.summary.to_string(),
            now_ms,
        )
    });
    sqlx::query_scalar(
        "INSERT INTO scans (id, kind, severity, sample, bucket, key, version, summary, at_ms)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                value ->> 7, value ->> 8
         FROM json_each(?) WHERE true ON CONFLICT (id) DO NOTHING RETURNING id",
    )
    .bind(json(&cells.collect::<Vec<_>>())?)
    .fetch_all(conn)
    .await
    .map_err(db("write findings of an external scanner"))
}

/// Stores the locations of messages that could not be parsed.
pub(super) async fn write_refused(
    conn: &mut SqliteConnection,
    now_ms: u64,
    refused: &[RefusedEvent],
) -> PortResult<()> {
    let cells = refused.iter().map(|event| (&event.location, &event.sha256, &event.reason, now_ms));
    sqlx::query(
        "INSERT INTO refused_events (location, sha256, reason, at_ms)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3
         FROM json_each(?) WHERE true ON CONFLICT (location) DO NOTHING",
    )
    .bind(json(&cells.collect::<Vec<_>>())?)
    .execute(conn)
    .await
    .map_err(db("write refused events"))?;
    Ok(())
}
