//! Leasing due tasks: one statement that waits for nobody; the attempt is counted in it, before any work starts.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reelgate_flow::asset::Door;
use reelgate_flow::ids::{AssetId, NodeId, SourceId};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{Claim, Fence, SourceRecord};
use tokio::time::sleep;

use crate::cursor::{Look, Took, born};
use crate::error::{DbResult, db};
use crate::rows::{door, large, sequencer, small, task_key};
use crate::store::PgStore;
use crate::time::{count, number};
use crate::transact::{again, keep_or_drop};

const WHAT: &str = "claim tasks";

/// How often a claim begins again after its connection broke.
const TRIES_MAX: u32 = 5;

/// One kind of every task there is.
const KINDS: [TaskKey; 8] = [
    TaskKey::Withdraw,
    TaskKey::Publish,
    TaskKey::Package,
    TaskKey::Screen,
    TaskKey::Validate,
    TaskKey::Video { chunk: 0 },
    TaskKey::Audio,
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
    place: i64,
    new: bool,
    now_ms: i64,
    id: String,
    bucket: String,
    key: String,
    version: String,
    sequencer: String,
    size_bytes: i64,
    location: String,
    door: Option<String>,
    linked: bool,
}

impl PgStore {
    /// Leases the most urgent kind first, then by the place of their assets.
    ///
    /// A task whose lease ran out is not claimable before the reaper has counted the lost attempt.
    pub(crate) async fn lease(
        &self,
        node: &NodeId,
        lane: Lane,
        tasks_max: u16,
        lease_ms: u64,
    ) -> DbResult<Vec<Claim>> {
        let woke_ms = again!(self, self.wake_waiting())?;
        let mut claims = Vec::new();
        for urgency in urgencies().into_iter().filter(|urgency| lane_of(*urgency) == lane) {
            let left = usize::from(tasks_max).saturating_sub(claims.len());
            if left == 0 {
                break;
            }
            let look = self.cursor.look(urgency);
            let mut leased = self.take(node, look, left, lease_ms).await?;
            leased.sort_by_key(|row| (row.place, row.asset));
            self.cursor.learn(look, took(&leased), left, leased_at(&leased, woke_ms));
            let mut kind =
                leased.into_iter().map(|row| claimed(row, lease_ms)).collect::<PortResult<Vec<_>>>()?;
            kind.sort_by_key(|(place, asset, claim)| (*place, *asset, claim.fence.task));
            claims.extend(kind.into_iter().map(|(.., claim)| claim));
        }
        Ok(claims)
    }

    /// Takes tasks of one kind. Where the answer got lost, what this claim took is read again by its number.
    async fn take(
        &self,
        node: &NodeId,
        look: Look,
        tasks_max: usize,
        lease_ms: u64,
    ) -> DbResult<Vec<Leased>> {
        let claim = self.jitter.next().cast_signed();
        let mut tries = 1;
        loop {
            let error = match self.try_take(node, look, tasks_max, lease_ms, claim).await {
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

    async fn try_take(
        &self,
        node: &NodeId,
        look: Look,
        tasks_max: usize,
        lease_ms: u64,
        claim: i64,
    ) -> DbResult<Vec<Leased>> {
        let mut conn = self.writers.acquire().await.map_err(db(WHAT))?;
        let leased = sqlx::query_as!(
            Leased,
            r#"WITH clock AS MATERIALIZED (
                   SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS ms
               ), new AS MATERIALIZED (
                   SELECT asset, task FROM tasks
                   WHERE born >= $2 AND born < $3 AND place < $4 AND due AND lease_owner IS NULL
                   ORDER BY place, asset, task LIMIT $5 FOR UPDATE SKIP LOCKED
               ), onward AS MATERIALIZED (
                   SELECT asset, task FROM tasks
                   WHERE urgency = $6 AND place >= $4 AND due AND lease_owner IS NULL
                   ORDER BY urgency, place, asset, task LIMIT (SELECT $5 - count(*) FROM new)
                   FOR UPDATE SKIP LOCKED
               ), leased AS (
                   UPDATE tasks SET attempts = attempts + 1, lease_owner = $7, claim = $8,
                       claimed_at_ms = (SELECT ms FROM clock), lease_until_ms = (SELECT ms FROM clock) + $9
                   FROM (SELECT asset AS a, task AS t, true AS new FROM new
                         UNION ALL SELECT asset, task, false FROM onward) AS d
                   WHERE asset = a AND task = t
                   RETURNING asset, task, attempts, place, new
               )
               SELECT l.asset, l.task, l.attempts, l.place, l.new AS "new!", (SELECT ms FROM clock) AS "now_ms!",
                      a.id, a.bucket, a.key, a.version, a.sequencer, a.size_bytes, a.location, a.door,
                      a.linked_to IS NOT NULL AS "linked!"
               FROM leased AS l JOIN assets AS a ON a.arrival = l.asset"#,
            self.time.given(),
            look.born_from,
            look.born_until,
            look.place,
            i64::try_from(tasks_max).unwrap_or(i64::MAX),
            i16::from(look.urgency),
            node.as_str(),
            claim,
            number(lease_ms),
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(db(WHAT));
        keep_or_drop(conn, leased)
    }

    async fn taken(&self, claim: i64) -> DbResult<Vec<Leased>> {
        sqlx::query_as!(
            Leased,
            r#"SELECT t.asset, t.task, t.attempts, t.place, false AS "new!", t.claimed_at_ms AS "now_ms!",
                      a.id, a.bucket, a.key, a.version, a.sequencer, a.size_bytes, a.location, a.door,
                      a.linked_to IS NOT NULL AS "linked!"
               FROM tasks AS t JOIN assets AS a ON a.arrival = t.asset
               WHERE t.lease_owner IS NOT NULL AND t.claim = $1"#,
            claim,
        )
        .fetch_all(&self.writers)
        .await
        .map_err(db("read what a claim took"))
    }

    /// Makes tasks claimable whose wait is over; looked for a few times a second. Returns the database's time of the
    /// last look, milliseconds.
    async fn wake_waiting(&self) -> DbResult<u64> {
        if !self.woke.is_due() && self.time.given().is_none() {
            return Ok(self.woke_ms.load(Ordering::Relaxed));
        }
        let born: Vec<i64> =
            (0..=u8::MAX).take_while(|u| urgencies().last() >= Some(u)).map(|u| born(u, 0)).collect();
        let now_ms = sqlx::query_scalar!(
            r#"WITH clock AS MATERIALIZED (
                 SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS ms
             ), woken AS MATERIALIZED (
                 SELECT asset, task FROM tasks WHERE NOT due AND ready_at_ms <= (SELECT ms FROM clock)
                 ORDER BY ready_at_ms LIMIT 1000 FOR UPDATE SKIP LOCKED
             ), due AS (
                 UPDATE tasks SET due = true, born = ($2::bigint[])[urgency + 1] + (SELECT ms FROM clock)
                 FROM woken WHERE tasks.asset = woken.asset AND tasks.task = woken.task
             )
             SELECT ms AS "ms!" FROM clock"#,
            self.time.given(),
            &born,
        )
        .fetch_one(&self.writers)
        .await
        .map_err(db("wake waiting tasks"))?;
        self.woke_ms.store(count(now_ms), Ordering::Relaxed);
        Ok(count(now_ms))
    }
}

fn took(leased: &[Leased]) -> Took {
    let new = leased.iter().filter(|row| row.new);
    let onward = leased.iter().filter(|row| !row.new);
    Took {
        new: new.clone().count(),
        first_new: new.map(|row| row.place).min(),
        onward: onward.clone().count(),
        last: onward.map(|row| row.place).max(),
    }
}

/// The database's time of a claim; where it took nothing, an estimate that is no later.
fn leased_at(leased: &[Leased], rough_ms: u64) -> u64 {
    leased.first().map_or(rough_ms, |row| count(row.now_ms))
}

fn claimed(row: Leased, lease_ms: u64) -> PortResult<(i64, i64, Claim)> {
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
    let door: Option<Door> = row.door.as_deref().map(door).transpose()?;
    let door = door.filter(|_| fence.task == TaskKey::Withdraw);
    Ok((row.place, row.asset, Claim { fence, lease_ms, source, linked: row.linked, door }))
}
