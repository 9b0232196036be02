//! What finished tasks left: results and staged files, facts, the ladder, the findings. Each is one document, which this
//! program reads and writes as a whole.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::facts::MediaFacts;
use reelgate_flow::ids::AssetId;
use reelgate_flow::left_out::LeftOut;
use reelgate_flow::task::TaskKey;
use reelgate_ports::external_scanner::findings::join;
use reelgate_ports::records::{FindingRecord, RenditionRecord, StagedOutput};
use reelgate_ports::store::Product;
use serde::de::DeserializeOwned;
use sqlx::{PgConnection, PgPool};

use crate::documents::{document, json};
use crate::error::{DbResult, db};
use crate::rows::task_key;
use crate::time::number;

/// Replaces the product of a task.
pub(crate) async fn write(
    conn: &mut PgConnection,
    asset: i64,
    task: TaskKey,
    attempt: u32,
    result: &serde_json::Value,
    outputs: &[StagedOutput],
) -> DbResult<()> {
    sqlx::query!(
        "INSERT INTO products (asset, task, attempt, result, outputs) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (asset, task) DO UPDATE
         SET attempt = excluded.attempt, result = excluded.result, outputs = excluded.outputs",
        asset,
        task.text(),
        i32::try_from(attempt).unwrap_or(i32::MAX),
        result.to_string(),
        json(&outputs)?,
    )
    .execute(conn)
    .await
    .map_err(db("write a task's product"))?;
    Ok(())
}

/// Replaces the facts of an asset.
pub(crate) async fn write_media(conn: &mut PgConnection, asset: i64, media: &MediaFacts) -> DbResult<()> {
    sqlx::query!(
        "WITH summary AS (UPDATE assets SET container = $2, duration_ns = $3 WHERE arrival = $1)
         INSERT INTO media_facts (asset, facts) VALUES ($1, $4)
         ON CONFLICT (asset) DO UPDATE SET facts = excluded.facts",
        asset,
        media.container.as_str(),
        number(media.duration_ns),
        json(media)?,
    )
    .execute(conn)
    .await
    .map_err(db("write the facts of the media"))?;
    Ok(())
}

/// Replaces the ladder of an asset, and what is not in it.
pub(crate) async fn write_package(
    conn: &mut PgConnection,
    asset: i64,
    renditions: &[RenditionRecord],
    left_out: &[LeftOut],
) -> DbResult<()> {
    sqlx::query!(
        "INSERT INTO ladders (asset, renditions, left_out) VALUES ($1, $2, $3)
         ON CONFLICT (asset) DO UPDATE SET renditions = excluded.renditions, left_out = excluded.left_out",
        asset,
        json(&renditions)?,
        json(&left_out)?,
    )
    .execute(conn)
    .await
    .map_err(db("write what was packaged"))?;
    Ok(())
}

/// Replaces the findings of an asset.
pub(crate) async fn write_findings(
    conn: &mut PgConnection,
    asset: i64,
    findings: &[FindingRecord],
) -> DbResult<()> {
    sqlx::query!(
        "INSERT INTO finding_lists (asset, findings) VALUES ($1, $2)
         ON CONFLICT (asset) DO UPDATE SET findings = excluded.findings",
        asset,
        json(&findings)?,
    )
    .execute(conn)
    .await
    .map_err(db("write findings"))?;
    Ok(())
}

/// Adds findings to those that are stored.
pub(crate) async fn add_findings(
    conn: &mut PgConnection,
    asset: i64,
    more: &[FindingRecord],
) -> DbResult<()> {
    let known = findings(conn, asset).await?;
    write_findings(conn, asset, &join(&known, more)).await
}

/// The facts of an asset, where they are known.
pub(crate) async fn facts(conn: &mut PgConnection, asset: &AssetId) -> DbResult<Option<MediaFacts>> {
    let stored = sqlx::query_scalar!(
        "SELECT m.facts FROM media_facts AS m JOIN assets AS a ON a.arrival = m.asset WHERE a.id = $1",
        asset.as_str()
    )
    .fetch_optional(conn)
    .await
    .map_err(db("read the facts of the media"))?;
    Ok(stored.map(|text| document(&text, "media_facts.facts")).transpose()?)
}

/// The ladder of an asset.
pub(crate) async fn renditions(conn: &mut PgConnection, asset: &AssetId) -> DbResult<Vec<RenditionRecord>> {
    let stored = sqlx::query_scalar!(
        "SELECT l.renditions FROM ladders AS l JOIN assets AS a ON a.arrival = l.asset WHERE a.id = $1",
        asset.as_str()
    )
    .fetch_optional(conn)
    .await
    .map_err(db("read renditions"))?;
    Ok(stored.map_or(Ok(Vec::new()), |text| document(&text, "ladders.renditions"))?)
}

/// What is not in the ladder of an asset; `None` if it was packaged before this was kept.
pub(crate) async fn left_out(conn: &mut PgConnection, asset: &AssetId) -> DbResult<Option<Vec<LeftOut>>> {
    let stored = sqlx::query_scalar!(
        "SELECT l.left_out FROM ladders AS l JOIN assets AS a ON a.arrival = l.asset WHERE a.id = $1",
        asset.as_str()
    )
    .fetch_optional(conn)
    .await
    .map_err(db("read what is left out"))?;
    Ok(stored.flatten().map(|text| document(&text, "ladders.left_out")).transpose()?)
}

/// The findings of an asset.
pub(crate) async fn findings(conn: &mut PgConnection, asset: i64) -> DbResult<Vec<FindingRecord>> {
    let stored = sqlx::query_scalar!("SELECT findings FROM finding_lists WHERE asset = $1", asset)
        .fetch_optional(conn)
        .await
        .map_err(db("read findings"))?;
    Ok(stored.map_or(Ok(Vec::new()), |text| document(&text, "finding_lists.findings"))?)
}

/// The findings of several assets; those without any are left out.
pub(crate) async fn findings_of(
    conn: &mut PgConnection,
    assets: &BTreeSet<AssetId>,
) -> DbResult<BTreeMap<AssetId, Vec<FindingRecord>>> {
    let ids: Vec<String> = assets.iter().map(|id| id.as_str().to_owned()).collect();
    let stored = sqlx::query!(
        "SELECT a.id, l.findings FROM assets AS a JOIN finding_lists AS l ON l.asset = a.arrival
         WHERE a.id = ANY($1)",
        &ids
    )
    .fetch_all(conn)
    .await
    .map_err(db("read findings"))?;
    by_asset(stored.into_iter().map(|row| (row.id, row.findings)), "finding_lists.findings")
}

/// What the latest releases of these assets cover; an asset without such a document is left out.
pub(crate) async fn covered_by_releases(
    conn: &mut PgConnection,
    assets: &BTreeSet<AssetId>,
) -> DbResult<BTreeMap<AssetId, serde_json::Value>> {
    let ids: Vec<String> = assets.iter().map(|id| id.as_str().to_owned()).collect();
    let stored = sqlx::query!(
        "SELECT a.id, p.result FROM assets AS a JOIN products AS p ON p.asset = a.arrival AND p.task = $2
         WHERE a.id = ANY($1)",
        &ids,
        TaskKey::Restore.text(),
    )
    .fetch_all(conn)
    .await
    .map_err(db("read what releases cover"))?;
    by_asset(stored.into_iter().map(|row| (row.id, row.result)), "products.result")
}

/// The documents of several assets, from pairs of an id and a text.
fn by_asset<T: DeserializeOwned>(
    stored: impl Iterator<Item = (String, String)>,
    column: &'static str,
) -> DbResult<BTreeMap<AssetId, T>> {
    stored.map(|(id, text)| Ok((AssetId::new(id), document(&text, column)?))).collect()
}

/// The products of the finished tasks of an asset, in order of task; with `only`, the product of that task.
pub(crate) async fn read(pool: &PgPool, asset: &AssetId, only: Option<TaskKey>) -> DbResult<Vec<Product>> {
    let rows = sqlx::query!(
        "SELECT p.task, p.result, p.outputs FROM assets AS a
         JOIN products AS p ON p.asset = a.arrival
         JOIN settled_tasks AS t ON t.asset = p.asset AND t.task = p.task AND t.state = 'done'
         WHERE a.id = $1 AND ($2::text IS NULL OR p.task = $2)",
        asset.as_str(),
        only.map(|task| task.text()),
    )
    .fetch_all(pool)
    .await
    .map_err(db("read products"))?;
    let mut products = Vec::with_capacity(rows.len());
    for row in rows {
        products.push(Product {
            task: task_key(&row.task)?,
            result: document(&row.result, "products.result")?,
            outputs: document(&row.outputs, "products.outputs")?,
        });
    }
    products.sort_by_key(|product| product.task);
    Ok(products)
}
