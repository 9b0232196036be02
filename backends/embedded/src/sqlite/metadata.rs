//! What producers say about their uploads.

use reelgate_ports::error::PortResult;
use reelgate_ports::records::ProducerMetadata;
use sqlx::{SqliteConnection, SqlitePool};

use super::error::db;
use super::work::json;

/// Replaces the metadata of an asset.
pub(super) async fn write(
    conn: &mut SqliteConnection,
    asset: i64,
    metadata: &ProducerMetadata,
) -> PortResult<()> {
    let what = "write metadata";
    sqlx::query("DELETE FROM metadata WHERE asset = ?")
        .bind(asset)
        .execute(&mut *conn)
        .await
        .map_err(db(what))?;
    sqlx::query("INSERT INTO metadata (asset, name, value) SELECT ?, key, value FROM json_each(?)")
        .bind(asset)
        .bind(json(metadata)?)
        .execute(conn)
        .await
        .map_err(db(what))?;
    Ok(())
}

/// The metadata of an asset.
pub(super) async fn read(pool: &SqlitePool, asset: &str) -> PortResult<ProducerMetadata> {
    let rows = sqlx::query_as::<_, (String, String)>(
        "SELECT name, value FROM metadata WHERE asset = (SELECT arrival FROM assets WHERE id = ?)",
    )
    .bind(asset)
    .fetch_all(pool)
    .await
    .map_err(db("read metadata"))?;
    Ok(rows.into_iter().collect())
}
