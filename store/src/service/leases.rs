//! Ends leases that got no report.

use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::Fence;

use super::relatives::follow_up;
use super::write_call::{Transact, WriteCall};
use crate::session::{Answer, LostLease, Session};
use crate::work::Lease;

/// Maximum number of leases that one call ends; the next call ends the rest.
const ENDED_MAX: u32 = 500;
/// Milliseconds by which one search for expired leases overlaps the previous one: longer than any statement may take from
/// choosing the end of a lease to its commit.
const BEHIND_MS: u64 = 60_000;

/// Ends expired leases, each as a lost attempt.
#[derive(Debug)]
pub struct Reap {
    /// Where the search begins, milliseconds since 1970: [`Reaped::until_ms`] of the previous call, or `None` to search all
    /// leases.
    pub after_ms: Option<u64>,
}

/// The result of a [`Reap`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reaped {
    /// How many leases were ended.
    pub ended: u64,
    /// The time up to which no expired lease is left, milliseconds since 1970; `None` if there may be more.
    pub until_ms: Option<u64>,
}

impl WriteCall for Reap {
    type Output = Reaped;

    const OPERATION: &'static str = "end lost leases";

    async fn run<S: Session>(&self, session: &mut S) -> Answer<Reaped, S> {
        let now_ms = session.work().now_ms;
        let lost = session.expired_leases(self.after_ms, ENDED_MAX).await?;
        let all = lost.len() < ENDED_MAX as usize;
        let until_ms = all.then(|| now_ms.saturating_sub(BEHIND_MS));
        let is_lost = |lease: &Lease, now_ms: u64| lease.until_ms <= now_ms;
        let ended = lose(session, lost, "its lease expired", is_lost).await?;
        Ok(Reaped { ended, until_ms })
    }
}

/// Ends leases that a dead process of this node left, each as a lost attempt; returns how many, 0 if none is left.
#[derive(Debug)]
pub struct Reclaim<'a>(pub &'a NodeId);

impl WriteCall for Reclaim<'_> {
    type Output = u64;

    const OPERATION: &'static str = "end lost leases";

    async fn run<S: Session>(&self, session: &mut S) -> Answer<u64, S> {
        let lost = session.leases_of(self.0, ENDED_MAX).await?;
        let is_lost = |lease: &Lease, _: u64| lease.owner == self.0.as_str();
        lose(session, lost, "its node restarted", is_lost).await
    }
}

/// Ends all leases that a dead process of this node left, by repeated [`Reclaim`] calls; returns how many.
pub async fn reclaim<T: Transact>(store: &T, node: &NodeId) -> PortResult<u64> {
    let mut ended = 0;
    loop {
        let more = store.transact(&Reclaim(node)).await?;
        if more == 0 {
            return Ok(ended);
        }
        ended += more;
    }
}

/// Ends these leases. Each lease is checked again under its asset's lock, because it may have been renewed, reported or ended
/// meanwhile.
async fn lose<S: Session>(
    session: &mut S,
    lost: Vec<LostLease>,
    why: &'static str,
    is_lost: impl Fn(&Lease, u64) -> bool + Send,
) -> Answer<u64, S> {
    if lost.is_empty() {
        return Ok(0);
    }
    let ids: Vec<AssetId> = lost.iter().map(|lost| lost.fence.asset.clone()).collect();
    session.load(&ids).await?;
    let mut ended = 0;
    for lost in lost {
        let work = session.work();
        let now_ms = work.now_ms;
        let lease = work.lease(&lost.fence);
        if lease.is_some_and(|lease| is_lost(lease, now_ms)) && work.lose(&lost.fence, &lost.node, why)? {
            work.charge_lost(&lost);
            ended += 1;
        }
    }
    follow_up(session).await?;
    Ok(ended)
}

impl crate::work::UnitOfWork {
    /// The lease of this attempt, if it is loaded and its node still owns it.
    fn lease(&self, fence: &Fence) -> Option<&Lease> {
        let loaded = self.loaded.get(&fence.asset)?;
        let attempts = loaded.row.core.tasks.get(&fence.task)?.attempts;
        loaded.extras.get(&fence.task)?.lease.as_ref().filter(|_| attempts == fence.attempt)
    }
}
