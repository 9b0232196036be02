//! The order to begin no heavy work.

use reelgate_flow::task::Lane;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{HeavyPause, Principal};
use sqlx::SqlitePool;

use super::error::db;
use super::rows::{count, text};

/// Begins the pause; a second order replaces the first.
pub(super) async fn pause(pool: &SqlitePool, now_ms: u64, reason: &str, by: &Principal) -> PortResult<()> {
    sqlx::query(
        "INSERT OR REPLACE INTO lane_pauses (lane, reason, by_name, by_how, at_ms) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(Lane::Heavy.as_str())
    .bind(reason)
    .bind(&by.name)
    .bind(&by.how)
    .bind(i64::try_from(now_ms).unwrap_or(i64::MAX))
    .execute(pool)
    .await
    .map_err(db("pause heavy work"))?;
    Ok(())
}

/// Ends the pause; false if there was none.
pub(super) async fn resume(pool: &SqlitePool) -> PortResult<bool> {
    let ended = sqlx::query("DELETE FROM lane_pauses WHERE lane = ?")
        .bind(Lane::Heavy.as_str())
        .execute(pool)
        .await
        .map_err(db("resume heavy work"))?;
    Ok(ended.rows_affected() > 0)
}

/// The pause, if there is one.
pub(super) async fn read(pool: &SqlitePool) -> PortResult<Option<HeavyPause>> {
    let row = sqlx::query("SELECT * FROM lane_pauses WHERE lane = ?")
        .bind(Lane::Heavy.as_str())
        .fetch_optional(pool)
        .await
        .map_err(db("look for a pause of heavy work"))?;
    let read = |row| {
        Ok(HeavyPause {
            reason: text(&row, "reason")?,
            by: Principal { name: text(&row, "by_name")?, how: text(&row, "by_how")? },
            since_ms: count(&row, "at_ms")?,
        })
    };
    row.map(read).transpose()
}
