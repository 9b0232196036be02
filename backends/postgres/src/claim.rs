//! Leases due tasks by one statement that waits for no lock. The statement counts the attempt, before any work starts.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reelgate_flow::asset::{Exit, Flags};
use reelgate_flow::ids::{AssetId, NodeId, SourceId};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{Claim, Fence, SourceRecord};
use tokio::time::sleep;

use crate::again::again;
use crate::cursor::{Look, Took, claimable_since};
use crate::documents::document;
use crate::error::{DbResult, db};
use crate::pg_store::PgStore;
use crate::pooled_connection::PooledConnection;
use crate::rows::{exit, large, sequencer, small, task_key, word};
use crate::time::{count, number};

const WHAT: &str = "claim tasks";

/// How often a claim is tried again after its connection broke.
const TRIES_MAX: u32 = 5;

/// Most urgencies within one lane: what the statement that claims has room for.
const LOOKS: usize = 4;

/// One kind of every task there is.
const KINDS: [TaskKey; 12] = [
    TaskKey::Withdraw,
    TaskKey::Publish,
    TaskKey::Restore,
    TaskKey::KeepSource,
    TaskKey::Package,
    TaskKey::Screen,
    TaskKey::ExternalScan,
    TaskKey::Validate,
    TaskKey::Video { chunk: 0 },
    TaskKey::Audio,
    TaskKey::Captions,
    TaskKey::Enrich,
];

/// Every urgency there is, the most urgent first.
pub(crate) fn urgencies() -> BTreeSet<u8> {
    KINDS.iter().map(|kind| kind.urgency()).collect()
}

/// The lane of tasks of this urgency.
pub(crate) fn lane_of(urgency: u8) -> Lane {
    let kind = KINDS.iter().find(|kind| kind.urgency() == urgency);
    kind.map_or(Lane::Heavy, |kind| kind.lane())
}

/// A leased task with its asset.
struct Leased {
    asset: i64,
    task: String,
    attempts: i32,
    urgency: i16,
    queue_position: i64,
    new: bool,
    now_ms: i64,
    id: String,
    bucket: String,
    key: String,
    version: String,
    sequencer: String,
    size_bytes: i64,
    location: String,
    exit: Option<String>,
    flags: String,
    linked: bool,
    job: Option<String>,
}

impl PgStore {
    /// Leases the most urgent kind first, then by the queue position of their assets.
    ///
    /// A task whose lease has expired is not claimable before the reaper has counted the lost attempt.
    pub(crate) async fn lease(
        &self,
        node: &NodeId,
        lane: Lane,
        tasks_max: u16,
        lease_ms: u64,
    ) -> DbResult<Vec<Claim>> {
        // Asked with every claim of this lane: no node begins heavy work later than its next claim.
        if lane == Lane::Heavy && again!(self, self.read_pause())?.is_some() {
            return Ok(Vec::new());
        }
        let woke_ms = again!(self, self.wake_waiting())?;
        let looks: Vec<Look> = urgencies()
            .into_iter()
            .filter(|urgency| lane_of(*urgency) == lane)
            .map(|urgency| self.cursor.look(urgency))
            .collect();
        let mut leased = self.take(node, &looks, tasks_max, lease_ms).await?;
        leased.sort_by_key(|row| (row.urgency, row.queue_position, row.asset));
        let now_ms = leased.first().map_or(woke_ms, |row| count(row.now_ms));
        let mut left = usize::from(tasks_max);
        for look in looks {
            let took = took(leased.iter().filter(|row| row.urgency == i16::from(look.urgency)));
            if left > 0 {
                self.cursor.learn(look, took, left, now_ms);
            }
            left = left.saturating_sub(took.new + took.onward);
        }
        let claims = leased.into_iter().map(|row| claimed(row, lease_ms));
        let mut claims = claims.collect::<PortResult<Vec<_>>>()?;
        claims.sort_by_key(|(order, claim)| (*order, claim.fence.task));
        Ok(claims.into_iter().map(|(_, claim)| claim).collect())
    }

    /// Takes tasks of these kinds. If the answer is lost, the tasks that this claim took are read by its number.
    async fn take(
        &self,
        node: &NodeId,
        looks: &[Look],
        tasks_max: u16,
        lease_ms: u64,
    ) -> DbResult<Vec<Leased>> {
        let claim = self.jitter.next().cast_signed();
        let mut tries = 1;
        loop {
            let error = match self.try_take(node, looks, tasks_max, lease_ms, claim).await {
                Ok(leased) => return Ok(leased),
                Err(error) => error,
            };
            if !error.is_passing() || tries == TRIES_MAX {
                return Err(error);
            }
            self.cursor.forget();
            sleep(self.jitter.spread(Duration::from_millis(10 << tries))).await;
            let taken = self.taken(claim).await;
            match taken {
                Ok(leased) if !leased.is_empty() => return Ok(leased),
                Err(error) if !error.is_passing() => return Err(error),
                _ => {}
            }
            tries += 1;
        }
    }

    /// One kind after the other, each limited to the number that the kinds before it have left.
    async fn try_take(
        &self,
        node: &NodeId,
        looks: &[Look],
        tasks_max: u16,
        lease_ms: u64,
        claim: i64,
    ) -> DbResult<Vec<Leased>> {
        let column = |of: fn(&Look) -> i64, none: i64| {
            let nothing = std::iter::repeat(none);
            looks.iter().map(of).chain(nothing).take(LOOKS).collect::<Vec<i64>>()
        };
        let nothing = std::iter::repeat(-1_i16);
        let urgency: Vec<i16> =
            looks.iter().map(|look| i16::from(look.urgency)).chain(nothing).take(LOOKS).collect();
        let mut conn = PooledConnection::of(&self.writers, WHAT).await?;
        let leased = sqlx::query_as!(
            Leased,
            r#"WITH clock AS MATERIALIZED (
                   SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS ms
               ), taken_0 AS (
                   SELECT 0::bigint AS a, '' AS t, false AS new WHERE false
               ), new_1 AS MATERIALIZED (
                   SELECT asset, task FROM open_tasks
                   WHERE claimable_since >= ($3::bigint[])[1] AND claimable_since < ($4::bigint[])[1]
                       AND queue_position < ($5::bigint[])[1] AND due AND lease_owner IS NULL
                   ORDER BY queue_position, asset, task LIMIT (SELECT $6::bigint - (SELECT count(*) FROM taken_0))
                   FOR UPDATE SKIP LOCKED
               ), onward_1 AS MATERIALIZED (
                   SELECT asset, task FROM open_tasks
                   WHERE urgency = ($2::smallint[])[1] AND queue_position >= ($5::bigint[])[1]
                       AND due AND lease_owner IS NULL
                   ORDER BY urgency, queue_position, asset, task
                   LIMIT (SELECT $6::bigint - (SELECT count(*) FROM taken_0) - (SELECT count(*) FROM new_1))
                   FOR UPDATE SKIP LOCKED
               ), taken_1 AS (
                   SELECT asset AS a, task AS t, true AS new FROM new_1
                   UNION ALL SELECT asset, task, false FROM onward_1
                   UNION ALL SELECT a, t, new FROM taken_0
               ), new_2 AS MATERIALIZED (
                   SELECT asset, task FROM open_tasks
                   WHERE claimable_since >= ($3::bigint[])[2] AND claimable_since < ($4::bigint[])[2]
                       AND queue_position < ($5::bigint[])[2] AND due AND lease_owner IS NULL
                   ORDER BY queue_position, asset, task LIMIT (SELECT $6::bigint - (SELECT count(*) FROM taken_1))
                   FOR UPDATE SKIP LOCKED
               ), onward_2 AS MATERIALIZED (
                   SELECT asset, task FROM open_tasks
                   WHERE urgency = ($2::smallint[])[2] AND queue_position >= ($5::bigint[])[2]
                       AND due AND lease_owner IS NULL
                   ORDER BY urgency, queue_position, asset, task
                   LIMIT (SELECT $6::bigint - (SELECT count(*) FROM taken_1) - (SELECT count(*) FROM new_2))
                   FOR UPDATE SKIP LOCKED
               ), taken_2 AS (
                   SELECT asset AS a, task AS t, true AS new FROM new_2
                   UNION ALL SELECT asset, task, false FROM onward_2
                   UNION ALL SELECT a, t, new FROM taken_1
               ), new_3 AS MATERIALIZED (
                   SELECT asset, task FROM open_tasks
                   WHERE claimable_since >= ($3::bigint[])[3] AND claimable_since < ($4::bigint[])[3]
                       AND queue_position < ($5::bigint[])[3] AND due AND lease_owner IS NULL
                   ORDER BY queue_position, asset, task LIMIT (SELECT $6::bigint - (SELECT count(*) FROM taken_2))
                   FOR UPDATE SKIP LOCKED
               ), onward_3 AS MATERIALIZED (
                   SELECT asset, task FROM open_tasks
                   WHERE urgency = ($2::smallint[])[3] AND queue_position >= ($5::bigint[])[3]
                       AND due AND lease_owner IS NULL
                   ORDER BY urgency, queue_position, asset, task
                   LIMIT (SELECT $6::bigint - (SELECT count(*) FROM taken_2) - (SELECT count(*) FROM new_3))
                   FOR UPDATE SKIP LOCKED
               ), taken_3 AS (
                   SELECT asset AS a, task AS t, true AS new FROM new_3
                   UNION ALL SELECT asset, task, false FROM onward_3
                   UNION ALL SELECT a, t, new FROM taken_2
               ), new_4 AS MATERIALIZED (
                   SELECT asset, task FROM open_tasks
                   WHERE claimable_since >= ($3::bigint[])[4] AND claimable_since < ($4::bigint[])[4]
                       AND queue_position < ($5::bigint[])[4] AND due AND lease_owner IS NULL
                   ORDER BY queue_position, asset, task LIMIT (SELECT $6::bigint - (SELECT count(*) FROM taken_3))
                   FOR UPDATE SKIP LOCKED
               ), onward_4 AS MATERIALIZED (
                   SELECT asset, task FROM open_tasks
                   WHERE urgency = ($2::smallint[])[4] AND queue_position >= ($5::bigint[])[4]
                       AND due AND lease_owner IS NULL
                   ORDER BY urgency, queue_position, asset, task
                   LIMIT (SELECT $6::bigint - (SELECT count(*) FROM taken_3) - (SELECT count(*) FROM new_4))
                   FOR UPDATE SKIP LOCKED
               ), taken_4 AS (
                   SELECT asset AS a, task AS t, true AS new FROM new_4
                   UNION ALL SELECT asset, task, false FROM onward_4
                   UNION ALL SELECT a, t, new FROM taken_3
               ), leased AS (
                   UPDATE open_tasks SET attempts = attempts + 1, lease_owner = $7, claim = $8,
                       claimed_at_ms = (SELECT ms FROM clock), lease_until_ms = (SELECT ms FROM clock) + $9
                   FROM taken_4 WHERE asset = a AND task = t
                   RETURNING asset, task, attempts, urgency, queue_position, new
               )
               SELECT l.asset, l.task, l.attempts, l.urgency, l.queue_position, l.new AS "new!",
                      (SELECT ms FROM clock) AS "now_ms!", a.id, a.bucket, a.key, a.version, a.sequencer, a.size_bytes,
                      a.location, a.exit, a.flags, a.linked_to IS NOT NULL AS "linked!", j.job AS "job?"
               FROM leased AS l JOIN assets AS a ON a.arrival = l.asset
               LEFT JOIN jobs AS j ON j.asset = l.asset AND j.task = l.task"#,
            self.time.given(),
            &urgency,
            &column(|look| look.since_from, 0),
            &column(|look| look.since_until, 0),
            &column(|look| look.queue_position, i64::MAX),
            i64::from(tasks_max),
            node.as_str(),
            claim,
            number(lease_ms),
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(db(WHAT));
        conn.keep_or_drop(leased)
    }

    async fn taken(&self, claim: i64) -> DbResult<Vec<Leased>> {
        sqlx::query_as!(
            Leased,
            r#"SELECT t.asset, t.task, t.attempts, t.urgency, t.queue_position, false AS "new!",
                      t.claimed_at_ms AS "now_ms!", a.id, a.bucket, a.key, a.version, a.sequencer, a.size_bytes, a.location, a.exit,
                      a.flags, a.linked_to IS NOT NULL AS "linked!", j.job AS "job?"
               FROM open_tasks AS t JOIN assets AS a ON a.arrival = t.asset
               LEFT JOIN jobs AS j ON j.asset = t.asset AND j.task = t.task
               WHERE t.lease_owner IS NOT NULL AND t.claim = $1"#,
            claim,
        )
        .fetch_all(&self.writers)
        .await
        .map_err(db("read what a claim took"))
    }

    /// Makes tasks claimable whose wait is over; this is checked a few times a second. Returns the database's time of the
    /// last check, milliseconds.
    async fn wake_waiting(&self) -> DbResult<u64> {
        if !self.woke.is_due() && self.time.given().is_none() {
            return Ok(self.woke_ms.load(Ordering::Relaxed));
        }
        let since: Vec<i64> = (0..=u8::MAX)
            .take_while(|u| urgencies().last() >= Some(u))
            .map(|u| claimable_since(u, 0))
            .collect();
        let now_ms = sqlx::query_scalar!(
            r#"WITH clock AS MATERIALIZED (
                 SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS ms
             ), woken AS MATERIALIZED (
                 SELECT asset, task FROM open_tasks WHERE NOT due AND ready_at_ms <= (SELECT ms FROM clock)
                 ORDER BY ready_at_ms LIMIT 1000 FOR UPDATE SKIP LOCKED
             ), due AS (
                 UPDATE open_tasks SET due = true,
                     claimable_since = ($2::bigint[])[urgency + 1] + (SELECT ms FROM clock)
                 FROM woken WHERE open_tasks.asset = woken.asset AND open_tasks.task = woken.task
             )
             SELECT ms AS "ms!" FROM clock"#,
            self.time.given(),
            &since,
        )
        .fetch_one(&self.writers)
        .await
        .map_err(db("wake waiting tasks"))?;
        self.woke_ms.store(count(now_ms), Ordering::Relaxed);
        Ok(count(now_ms))
    }
}

fn took<'a>(leased: impl Iterator<Item = &'a Leased> + Clone) -> Took {
    let new = leased.clone().filter(|row| row.new);
    let onward = leased.filter(|row| !row.new);
    Took {
        new: new.clone().count(),
        first_new: new.map(|row| row.queue_position).min(),
        onward: onward.clone().count(),
        last: onward.map(|row| row.queue_position).max(),
    }
}

/// A claim, and what it is sorted by before its task.
fn claimed(row: Leased, lease_ms: u64) -> PortResult<((i16, i64, i64), Claim)> {
    let fence = Fence {
        asset: AssetId::new(row.id),
        task: task_key(&row.task)?,
        attempt: small(row.attempts, "tasks.attempts")?,
    };
    let source = SourceRecord {
        id: SourceId { bucket: row.bucket, key: row.key, version: row.version },
        sequencer: sequencer(&row.sequencer)?,
        size_bytes: large(row.size_bytes, "assets.size_bytes")?,
        location: row.location,
    };
    let exit: Option<Exit> = row.exit.as_deref().map(exit).transpose()?;
    let exit = exit.filter(|_| fence.task == TaskKey::Withdraw);
    let job = row.job.as_deref().map(|job| document(job, "jobs.job")).transpose()?;
    let flags = word(Flags::parse, &row.flags, "assets.flags", "flags")?;
    let keeps_outputs = exit.is_some_and(|exit| flags.keeps_outputs(exit));
    let claim = Claim { fence, lease_ms, source, linked: row.linked, exit, keeps_outputs, job };
    Ok(((row.urgency, row.queue_position, row.asset), claim))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_has_room_for_every_urgency_of_a_lane() {
        for lane in Lane::ALL {
            assert!(urgencies().into_iter().filter(|urgency| lane_of(*urgency) == lane).count() <= LOOKS);
        }
    }
}
