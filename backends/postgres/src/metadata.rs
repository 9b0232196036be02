//! What producers say about their uploads.

use reelgate_flow::ids::AssetId;
use reelgate_ports::records::ProducerMetadata;
use sqlx::PgConnection;

use crate::error::{DbResult, db};

/// Replaces the metadata of an asset.
pub(crate) async fn write(conn: &mut PgConnection, asset: i64, metadata: &ProducerMetadata) -> DbResult<()> {
    let (names, values): (Vec<String>, Vec<String>) = metadata.clone().into_iter().unzip();
    sqlx::query!(
        "WITH old AS (DELETE FROM metadata WHERE asset = $1 AND NOT name = ANY($2))
         INSERT INTO metadata (asset, name, value)
         SELECT $1, name, value FROM unnest($2::text[], $3::text[]) AS m (name, value)
         ON CONFLICT (asset, name) DO UPDATE SET value = excluded.value",
        asset,
        &names,
        &values,
    )
    .execute(conn)
    .await
    .map_err(db("write metadata"))?;
    Ok(())
}

/// The metadata of an asset.
pub(crate) async fn read(conn: &mut PgConnection, asset: &AssetId) -> DbResult<ProducerMetadata> {
    let rows = sqlx::query!(
        "SELECT m.name, m.value FROM metadata AS m JOIN assets AS a ON a.arrival = m.asset WHERE a.id = $1",
        asset.as_str(),
    )
    .fetch_all(conn)
    .await
    .map_err(db("read metadata"))?;
    Ok(rows.into_iter().map(|row| (row.name, row.value)).collect())
}
