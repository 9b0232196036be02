//! Decisions of people: stored, carried out, and reviewed when they expire.

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{Decision, Principal};
use sqlx::{SqliteConnection, SqlitePool};

use super::error::{corrupt, db};
use super::work::json;

/// Stores a decision.
pub(super) async fn write(
    conn: &mut SqliteConnection,
    now_ms: u64,
    asset: i64,
    decision: &Decision,
    approver: Option<&Principal>,
) -> PortResult<()> {
    sqlx::query(
        "INSERT INTO decisions (asset, kind, decided_by, decided_how, approver, approver_how, reason, expires_at_ms, at_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(asset)
    .bind(decision.what.as_str())
    .bind(&decision.by.name)
    .bind(&decision.by.how)
    .bind(approver.map(|by| &by.name))
    .bind(approver.map(|by| &by.how))
    .bind(&decision.reason)
    .bind(decision.expires_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)))
    .bind(i64::try_from(now_ms).unwrap_or(i64::MAX))
    .execute(conn)
    .await
    .map_err(db("write a decision"))?;
    Ok(())
}

/// Stores what the next encode of an asset leaves out.
pub(super) async fn write_redaction(
    conn: &mut SqliteConnection,
    asset: i64,
    redaction: &serde_json::Value,
) -> PortResult<()> {
    sqlx::query("INSERT INTO redactions VALUES (?, ?) ON CONFLICT (asset) DO UPDATE SET redaction = excluded.redaction")
        .bind(asset)
        .bind(redaction.to_string())
        .execute(conn)
        .await
        .map_err(db("write a redaction"))?;
    Ok(())
}

/// Has the next encode of an asset leave out what that of another asset leaves out.
pub(super) async fn copy_redaction(conn: &mut SqliteConnection, asset: i64, from: i64) -> PortResult<()> {
    sqlx::query(
        "INSERT INTO redactions SELECT ?, redaction FROM redactions WHERE asset = ?
         ON CONFLICT (asset) DO UPDATE SET redaction = excluded.redaction",
    )
    .bind(asset)
    .bind(from)
    .execute(conn)
    .await
    .map_err(db("write a redaction"))?;
    Ok(())
}

/// What the next encode of an asset leaves out.
pub(super) async fn redaction(pool: &SqlitePool, asset: &AssetId) -> PortResult<Option<serde_json::Value>> {
    let stored: Option<String> = sqlx::query_scalar(
        "SELECT redaction FROM redactions WHERE asset = (SELECT arrival FROM assets WHERE id = ? AND flags LIKE '%redacted')",
    )
    .bind(asset.as_str())
    .fetch_optional(pool)
    .await
    .map_err(db("read a redaction"))?;
    let read = |text: String| {
        serde_json::from_str(&text).map_err(|_| corrupt("redactions.redaction", "a JSON document"))
    };
    stored.map(read).transpose()
}

/// Removes every row that holds text of an erased asset, and its key. The rest proves that the asset existed and was
/// erased.
pub(super) async fn erase(conn: &mut SqliteConnection, asset: i64) -> PortResult<()> {
    let what = "erase rows";
    for table in [
        "media",
        "products",
        "jobs",
        "renditions",
        "left_out",
        "findings",
        "redactions",
        "proposals",
        "metadata",
        "events",
    ] {
        // Our own names, listed above.
        let delete = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE asset = ?"));
        sqlx::query(delete).bind(asset).execute(&mut *conn).await.map_err(db(what))?;
    }
    // By its key, so before that goes.
    sqlx::query(
        "DELETE FROM scans
         WHERE (bucket, key, version) IN (SELECT bucket, key, version FROM assets WHERE arrival = ?)",
    )
    .bind(asset)
    .execute(&mut *conn)
    .await
    .map_err(db(what))?;
    sqlx::query("UPDATE assets SET key = '', location = '', prefix = '' WHERE arrival = ?")
        .bind(asset)
        .execute(conn)
        .await
        .map_err(db(what))?;
    Ok(())
}

const REVIEW: &str = "look for decisions that are due";

/// Published assets whose release has expired. Only the latest release counts, and only while the asset is published
/// because of it.
pub(super) async fn expired_releases(
    conn: &mut SqliteConnection,
    now_ms: u64,
    assets_max: u32,
) -> PortResult<Vec<AssetId>> {
    let over: Vec<String> = sqlx::query_scalar(
        "SELECT a.id FROM assets AS a
         JOIN decisions AS d ON d.number = (SELECT max(number) FROM decisions WHERE asset = a.arrival AND kind = 'release')
         WHERE a.phase = 'published' AND a.flags LIKE '% cleared%' AND d.expires_at_ms <= ?
         ORDER BY a.arrival LIMIT ?",
    )
    .bind(i64::try_from(now_ms).unwrap_or(i64::MAX))
    .bind(assets_max)
    .fetch_all(conn)
    .await
    .map_err(db(REVIEW))?;
    Ok(over.into_iter().map(AssetId::new).collect())
}

/// Quarantined assets whose end and last reminder are no later than this.
pub(super) async fn unreviewed(
    conn: &mut SqliteConnection,
    until_ms: u64,
    assets_max: u32,
) -> PortResult<Vec<AssetId>> {
    let long: Vec<String> = sqlx::query_scalar(
        "SELECT a.id FROM assets AS a LEFT JOIN reminders AS r ON r.asset = a.arrival
         WHERE a.phase = 'quarantined' AND max(a.ended_at_ms, coalesce(r.at_ms, 0)) <= ? ORDER BY a.arrival LIMIT ?",
    )
    .bind(i64::try_from(until_ms).unwrap_or(i64::MAX))
    .bind(assets_max)
    .fetch_all(conn)
    .await
    .map_err(db(REVIEW))?;
    Ok(long.into_iter().map(AssetId::new).collect())
}

/// Stores when the last reminder of these assets was sent.
pub(super) async fn write_reminders(
    conn: &mut SqliteConnection,
    now_ms: u64,
    reminded: &[i64],
) -> PortResult<()> {
    sqlx::query(
        "INSERT INTO reminders SELECT value, ? FROM json_each(?) WHERE true
         ON CONFLICT (asset) DO UPDATE SET at_ms = excluded.at_ms",
    )
    .bind(i64::try_from(now_ms).unwrap_or(i64::MAX))
    .bind(json(&reminded)?)
    .execute(conn)
    .await
    .map_err(db(REVIEW))?;
    Ok(())
}
