//! Deletions, and findings about uploads that have not arrived.

use std::collections::BTreeSet;

use reelgate_flow::ids::{AssetId, Sequencer};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::ExternalScanEvent;
use reelgate_store::work::Deletion;
use sqlx::{SqliteConnection, SqlitePool};

use super::error::{corrupt, db};
use super::rows;
use super::work::json;

/// Stores deletions; of two deletions of one version the later one stays.
pub(super) async fn write(
    conn: &mut SqliteConnection,
    now_ms: u64,
    deletions: &[Deletion],
) -> PortResult<()> {
    let cells = deletions.iter().map(|deletion| {
        let sequencer = deletion.sequencer.sort_key();
        (&deletion.key_sha256, &deletion.bucket, &deletion.version, sequencer, now_ms)
    });
    sqlx::query(
        "INSERT INTO deletions (key_sha256, bucket, version, sequencer, at_ms)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
         FROM json_each(?) WHERE true
         ON CONFLICT (key_sha256, bucket, version)
         DO UPDATE SET sequencer = max(sequencer, excluded.sequencer), at_ms = excluded.at_ms",
    )
    .bind(json(&cells.collect::<Vec<_>>())?)
    .execute(conn)
    .await
    .map_err(db("write deletions"))?;
    Ok(())
}

/// The stored deletions of keys, which are given by their SHA-256.
pub(super) async fn of_keys(
    conn: &mut SqliteConnection,
    keys: &BTreeSet<String>,
) -> PortResult<Vec<Deletion>> {
    let stored = sqlx::query("SELECT * FROM deletions WHERE key_sha256 IN (SELECT value FROM json_each(?))")
        .bind(json(keys)?)
        .fetch_all(conn)
        .await
        .map_err(db("look for deletions"))?;
    let mut deletions = Vec::with_capacity(stored.len());
    for row in &stored {
        deletions.push(Deletion {
            bucket: rows::text(row, "bucket")?,
            key_sha256: rows::text(row, "key_sha256")?,
            version: rows::text(row, "version")?,
            sequencer: Sequencer::parse(&rows::text(row, "sequencer")?)
                .ok_or_else(|| corrupt("deletions.sequencer", "hexadecimal digits"))?,
        });
    }
    Ok(deletions)
}

/// Stores findings about assets that are not known yet.
pub(super) async fn keep_unlinked(
    conn: &mut SqliteConnection,
    now_ms: u64,
    scans: &[ExternalScanEvent],
) -> PortResult<()> {
    let mut cells = Vec::with_capacity(scans.len());
    for scan in scans {
        cells.push((&scan.id, scan.about(), json(scan)?, now_ms));
    }
    sqlx::query(
        "INSERT INTO unlinked_scans (id, asset, scan, at_ms)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3
         FROM json_each(?) WHERE true ON CONFLICT (id) DO NOTHING",
    )
    .bind(json(&cells)?)
    .execute(conn)
    .await
    .map_err(db("write findings about uploads to come"))?;
    Ok(())
}

/// Removes and returns the findings that were stored for these assets.
pub(super) async fn take_unlinked(
    conn: &mut SqliteConnection,
    assets: &[AssetId],
) -> PortResult<Vec<ExternalScanEvent>> {
    let taken = sqlx::query_scalar::<_, String>(
        "DELETE FROM unlinked_scans WHERE asset IN (SELECT value FROM json_each(?)) RETURNING scan",
    )
    .bind(json(&assets)?)
    .fetch_all(conn)
    .await
    .map_err(db("look for findings about new uploads"))?;
    let read = |text: &String| {
        serde_json::from_str(text).map_err(|_| corrupt("unlinked_scans.scan", "a finding of this version"))
    };
    let mut scans: Vec<ExternalScanEvent> = taken.iter().map(read).collect::<PortResult<_>>()?;
    scans.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(scans)
}

/// Removes what was stored before this time.
pub(super) async fn forget(writer: &SqlitePool, before_ms: u64) -> PortResult<()> {
    let before_ms = i64::try_from(before_ms).unwrap_or(i64::MAX);
    for table in ["deletions", "unlinked_scans", "scans", "refused_events"] {
        // Our own names, listed above.
        let delete = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE at_ms < ?"));
        sqlx::query(delete).bind(before_ms).execute(writer).await.map_err(db("remove late events"))?;
    }
    Ok(())
}
