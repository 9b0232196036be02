//! Keeping deletions, and finding what they concern.

use std::collections::BTreeSet;

use reelgate_flow::ids::{AssetId, Sequencer};
use reelgate_ports::error::PortResult;
use reelgate_ports::identity;
use reelgate_ports::records::MediaEvent;
use reelgate_ports::unit::{AssetRow, Deletion, UnitOfWork};
use sqlx::SqliteConnection;

use super::error::{corrupt, db};
use super::rows;
use super::work::{json, load};

/// Remembers deletions; of several of the same version the latest stays.
pub(super) async fn write(
    conn: &mut SqliteConnection,
    now_ms: u64,
    deleted: &[MediaEvent],
) -> PortResult<()> {
    if deleted.is_empty() {
        return Ok(());
    }
    let cells = deleted.iter().map(|event| {
        let id = &event.source;
        let sha256 = identity::key_sha256(&id.key);
        (sha256, &id.bucket, &id.key, &id.version, event.sequencer.sort_key(), now_ms)
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

/// Those of the loaded assets that a remembered deletion hides.
pub(super) async fn hidden(
    conn: &mut SqliteConnection,
    work: &UnitOfWork,
    ids: &[AssetId],
) -> PortResult<BTreeSet<AssetId>> {
    let loaded: Vec<&AssetRow> =
        ids.iter().filter_map(|id| work.loaded.get(id)).map(|loaded| &loaded.row).collect();
    let keys: BTreeSet<&str> = loaded.iter().map(|row| row.key_sha256.as_str()).collect();
    let stored = sqlx::query("SELECT * FROM deletions WHERE key_sha256 IN (SELECT value FROM json_each(?))")
        .bind(json(&keys)?)
        .fetch_all(conn)
        .await
        .map_err(db("look for deletions"))?;
    let mut hidden = BTreeSet::new();
    for row in &stored {
        let deletion = Deletion {
            bucket: rows::text(row, "bucket")?,
            key: rows::text(row, "key")?,
            version: rows::text(row, "version")?,
            sequencer: Sequencer::parse(&rows::text(row, "sequencer")?)
                .ok_or_else(|| corrupt("deletions.sequencer", "hexadecimal digits"))?,
        };
        let covered = loaded.iter().filter(|row| deletion.hides(row)).map(|row| row.id.clone());
        hidden.extend(covered);
    }
    Ok(hidden)
}

/// Lets what is still under way give way. What has ended stays: sources are tidied away when they are done with.
pub(super) async fn apply(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    deleted: &[MediaEvent],
) -> PortResult<()> {
    let keys: BTreeSet<String> =
        deleted.iter().map(|event| identity::key_sha256(&event.source.key)).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let stored = sqlx::query_scalar::<_, String>(
        "SELECT id FROM assets WHERE key_sha256 IN (SELECT value FROM json_each(?))
             AND phase IN ('received', 'linked', 'processing', 'screened', 'failed')",
    )
    .bind(json(&keys)?)
    .fetch_all(&mut *conn)
    .await
    .map_err(db("look for deleted uploads"))?;
    let stored: Vec<AssetId> = stored.into_iter().map(AssetId::new).collect();
    load(conn, work, &stored).await?;
    let deletions: Vec<Deletion> = deleted.iter().map(Deletion::of).collect();
    work.delete(&deletions)
}
