//! Finding the assets that concern each other: the same content, or versions of the same key.

use std::collections::BTreeSet;

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::unit::{FollowUp, UnitOfWork};
use sqlx::SqliteConnection;

use super::error::db;
use super::work::{json, load};

/// Carries out what steps cause at other assets, until nothing more follows.
pub(super) async fn follow_up(conn: &mut SqliteConnection, work: &mut UnitOfWork) -> PortResult<()> {
    while let Some(next) = work.next_follow_up() {
        match &next {
            FollowUp::Duplicates(id, _) => load_duplicates(conn, work, id).await?,
            FollowUp::Older(id) => load_versions(conn, work, std::slice::from_ref(id)).await?,
            FollowUp::SameKey { id, same_content } => {
                load_versions(conn, work, std::slice::from_ref(id)).await?;
                if *same_content {
                    load_same_content(conn, work, id).await?;
                }
            }
        }
        work.carry_out(next)?;
    }
    Ok(())
}

async fn load_duplicates(conn: &mut SqliteConnection, work: &mut UnitOfWork, id: &AssetId) -> PortResult<()> {
    let stored = sqlx::query_scalar::<_, String>(
        "SELECT id FROM assets WHERE linked_to = ? AND phase IN ('linked', 'screened')",
    )
    .bind(id.as_str())
    .fetch_all(&mut *conn)
    .await
    .map_err(db("look for assets with the same content"))?;
    let stored: Vec<AssetId> = stored.into_iter().map(AssetId::new).collect();
    load(conn, work, &stored).await
}

/// Loads every asset with the content of this one.
async fn load_same_content(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    id: &AssetId,
) -> PortResult<()> {
    let Some(sha256) = work.at(id)?.row.sha256.clone() else { return Ok(()) };
    let stored = sqlx::query_scalar::<_, String>("SELECT id FROM assets WHERE sha256 = ?")
        .bind(sha256)
        .fetch_all(&mut *conn)
        .await
        .map_err(db("look for every asset with the same content"))?;
    let stored: Vec<AssetId> = stored.into_iter().map(AssetId::new).collect();
    load(conn, work, &stored).await
}

/// Loads every version of the keys of these assets.
pub(super) async fn load_versions(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    ids: &[AssetId],
) -> PortResult<()> {
    let keys: BTreeSet<&str> = ids
        .iter()
        .filter_map(|id| work.loaded.get(id))
        .map(|loaded| loaded.row.key_sha256.as_str())
        .collect();
    let stored = sqlx::query_scalar::<_, String>(
        "SELECT id FROM assets WHERE key_sha256 IN (SELECT value FROM json_each(?))",
    )
    .bind(json(&keys)?)
    .fetch_all(&mut *conn)
    .await
    .map_err(db("look for other versions"))?;
    let stored: Vec<AssetId> = stored.into_iter().map(AssetId::new).collect();
    load(conn, work, &stored).await
}

/// Loads the earliest assets with this content whose result may be shared.
pub(super) async fn load_originals(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    id: &AssetId,
    sha256: &str,
) -> PortResult<()> {
    let stored = sqlx::query_scalar::<_, String>(
        "SELECT id FROM assets WHERE sha256 = ? AND id <> ? AND (linked_to IS NULL OR phase = 'published')
             AND phase IN ('processing', 'screened', 'published', 'quarantined', 'withdrawing')
         ORDER BY arrival LIMIT 8",
    )
    .bind(sha256)
    .bind(id.as_str())
    .fetch_all(&mut *conn)
    .await
    .map_err(db("look for the same content"))?;
    let stored: Vec<AssetId> = stored.into_iter().map(AssetId::new).collect();
    load(conn, work, &stored).await
}
