//! The order to begin no heavy work.

use reelgate_flow::task::Lane;
use reelgate_ports::records::{HeavyPause, Principal};

use crate::error::{DbResult, db};
use crate::pg_store::PgStore;
use crate::rows::large;

impl PgStore {
    /// Begins the pause; a second order replaces the first.
    pub(crate) async fn begin_pause(&self, reason: &str, by: &Principal) -> DbResult<()> {
        sqlx::query!(
            "INSERT INTO lane_pauses (lane, reason, by_name, by_how, at_ms)
             VALUES ($1, $2, $3, $4, coalesce($5::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint))
             ON CONFLICT (lane) DO UPDATE SET
                 reason = excluded.reason, by_name = excluded.by_name, by_how = excluded.by_how, at_ms = excluded.at_ms",
            Lane::Heavy.as_str(),
            reason,
            by.name,
            by.how,
            self.time.given(),
        )
        .execute(&self.writers)
        .await
        .map_err(db("pause heavy work"))?;
        Ok(())
    }

    /// Ends the pause; false if there was none.
    pub(crate) async fn end_pause(&self) -> DbResult<bool> {
        let ended = sqlx::query!("DELETE FROM lane_pauses WHERE lane = $1", Lane::Heavy.as_str())
            .execute(&self.writers)
            .await
            .map_err(db("resume heavy work"))?;
        Ok(ended.rows_affected() > 0)
    }

    /// The pause, if there is one.
    pub(crate) async fn read_pause(&self) -> DbResult<Option<HeavyPause>> {
        let row = sqlx::query!(
            "SELECT reason, by_name, by_how, at_ms FROM lane_pauses WHERE lane = $1",
            Lane::Heavy.as_str(),
        )
        .fetch_optional(&self.writers)
        .await
        .map_err(db("look for a pause of heavy work"))?;
        let Some(row) = row else { return Ok(None) };
        let by = Principal { name: row.by_name, how: row.by_how };
        Ok(Some(HeavyPause { reason: row.reason, by, since_ms: large(row.at_ms, "lane_pauses.at_ms")? }))
    }
}
