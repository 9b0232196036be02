//! Loads assets that concern each other: with the same content, or versions of one key.

use std::collections::BTreeSet;

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_store::work::UnitOfWork;
use sqlx::SqliteConnection;

use super::error::db;
use super::queue_clock::QueueTime;
use super::work::{json, load};

/// Every version of these keys, given by their SHA-256.
const VERSIONS: &str = "SELECT id FROM assets WHERE key_sha256 IN (SELECT value FROM json_each(?))";

/// Every asset whose name is of these families, given by their SHA-256.
const FAMILIES: &str =
    "SELECT id FROM assets WHERE family_sha256 <> '' AND family_sha256 IN (SELECT value FROM json_each(?))";

/// The duplicates that wait for these assets.
const DUPLICATES: &str = "SELECT id FROM assets
    WHERE linked_to IN (SELECT value FROM json_each(?)) AND phase IN ('linked', 'screened')";

/// Every asset with these contents.
const SAME_CONTENT: &str = "SELECT id FROM assets WHERE sha256 IN (SELECT value FROM json_each(?))";

/// The earliest assets with each of these contents whose result others may share.
const SHAREABLE: &str = "SELECT a.id FROM json_each(?) AS content JOIN assets AS a ON a.arrival IN (
        SELECT arrival FROM assets WHERE sha256 = content.value AND (linked_to IS NULL OR phase = 'published')
            AND (phase IN ('processing', 'screened', 'published', 'quarantined', 'withdrawing')
                OR (phase = 'received' AND flags LIKE '%redacted'))
        ORDER BY arrival LIMIT 8)";

/// Loads every version of these keys.
pub(super) async fn versions(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    time: QueueTime,
    keys: &BTreeSet<String>,
) -> PortResult<()> {
    find(conn, work, time, VERSIONS, keys, "look for other versions").await
}

/// Loads every asset whose name is of these families.
pub(super) async fn families(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    time: QueueTime,
    families: &BTreeSet<String>,
) -> PortResult<()> {
    find(conn, work, time, FAMILIES, families, "look for caption files and their films").await
}

/// Loads the duplicates that wait for these assets.
pub(super) async fn duplicates(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    time: QueueTime,
    of: &BTreeSet<AssetId>,
) -> PortResult<()> {
    let of = of.iter().map(|id| id.as_str().to_owned()).collect();
    find(conn, work, time, DUPLICATES, &of, "look for duplicates").await
}

/// Loads every asset with these contents.
pub(super) async fn same_content(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    time: QueueTime,
    contents: &BTreeSet<String>,
) -> PortResult<()> {
    find(conn, work, time, SAME_CONTENT, contents, "look for every asset with the same content").await
}

/// Loads the earliest assets with each of these contents whose result others may share.
pub(super) async fn shareable(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    time: QueueTime,
    contents: &BTreeSet<String>,
) -> PortResult<()> {
    find(conn, work, time, SHAREABLE, contents, "look for the same content").await
}

async fn find(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    time: QueueTime,
    statement: &'static str,
    values: &BTreeSet<String>,
    what: &'static str,
) -> PortResult<()> {
    let found = sqlx::query_scalar::<_, String>(statement)
        .bind(json(values)?)
        .fetch_all(&mut *conn)
        .await
        .map_err(db(what))?;
    let found: Vec<AssetId> = found.into_iter().map(AssetId::new).collect();
    load(conn, work, time, &found).await
}
