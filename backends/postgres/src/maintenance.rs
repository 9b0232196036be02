//! Regular maintenance: months of history, compacted counts, and tasks that claims have overlooked.

use std::time::Instant;

use reelgate_ports::records::Retained;
use sqlx::postgres::PgPool;

use crate::cursor::claimable_since;
use crate::error::{DbResult, db};
use crate::pg_store::PgStore;
use crate::{claim, pooled_connection};

/// Months of history that are prepared ahead.
const MONTHS_AHEAD: i32 = 2;
/// The end of a prefix's queue no longer matters once it is this far in the past, milliseconds: more than the head start
/// of a high priority.
const QUEUE_ENDS_KEPT_MS: i64 = 2 * 3_600_000;

/// How long the removal of a month may wait for readers of history; all its writers wait in the meantime.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '1s'";

impl PgStore {
    /// Prepares the coming months of history and removes those that ended more than `days` ago. A month stays as long
    /// as an asset that came in before its end has not ended itself or is under hold.
    pub(crate) async fn maintain_history(&self, days: Option<u32>) -> DbResult<Retained> {
        prepare_months(&self.readers).await?;
        self.forget_late_events().await?;
        let mut retained = Retained::default();
        let Some(days) = days else { return Ok(retained) };
        for (name, until_ms) in self.months_ended(days).await? {
            if self.is_needed(until_ms).await? {
                retained.kept += 1;
            } else if self.remove_month(&name).await? {
                retained.removed += 1;
            }
        }
        Ok(retained)
    }

    /// Removes a month; false if another node does so now or has done so.
    async fn remove_month(&self, name: &str) -> DbResult<bool> {
        let what = "remove a month of history";
        let mut tx = pooled_connection::begin(&self.readers, "BEGIN", what).await?;
        let first = sqlx::query_scalar!(
            r#"SELECT pg_try_advisory_xact_lock(hashtext('reelgate months removed')) AS "first!""#
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(db(what))?;
        // Another node may have removed it in the meantime. The catalogue's rows are read as of this statement; a
        // lookup by name (`to_regclass`) may answer from a cache that does not know of the removal yet.
        let there = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT 1 FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
                              WHERE i.inhparent = 'history_commits'::regclass AND c.relname = $1::text) AS "there!""#,
            name,
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(db(what))?;
        if !first || !there {
            return Ok(false);
        }
        sqlx::query(LOCK_TIMEOUT).execute(&mut *tx).await.map_err(db(what))?;
        // The name comes from the catalogue; an identifier cannot be bound.
        let drop = sqlx::AssertSqlSafe(format!("DROP TABLE \"{name}\""));
        sqlx::query(drop).execute(&mut *tx).await.map_err(db(what))?;
        tx.commit().await.map_err(db(what))?;
        Ok(true)
    }

    /// Months of history that ended that long ago: the partition's name, and its end in milliseconds since 1970.
    async fn months_ended(&self, days: u32) -> DbResult<Vec<(String, i64)>> {
        let rows = sqlx::query!(
            r#"SELECT c.relname::text AS "name!",
                      (extract(epoch FROM to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') * 1000)::bigint
                          AS "until_ms!"
               FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
               WHERE i.inhparent = 'history_commits'::regclass AND c.relname ~ '^history_[0-9]{4}_[0-9]{2}$'
                   AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' + make_interval(days => $1) <= now()
               ORDER BY 1"#,
            i32::try_from(days).unwrap_or(i32::MAX),
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db("look for old months of history"))?;
        Ok(rows.into_iter().map(|row| (row.name, row.until_ms)).collect())
    }

    async fn is_needed(&self, until_ms: i64) -> DbResult<bool> {
        sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT 1 FROM assets WHERE received_at_ms < $1 AND ended_at_ms IS NULL)
                   OR EXISTS (SELECT 1 FROM assets WHERE received_at_ms < $1 AND ' ' || flags || ' ' LIKE '% held %')
                   AS "needed!""#,
            until_ms,
        )
        .fetch_one(&self.readers)
        .await
        .map_err(db("look for assets that need their history"))
    }

    /// Compacts counts and queue ends, and looks for tasks that claims have overlooked. It is called along with other
    /// work, so most calls do nothing.
    pub(crate) async fn maintain(&self) -> DbResult<()> {
        if self.claims_looked.is_due() {
            self.look_for_overlooked().await?;
        }
        if self.maintained.is_due() {
            let begun = Instant::now();
            self.fold().await?;
            self.maintained.took(begun.elapsed());
        }
        Ok(())
    }

    /// Looks from the beginning for a claimable task before the position where claims begin; see [`mod@crate::cursor`].
    async fn look_for_overlooked(&self) -> DbResult<()> {
        let begun = Instant::now();
        for urgency in claim::urgencies() {
            let look = self.cursor.look(urgency);
            let overlooked = sqlx::query_scalar!(
                r#"SELECT queue_position FROM open_tasks
                   WHERE urgency = $1 AND queue_position < $2 AND claimable_since < $3 AND due AND lease_owner IS NULL
                   ORDER BY urgency, queue_position, asset, task LIMIT 1"#,
                i16::from(urgency),
                look.queue_position,
                look.since_from.max(claimable_since(urgency, 0)),
            )
            .fetch_optional(&self.writers)
            .await
            .map_err(db("look for overlooked tasks"))?;
            if overlooked.is_some() {
                self.cursor.forget();
            }
        }
        self.claims_looked.took(begun.elapsed());
        Ok(())
    }

    /// One node at a time: the others skip it.
    async fn fold(&self) -> DbResult<()> {
        let what = "compact counts and queue ends";
        let mut tx = pooled_connection::begin(&self.writers, "BEGIN", what).await?;
        let first =
            sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock(hashtext('reelgate fold')) AS "first!""#)
                .fetch_one(&mut *tx)
                .await
                .map_err(db(what))?;
        if !first {
            return Ok(());
        }
        sqlx::query!(
            "WITH gone AS (DELETE FROM phase_counts RETURNING phase, change)
             INSERT INTO phase_counts (phase, change)
             SELECT phase, sum(change)::bigint FROM gone GROUP BY phase HAVING sum(change) <> 0"
        )
        .execute(&mut *tx)
        .await
        .map_err(db(what))?;
        sqlx::query!(
            "DELETE FROM prefixes WHERE queue_end < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1",
            QUEUE_ENDS_KEPT_MS,
        )
        .execute(&mut *tx)
        .await
        .map_err(db(what))?;
        sqlx::query!(
            "DELETE FROM prefixes AS p USING (
                 SELECT bucket, prefix_sha256, priority, max(queue_end) AS latest FROM prefixes GROUP BY 1, 2, 3
             ) AS l
             WHERE p.bucket = l.bucket AND p.prefix_sha256 = l.prefix_sha256 AND p.priority = l.priority
                 AND p.queue_end < l.latest"
        )
        .execute(&mut *tx)
        .await
        .map_err(db(what))?;
        tx.commit().await.map_err(db(what))
    }
}

/// Creates the partitions of this month and the next ones where they are missing; one caller at a time, because two that
/// find a partition missing would both create it.
pub(crate) async fn prepare_months(pool: &PgPool) -> DbResult<()> {
    let what = "prepare months of history";
    let mut tx = pooled_connection::begin(pool, "BEGIN", what).await?;
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('reelgate months'))::text AS locked")
        .fetch_one(&mut *tx)
        .await
        .map_err(db(what))?;
    for ahead in 0..=MONTHS_AHEAD {
        let month = sqlx::query!(
            r#"SELECT to_char(m, '"history_"YYYY"_"MM') AS "name!", to_char(m, 'YYYY-MM-DD') AS "from!",
                      to_char(m + interval '1 month', 'YYYY-MM-DD') AS "until!"
               FROM (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => $1) AS m) AS month"#,
            ahead,
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(db(what))?;
        // All three are digits and underscores that the database has just formatted.
        let create = sqlx::AssertSqlSafe(format!(
            "CREATE TABLE IF NOT EXISTS {} PARTITION OF history_commits
             FOR VALUES FROM ('{} 00:00:00+00') TO ('{} 00:00:00+00')",
            month.name, month.from, month.until,
        ));
        sqlx::query(create).execute(&mut *tx).await.map_err(db(what))?;
    }
    tx.commit().await.map_err(db(what))
}
