//! Products of finished tasks: results and staged files, the ladder, the findings.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::ids::AssetId;
use reelgate_flow::left_out::LeftOut;
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::PortResult;
use reelgate_ports::external_scanner::findings::join;
use reelgate_ports::records::{Finder, FindingRecord, RenditionRecord, StagedOutput};
use reelgate_ports::store::Product;
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, Sqlite, SqliteConnection, SqlitePool};

use super::error::{corrupt, db};
use super::rows::{count, severity, small, task_key, text};
use super::work::json;

/// Replaces the product of a task.
pub(super) async fn write(
    conn: &mut SqliteConnection,
    asset: i64,
    task: TaskKey,
    attempt: u32,
    result: &serde_json::Value,
    outputs: &[StagedOutput],
) -> PortResult<()> {
    let what = "write a task's product";
    let task = task.text();
    // The rows of its outputs go with it.
    sqlx::query("DELETE FROM products WHERE asset = ? AND task = ?")
        .bind(asset)
        .bind(&task)
        .execute(&mut *conn)
        .await
        .map_err(db(what))?;
    sqlx::query("INSERT INTO products (asset, task, attempt, result) VALUES (?, ?, ?, ?)")
        .bind(asset)
        .bind(&task)
        .bind(attempt)
        .bind(result.to_string())
        .execute(&mut *conn)
        .await
        .map_err(db(what))?;
    if outputs.is_empty() {
        return Ok(());
    }
    let cells: Vec<_> = outputs
        .iter()
        .map(|output| (&output.name, &output.location, output.size_bytes, &output.sha256))
        .collect();
    sqlx::query(
        "INSERT INTO outputs (asset, task, ordinal, name, location, size_bytes, sha256)
         SELECT ?, ?, key, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)",
    )
    .bind(asset)
    .bind(&task)
    .bind(json(&cells)?)
    .execute(conn)
    .await
    .map_err(db(what))?;
    Ok(())
}

/// Replaces the ladder of an asset.
pub(super) async fn write_renditions(
    conn: &mut SqliteConnection,
    asset: i64,
    renditions: &[RenditionRecord],
) -> PortResult<()> {
    let what = "write renditions";
    sqlx::query("DELETE FROM renditions WHERE asset = ?")
        .bind(asset)
        .execute(&mut *conn)
        .await
        .map_err(db(what))?;
    sqlx::query(
        "INSERT INTO renditions (asset, ordinal, name, codec, width, height, bitrate_bps, segments, samples,
                                 duration_ms)
         SELECT ?, key, value ->> 'name', value ->> 'codec', value ->> 'width', value ->> 'height',
                value ->> 'bitrate_bps', value ->> 'segments', value ->> 'samples', value ->> 'duration_ms'
         FROM json_each(?)",
    )
    .bind(asset)
    .bind(json(&renditions)?)
    .execute(conn)
    .await
    .map_err(db(what))?;
    Ok(())
}

/// Replaces what is not in the ladder of an asset.
pub(super) async fn write_left_out(
    conn: &mut SqliteConnection,
    asset: i64,
    left_out: &[LeftOut],
) -> PortResult<()> {
    sqlx::query(
        "INSERT INTO left_out VALUES (?, ?) ON CONFLICT (asset) DO UPDATE SET left_out = excluded.left_out",
    )
    .bind(asset)
    .bind(json(&left_out)?)
    .execute(conn)
    .await
    .map_err(db("write what is left out"))?;
    Ok(())
}

/// What is not in the ladder of an asset; `None` if it was packaged before this was kept.
pub(super) async fn left_out<'c>(
    from: impl Executor<'c, Database = Sqlite>,
    asset: &AssetId,
) -> PortResult<Option<Vec<LeftOut>>> {
    let stored: Option<String> = sqlx::query_scalar(
        "SELECT left_out FROM left_out WHERE asset = (SELECT arrival FROM assets WHERE id = ?)",
    )
    .bind(asset.as_str())
    .fetch_optional(from)
    .await
    .map_err(db("read what is left out"))?;
    let read = |text: String| {
        serde_json::from_str(&text).map_err(|_| corrupt("left_out.left_out", "a list of what is left out"))
    };
    stored.map(read).transpose()
}

/// Replaces the findings of an asset.
pub(super) async fn write_findings(
    conn: &mut SqliteConnection,
    asset: i64,
    findings: &[FindingRecord],
) -> PortResult<()> {
    let what = "write findings";
    sqlx::query("DELETE FROM findings WHERE asset = ?")
        .bind(asset)
        .execute(&mut *conn)
        .await
        .map_err(db(what))?;
    for (ordinal, finding) in (0_i64..).zip(findings) {
        sqlx::query("INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?)")
            .bind(asset)
            .bind(ordinal)
            .bind(&finding.kind)
            .bind(finding.severity.as_str())
            .bind(i64::try_from(finding.count).unwrap_or(i64::MAX))
            .bind(json(&finding.locations)?)
            .bind(finding.source.as_str())
            .execute(&mut *conn)
            .await
            .map_err(db(what))?;
    }
    Ok(())
}

/// Adds findings to those that are stored.
pub(super) async fn add_findings(
    conn: &mut SqliteConnection,
    asset: i64,
    more: &[FindingRecord],
) -> PortResult<()> {
    let rows = sqlx::query("SELECT * FROM findings WHERE asset = ? ORDER BY ordinal")
        .bind(asset)
        .fetch_all(&mut *conn)
        .await
        .map_err(db("read findings"))?;
    let known: Vec<FindingRecord> = rows.iter().map(finding).collect::<PortResult<_>>()?;
    write_findings(conn, asset, &join(&known, more)).await
}

/// The products of the finished tasks of an asset, in order of task; with `only`, the product of that task.
pub(super) async fn read(
    pool: &SqlitePool,
    asset: &AssetId,
    only: Option<TaskKey>,
) -> PortResult<Vec<Product>> {
    let what = "read products";
    // One connection's snapshot would not help: a product and its outputs are written and removed together,
    // and the join below shows both or neither.
    let rows = sqlx::query(
        "SELECT p.task, p.result, o.ordinal, o.name, o.location, o.size_bytes, o.sha256
         FROM products AS p
         JOIN tasks AS t ON t.asset = p.asset AND t.task = p.task AND t.state = 'done'
         LEFT JOIN outputs AS o ON o.asset = p.asset AND o.task = p.task
         WHERE p.asset = (SELECT arrival FROM assets WHERE id = ?1) AND (?2 IS NULL OR p.task = ?2)
         ORDER BY p.task, o.ordinal",
    )
    .bind(asset.as_str())
    .bind(only.map(|task| task.text()))
    .fetch_all(pool)
    .await
    .map_err(db(what))?;
    let mut products: Vec<Product> = Vec::new();
    for row in &rows {
        let task = task_key(row)?;
        if products.last().is_none_or(|last| last.task != task) {
            let result = document(&text(row, "result")?, "products.result")?;
            products.push(Product { task, result, outputs: Vec::new() });
        }
        let has_output = super::rows::get::<Option<i64>>(row, "ordinal")?.is_some();
        if let Some(product) = products.last_mut().filter(|_| has_output) {
            product.outputs.push(output(row)?);
        }
    }
    products.sort_by_key(|product| product.task);
    Ok(products)
}

fn output(row: &SqliteRow) -> PortResult<StagedOutput> {
    Ok(StagedOutput {
        name: text(row, "name")?,
        location: text(row, "location")?,
        size_bytes: count(row, "size_bytes")?,
        sha256: text(row, "sha256")?,
    })
}

/// The ladder of an asset.
pub(super) async fn renditions<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    asset: &AssetId,
) -> PortResult<Vec<RenditionRecord>> {
    let rows = sqlx::query(
        "SELECT * FROM renditions WHERE asset = (SELECT arrival FROM assets WHERE id = ?) ORDER BY ordinal",
    )
    .bind(asset.as_str())
    .fetch_all(executor)
    .await
    .map_err(db("read renditions"))?;
    let read = |row: &SqliteRow| {
        Ok(RenditionRecord {
            name: text(row, "name")?,
            codec: text(row, "codec")?,
            width: small(row, "width")?,
            height: small(row, "height")?,
            bitrate_bps: count(row, "bitrate_bps")?,
            segments: small(row, "segments")?,
            samples: count(row, "samples")?,
            duration_ms: count(row, "duration_ms")?,
        })
    };
    rows.iter().map(read).collect()
}

/// The findings of an asset.
pub(super) async fn findings<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    asset: &AssetId,
) -> PortResult<Vec<FindingRecord>> {
    let rows = sqlx::query(
        "SELECT * FROM findings WHERE asset = (SELECT arrival FROM assets WHERE id = ?) ORDER BY ordinal",
    )
    .bind(asset.as_str())
    .fetch_all(executor)
    .await
    .map_err(db("read findings"))?;
    rows.iter().map(finding).collect()
}

/// The findings of several assets; those without any are left out.
pub(super) async fn findings_of(
    conn: &mut SqliteConnection,
    assets: &BTreeSet<AssetId>,
) -> PortResult<BTreeMap<AssetId, Vec<FindingRecord>>> {
    let rows = sqlx::query(
        "SELECT a.id, f.* FROM assets AS a JOIN findings AS f ON f.asset = a.arrival
         WHERE a.id IN (SELECT value FROM json_each(?)) ORDER BY f.asset, f.ordinal",
    )
    .bind(json(&assets.iter().map(AssetId::as_str).collect::<Vec<_>>())?)
    .fetch_all(conn)
    .await
    .map_err(db("read findings"))?;
    let mut found: BTreeMap<AssetId, Vec<FindingRecord>> = BTreeMap::new();
    for row in &rows {
        found.entry(AssetId::new(text(row, "id")?)).or_default().push(finding(row)?);
    }
    Ok(found)
}

/// What the latest releases of these assets cover; an asset without such a document is left out.
pub(super) async fn covered_by_releases(
    conn: &mut SqliteConnection,
    assets: &BTreeSet<AssetId>,
) -> PortResult<BTreeMap<AssetId, serde_json::Value>> {
    let rows = sqlx::query(
        "SELECT a.id, p.result FROM assets AS a JOIN products AS p ON p.asset = a.arrival AND p.task = ?
         WHERE a.id IN (SELECT value FROM json_each(?))",
    )
    .bind(TaskKey::Restore.text())
    .bind(json(&assets.iter().map(AssetId::as_str).collect::<Vec<_>>())?)
    .fetch_all(conn)
    .await
    .map_err(db("read what releases cover"))?;
    let read = |row: &SqliteRow| {
        Ok((AssetId::new(text(row, "id")?), document(&text(row, "result")?, "products.result")?))
    };
    rows.iter().map(read).collect()
}

fn finding(row: &SqliteRow) -> PortResult<FindingRecord> {
    Ok(FindingRecord {
        kind: text(row, "kind")?,
        source: Finder::parse(&text(row, "source")?)
            .ok_or_else(|| corrupt("findings.source", "`local` or `macie`"))?,
        severity: severity(&text(row, "severity")?, "findings.severity")?,
        count: count(row, "count")?,
        locations: document(&text(row, "locations")?, "findings.locations")?,
    })
}

pub(super) fn document<T: serde::de::DeserializeOwned>(json: &str, column: &'static str) -> PortResult<T> {
    serde_json::from_str(json).map_err(|_| corrupt(column, "JSON of its form"))
}
