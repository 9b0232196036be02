//! Removes history that is too old.

use reelgate_ports::error::PortResult;
use sqlx::SqlitePool;

use super::error::db;

/// History of so many assets is removed in one transaction, so that other work does not wait long.
const ASSETS_AT_ONCE: i64 = 1_000;

/// Removes the history of assets that ended before `until_ms`, unless they are under hold; returns of how many.
pub(super) async fn retain(writer: &SqlitePool, until_ms: u64) -> PortResult<u64> {
    let until_ms = i64::try_from(until_ms).unwrap_or(i64::MAX);
    let (mut removed, mut after) = (0, 0i64);
    loop {
        let found: Vec<i64> = sqlx::query_scalar(
            "SELECT arrival FROM assets WHERE arrival > ? AND ended_at_ms < ?
                 AND (' ' || flags || ' ') NOT LIKE '% held %'
                 AND EXISTS (SELECT 1 FROM history WHERE asset = arrival) ORDER BY arrival LIMIT ?",
        )
        .bind(after)
        .bind(until_ms)
        .bind(ASSETS_AT_ONCE)
        .fetch_all(writer)
        .await
        .map_err(db("look for old history"))?;
        let Some(last) = found.last() else { return Ok(removed) };
        // An asset may have been redriven or put under hold since it was looked at.
        sqlx::query(
            "DELETE FROM history WHERE asset IN
                 (SELECT arrival FROM assets WHERE arrival > ?1 AND arrival <= ?2 AND ended_at_ms < ?3
                      AND (' ' || flags || ' ') NOT LIKE '% held %')",
        )
        .bind(after)
        .bind(last)
        .bind(until_ms)
        .execute(writer)
        .await
        .map_err(db("remove old history"))?;
        removed += found.len() as u64;
        after = *last;
    }
}
