//! Leases: extended by those who hold them, ended where nobody reports; and the operator's redrive and redo.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use reelgate_flow::asset::Redo;
use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_ports::records::{Decision, Fence};
use sqlx::PgConnection;

use crate::error::{DbResult, db};
use crate::load::key_hash;
use crate::locks::Locks;
use crate::pooled_connection::PooledConnection;
use crate::rows::{small, task_key};
use crate::store::PgStore;
use crate::time::number;
use crate::transact::WriteCall;
use crate::unit::Unit;

/// Most leases ended by one call; the rest are ended by the next.
const ENDED_MAX: i64 = 500;
/// A look for expired leases goes back this far behind the last one, milliseconds: longer than any statement may take
/// from naming a lease's end to its commit. From the beginning now and then.
const BEHIND_MS: i64 = 60_000;

impl PgStore {
    /// Extends the leases this node still holds; returns those it does not.
    pub(crate) async fn extend(
        &self,
        node: &NodeId,
        fences: &[Fence],
        lease_ms: u64,
    ) -> DbResult<Vec<Fence>> {
        if fences.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = fences.iter().map(|fence| fence.asset.as_str().to_owned()).collect();
        let tasks: Vec<String> = fences.iter().map(|fence| fence.task.text()).collect();
        let attempts: Vec<i32> =
            fences.iter().map(|fence| i32::try_from(fence.attempt).unwrap_or(i32::MAX)).collect();
        let mut conn = PooledConnection::of(&self.writers, "extend leases").await?;
        let held = sqlx::query!(
            r#"WITH held AS MATERIALIZED (
                   SELECT t.asset, t.task, a.id
                   FROM unnest($1::text[], $2::text[], $3::integer[]) AS f (id, task, attempt)
                   JOIN assets AS a ON a.id = f.id
                   JOIN tasks AS t ON t.asset = a.arrival AND t.task = f.task
                   WHERE t.attempts = f.attempt AND t.lease_owner = $4
                   ORDER BY t.asset, t.task FOR UPDATE OF t
               )
               UPDATE tasks SET lease_until_ms =
                   coalesce($5::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) + $6
               FROM held WHERE tasks.asset = held.asset AND tasks.task = held.task
               RETURNING held.id, tasks.task, tasks.attempts"#,
            &ids,
            &tasks,
            &attempts,
            node.as_str(),
            self.time.given(),
            number(lease_ms),
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(db("extend leases"));
        let held = conn.keep_or_drop(held)?;
        let mut kept = BTreeSet::new();
        for row in held {
            kept.insert(Fence {
                asset: AssetId::new(row.id),
                task: task_key(&row.task)?,
                attempt: small(row.attempts, "tasks.attempts")?,
            });
        }
        Ok(fences.iter().filter(|fence| !kept.contains(*fence)).cloned().collect())
    }

    /// Leases that ran out are looked for from here on.
    pub(crate) fn expired_from(&self) -> i64 {
        if self.leases_looked.is_due() {
            return i64::MIN;
        }
        self.leases_from.load(Ordering::Relaxed)
    }
}

/// Which leases to end.
pub(crate) enum Lost<'a> {
    /// Those that ran out, of the ones that ended after this time.
    Expired(i64),
    /// Those that a dead process left under this node's name.
    Of(&'a NodeId),
}

/// Ends leases, each as a lost attempt; returns how many, and the time up to which none is left.
pub(crate) struct Lose<'a>(pub Lost<'a>);

struct LostLease {
    id: String,
    task: String,
    attempts: i32,
    lease_owner: Option<String>,
}

impl WriteCall for Lose<'_> {
    type Output = (u64, i64);

    const WHAT: &'static str = "end lost leases";

    async fn run(&self, conn: &mut PgConnection, unit: &mut Unit) -> DbResult<(u64, i64)> {
        let now_ms = number(unit.work.now_ms);
        let (lost, why) = match self.0 {
            Lost::Expired(from) => (expired(conn, from, now_ms).await?, "its lease ran out"),
            Lost::Of(node) => (of_node(conn, node).await?, "its node restarted"),
        };
        let until = if i64::try_from(lost.len()).is_ok_and(|found| found < ENDED_MAX) {
            now_ms.saturating_sub(BEHIND_MS)
        } else {
            i64::MIN
        };
        let mut fences = Vec::with_capacity(lost.len());
        for row in lost {
            let asset = AssetId::new(row.id);
            let attempt = small(row.attempts, "tasks.attempts")?;
            let fence = Fence { asset, task: task_key(&row.task)?, attempt };
            fences.push((fence, NodeId::new(row.lease_owner.unwrap_or_default())));
        }
        let ids: Vec<AssetId> = fences.iter().map(|(fence, _)| fence.asset.clone()).collect();
        unit.load(conn, &ids).await?;
        let mut ended = 0;
        for (fence, node) in fences {
            if self.is_lost(unit, &fence) {
                ended += u64::from(unit.work.lose(&fence, &node, why)?);
            }
        }
        unit.follow_up(conn).await?;
        Ok((ended, until))
    }
}

impl Lose<'_> {
    /// Looked at again under the lock: it may have been extended, reported or ended by another node meanwhile.
    fn is_lost(&self, unit: &Unit, fence: &Fence) -> bool {
        let Some(loaded) = unit.work.loaded.get(&fence.asset) else { return false };
        let Some(lease) = unit.leases.get(&(loaded.row.arrival, fence.task)) else { return false };
        let ours = match self.0 {
            Lost::Expired(_) => lease.until_ms <= unit.work.now_ms,
            Lost::Of(node) => lease.owner == node.as_str(),
        };
        ours && lease.attempt == fence.attempt
    }
}

async fn expired(conn: &mut PgConnection, from: i64, now_ms: i64) -> DbResult<Vec<LostLease>> {
    sqlx::query_as!(
        LostLease,
        "SELECT a.id, t.task, t.attempts, t.lease_owner FROM tasks AS t JOIN assets AS a ON a.arrival = t.asset
         WHERE t.lease_owner IS NOT NULL AND t.lease_until_ms > $1 AND t.lease_until_ms <= $2
         ORDER BY t.lease_until_ms LIMIT $3",
        from,
        now_ms,
        ENDED_MAX,
    )
    .fetch_all(conn)
    .await
    .map_err(db("look for expired leases"))
}

async fn of_node(conn: &mut PgConnection, node: &NodeId) -> DbResult<Vec<LostLease>> {
    sqlx::query_as!(
        LostLease,
        "SELECT a.id, t.task, t.attempts, t.lease_owner FROM tasks AS t JOIN assets AS a ON a.arrival = t.asset
         WHERE t.lease_owner = $1 ORDER BY t.asset, t.task LIMIT $2",
        node.as_str(),
        ENDED_MAX,
    )
    .fetch_all(conn)
    .await
    .map_err(db("look for leases of this node"))
}

/// What an operator asks of an asset.
pub(crate) enum Wish {
    /// Another try, for a failed or rejected one.
    Redrive,
    /// Part of a published one made anew.
    Redo(Redo),
    /// What somebody decided.
    Decide(Decision),
}

/// Does what an operator asks.
pub(crate) struct Again<'a>(pub &'a AssetId, pub Wish);

impl WriteCall for Again<'_> {
    type Output = ();

    const WHAT: &'static str = "begin an asset again";

    fn locks(&self) -> Option<Locks> {
        None
    }

    async fn run(&self, conn: &mut PgConnection, unit: &mut Unit) -> DbResult<()> {
        unit.load(conn, std::slice::from_ref(self.0)).await?;
        let key = key_hash(&unit.work.at(self.0)?.row.source.id.key);
        unit.load_versions(conn, &[key]).await?;
        match &self.1 {
            Wish::Redrive => unit.work.redrive(self.0)?,
            Wish::Redo(what) => unit.work.redo(self.0, *what)?,
            Wish::Decide(decision) => unit.work.decide(self.0, decision)?,
        }
        unit.follow_up(conn).await
    }
}
