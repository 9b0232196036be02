//! Decisions of people: stored, carried out, and reviewed when they expire.

use reelgate_flow::ids::AssetId;
use reelgate_ports::records::{Decision, Principal};
use sqlx::PgConnection;

use crate::documents::document;
use crate::error::{DbResult, db};
use crate::pg_store::PgStore;
use crate::time::number;

const WHAT: &str = "look for decisions that are due";

/// Stores a decision.
pub(crate) async fn write(
    conn: &mut PgConnection,
    now_ms: u64,
    asset: i64,
    decision: &Decision,
    approver: Option<&Principal>,
) -> DbResult<()> {
    sqlx::query!(
        "INSERT INTO decisions (asset, kind, decided_by, decided_how, approver, approver_how, reason, expires_at_ms, at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        asset,
        decision.what.as_str(),
        decision.by.name,
        decision.by.how,
        approver.map(|by| by.name.as_str()),
        approver.map(|by| by.how.as_str()),
        decision.reason,
        decision.expires_ms.map(number),
        number(now_ms),
    )
    .execute(conn)
    .await
    .map_err(db("write a decision"))?;
    Ok(())
}

/// Stores what the next encode of an asset leaves out.
pub(crate) async fn write_redaction(
    conn: &mut PgConnection,
    asset: i64,
    redaction: &serde_json::Value,
) -> DbResult<()> {
    sqlx::query!(
        "INSERT INTO redactions (asset, redaction) VALUES ($1, $2)
         ON CONFLICT (asset) DO UPDATE SET redaction = excluded.redaction",
        asset,
        redaction.to_string(),
    )
    .execute(conn)
    .await
    .map_err(db("write a redaction"))?;
    Ok(())
}

/// Has the next encode of an asset leave out what that of another asset leaves out.
pub(crate) async fn copy_redaction(conn: &mut PgConnection, asset: i64, from: i64) -> DbResult<()> {
    sqlx::query!(
        "INSERT INTO redactions (asset, redaction) SELECT $1, redaction FROM redactions WHERE asset = $2
         ON CONFLICT (asset) DO UPDATE SET redaction = excluded.redaction",
        asset,
        from,
    )
    .execute(conn)
    .await
    .map_err(db("write a redaction"))?;
    Ok(())
}

/// Removes every row that holds text of an erased asset, and its key. The rest proves that the asset existed and was
/// erased.
pub(crate) async fn erase(conn: &mut PgConnection, asset: i64) -> DbResult<()> {
    sqlx::query!(
        "WITH scanned AS (DELETE FROM scans USING assets AS a
                          WHERE a.arrival = $1 AND scans.bucket = a.bucket AND scans.key = a.key
                              AND scans.version = a.version),
              media AS (DELETE FROM media_facts WHERE asset = $1),
              said AS (DELETE FROM metadata WHERE asset = $1),
              products AS (DELETE FROM products WHERE asset = $1),
              jobs AS (DELETE FROM jobs WHERE asset = $1),
              ladders AS (DELETE FROM ladders WHERE asset = $1),
              findings AS (DELETE FROM finding_lists WHERE asset = $1),
              redactions AS (DELETE FROM redactions WHERE asset = $1),
              proposals AS (DELETE FROM proposals WHERE asset = $1)
         UPDATE assets SET key = '', prefix = '' WHERE arrival = $1",
        asset,
    )
    .execute(conn)
    .await
    .map_err(db("erase rows"))?;
    Ok(())
}

impl PgStore {
    /// What the next encode of an asset leaves out.
    pub(crate) async fn read_redaction(&self, asset: &AssetId) -> DbResult<Option<serde_json::Value>> {
        let stored = sqlx::query_scalar!(
            "SELECT r.redaction FROM redactions AS r JOIN assets AS a ON a.arrival = r.asset
             WHERE a.id = $1 AND a.flags LIKE '%redacted'",
            asset.as_str(),
        )
        .fetch_optional(&self.writers)
        .await
        .map_err(db("read a redaction"))?;
        Ok(stored.map(|text| document(&text, "redactions.redaction")).transpose()?)
    }
}

/// Published assets whose release has expired. Only the latest release counts, and only while the asset is published
/// because of it.
pub(crate) async fn expired_releases(
    conn: &mut PgConnection,
    now_ms: i64,
    assets_max: u32,
) -> DbResult<Vec<AssetId>> {
    let over = sqlx::query_scalar!(
        r#"SELECT a.id FROM decisions AS d JOIN assets AS a ON a.arrival = d.asset
               WHERE d.expires_at_ms <= $1 AND a.phase = 'published' AND a.flags LIKE '% cleared%'
                   AND d.number = (SELECT max(number) FROM decisions WHERE asset = d.asset AND kind = 'release')
               ORDER BY a.arrival LIMIT $2"#,
        now_ms,
        i64::from(assets_max),
    )
    .fetch_all(conn)
    .await
    .map_err(db(WHAT))?;
    Ok(over.into_iter().map(AssetId::new).collect())
}

/// Quarantined assets whose end and last reminder are no later than this.
pub(crate) async fn unreviewed(
    conn: &mut PgConnection,
    until_ms: i64,
    assets_max: u32,
) -> DbResult<Vec<AssetId>> {
    let long = sqlx::query_scalar!(
        r#"SELECT a.id FROM assets AS a LEFT JOIN reminders AS r ON r.asset = a.arrival
               WHERE a.phase = 'quarantined' AND a.ended_at_ms <= $1 AND coalesce(r.at_ms, 0) <= $1
               ORDER BY a.arrival LIMIT $2"#,
        until_ms,
        i64::from(assets_max),
    )
    .fetch_all(conn)
    .await
    .map_err(db(WHAT))?;
    Ok(long.into_iter().map(AssetId::new).collect())
}

/// Stores when the last reminder of these assets was sent.
pub(crate) async fn write_reminders(conn: &mut PgConnection, now_ms: i64, reminded: &[i64]) -> DbResult<()> {
    sqlx::query!(
        "INSERT INTO reminders (asset, at_ms) SELECT *, $2::bigint FROM unnest($1::bigint[])
             ON CONFLICT (asset) DO UPDATE SET at_ms = excluded.at_ms",
        reminded,
        now_ms,
    )
    .execute(conn)
    .await
    .map_err(db(WHAT))?;
    Ok(())
}
