//! Deletions, and findings about uploads that have not arrived: an older upload that arrives after its deletion is not
//! processed, and a finding that arrives before its upload counts.

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::ExternalScanEvent;
use reelgate_store::work::{Deletion, LATE_EVENT_MS_MAX};
use sqlx::PgConnection;

use crate::documents::{document, json};
use crate::error::{DbResult, db};
use crate::pg_store::PgStore;
use crate::rows::sequencer;
use crate::time::number;

/// Stores deletions; of two deletions of one version the later one stays.
pub(crate) async fn write(conn: &mut PgConnection, now_ms: u64, deletions: &[Deletion]) -> DbResult<()> {
    let column = |of: fn(&Deletion) -> String| deletions.iter().map(of).collect::<Vec<String>>();
    sqlx::query!(
        "INSERT INTO deletions AS d (key_sha256, bucket, version, sequencer, at_ms)
         SELECT *, $5::bigint FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
         ON CONFLICT (key_sha256, bucket, version)
         DO UPDATE SET sequencer = greatest(d.sequencer, excluded.sequencer), at_ms = excluded.at_ms",
        &column(|deletion| deletion.key_sha256.clone()),
        &column(|deletion| deletion.bucket.clone()),
        &column(|deletion| deletion.version.clone()),
        &column(|deletion| deletion.sequencer.sort_key()),
        number(now_ms),
    )
    .execute(conn)
    .await
    .map_err(db("write deletions"))?;
    Ok(())
}

/// The stored deletions of keys, which are given by their SHA-256.
pub(crate) async fn of_keys(conn: &mut PgConnection, keys: &[String]) -> DbResult<Vec<Deletion>> {
    let rows = sqlx::query!(
        "SELECT bucket, key_sha256, version, sequencer FROM deletions WHERE key_sha256 = ANY($1)",
        keys
    )
    .fetch_all(conn)
    .await
    .map_err(db("look for deletions"))?;
    let mut deletions = Vec::with_capacity(rows.len());
    for row in rows {
        let sequencer = sequencer(&row.sequencer)?;
        deletions.push(Deletion {
            bucket: row.bucket,
            key_sha256: row.key_sha256,
            version: row.version,
            sequencer,
        });
    }
    Ok(deletions)
}

/// Stores findings about assets that are not known yet.
pub(crate) async fn keep_unlinked(
    conn: &mut PgConnection,
    now_ms: u64,
    scans: &[ExternalScanEvent],
) -> DbResult<()> {
    let ids: Vec<String> = scans.iter().map(|scan| scan.id.clone()).collect();
    let about = |scan: &ExternalScanEvent| scan.about().map(|id| id.as_str().to_owned()).unwrap_or_default();
    let assets: Vec<String> = scans.iter().map(about).collect();
    let texts: Vec<String> = scans.iter().map(json).collect::<PortResult<_>>()?;
    sqlx::query!(
        "INSERT INTO unlinked_scans (id, asset, scan, at_ms)
         SELECT *, $4::bigint FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT (id) DO NOTHING",
        &ids,
        &assets,
        &texts,
        number(now_ms),
    )
    .execute(conn)
    .await
    .map_err(db("write findings about uploads to come"))?;
    Ok(())
}

/// Removes and returns the findings that were stored for these assets.
pub(crate) async fn take_unlinked(
    conn: &mut PgConnection,
    assets: &[AssetId],
) -> DbResult<Vec<ExternalScanEvent>> {
    let assets: Vec<String> = assets.iter().map(|id| id.as_str().to_owned()).collect();
    let mut taken =
        sqlx::query!("DELETE FROM unlinked_scans WHERE asset = ANY($1) RETURNING id, scan", &assets)
            .fetch_all(conn)
            .await
            .map_err(db("look for findings about new uploads"))?;
    taken.sort_by(|one, other| one.id.cmp(&other.id));
    let read = taken.iter().map(|row| document(&row.scan, "unlinked_scans.scan"));
    Ok(read.collect::<PortResult<_>>()?)
}

impl PgStore {
    /// Removes what is older than any event that may still arrive.
    pub(crate) async fn forget_late_events(&self) -> DbResult<()> {
        sqlx::query!(
            "WITH clock AS (
                 SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) - $2::bigint AS ms
             ), unlinked AS (
                 DELETE FROM unlinked_scans USING clock WHERE at_ms < clock.ms
             ), linked AS (
                 DELETE FROM scans USING clock WHERE at_ms < clock.ms
             ), refused AS (
                 DELETE FROM refused_events USING clock WHERE at_ms < clock.ms
             )
             DELETE FROM deletions USING clock WHERE at_ms < clock.ms",
            self.time.given(),
            number(LATE_EVENT_MS_MAX),
        )
        .execute(&self.writers)
        .await
        .map_err(db("remove late events"))?;
        Ok(())
    }
}
