//! Keeping deletions: an older upload that comes after one is not processed.

use reelgate_store::work::Deletion;
use sqlx::PgConnection;

use crate::error::{DbResult, db};
use crate::load::key_hash;
use crate::rows::sequencer;
use crate::time::number;

/// Remembers deletions; a repeated one is kept again and changes nothing.
pub(crate) async fn write(conn: &mut PgConnection, now_ms: u64, deletions: &[Deletion]) -> DbResult<()> {
    let column = |of: fn(&Deletion) -> String| deletions.iter().map(of).collect::<Vec<String>>();
    let hashes: Vec<i64> = deletions.iter().map(|deletion| key_hash(&deletion.key)).collect();
    sqlx::query!(
        "INSERT INTO deletions (key_hash, bucket, key, version, sequencer, at_ms)
         SELECT *, $6::bigint FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])",
        &hashes,
        &column(|deletion| deletion.bucket.clone()),
        &column(|deletion| deletion.key.clone()),
        &column(|deletion| deletion.version.clone()),
        &column(|deletion| String::from(deletion.sequencer.clone())),
        number(now_ms),
    )
    .execute(conn)
    .await
    .map_err(db("write deletions"))?;
    Ok(())
}

/// The remembered deletions of keys, given by their hash.
pub(crate) async fn of_keys(conn: &mut PgConnection, keys: &[i64]) -> DbResult<Vec<Deletion>> {
    let rows =
        sqlx::query!("SELECT bucket, key, version, sequencer FROM deletions WHERE key_hash = ANY($1)", keys)
            .fetch_all(conn)
            .await
            .map_err(db("look for deletions"))?;
    let mut deletions = Vec::with_capacity(rows.len());
    for row in rows {
        let sequencer = sequencer(&row.sequencer)?;
        deletions.push(Deletion { bucket: row.bucket, key: row.key, version: row.version, sequencer });
    }
    Ok(deletions)
}
