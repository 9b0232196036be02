//! Keeping deletions, and finding what they concern.

use std::collections::BTreeSet;

use reelgate_flow::ids::Sequencer;
use reelgate_ports::error::PortResult;
use reelgate_ports::identity;
use reelgate_store::work::Deletion;
use sqlx::SqliteConnection;

use super::error::{corrupt, db};
use super::rows;
use super::work::json;

/// Remembers deletions; of several of the same version the latest stays.
pub(super) async fn write(
    conn: &mut SqliteConnection,
    now_ms: u64,
    deletions: &[Deletion],
) -> PortResult<()> {
    let cells = deletions.iter().map(|deletion| {
        let sha256 = identity::key_sha256(&deletion.key);
        (sha256, &deletion.bucket, &deletion.key, &deletion.version, deletion.sequencer.sort_key(), now_ms)
    });
    sqlx::query(
        "INSERT INTO deletions (key_sha256, bucket, key, version, sequencer, at_ms)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
         FROM json_each(?) WHERE true
         ON CONFLICT (key_sha256, bucket, key, version)
         DO UPDATE SET sequencer = max(sequencer, excluded.sequencer), at_ms = excluded.at_ms",
    )
    .bind(json(&cells.collect::<Vec<_>>())?)
    .execute(conn)
    .await
    .map_err(db("write deletions"))?;
    Ok(())
}

/// The remembered deletions of keys, given by their SHA-256.
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
            key: rows::text(row, "key")?,
            version: rows::text(row, "version")?,
            sequencer: Sequencer::parse(&rows::text(row, "sequencer")?)
                .ok_or_else(|| corrupt("deletions.sequencer", "hexadecimal digits"))?,
        });
    }
    Ok(deletions)
}
