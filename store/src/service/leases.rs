//! Leases that end without a report.

use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_ports::records::Fence;

use super::WriteCall;
use super::relatives::follow_up;
use crate::session::{Answer, LostLease, Session};
use crate::work::Lease;

/// Most leases ended by one call; the rest are ended by the next.
const ENDED_MAX: u32 = 500;
/// A look for expired leases goes back this far behind the last one, milliseconds: longer than any statement may take
/// from naming a lease's end to its commit.
const BEHIND_MS: u64 = 60_000;

/// Ends leases that ran out, each as a lost attempt.
#[derive(Debug)]
pub struct Reap {
    /// Leases that ran out earlier were looked for before ([`Reaped::until_ms`]); `None` looks from the beginning.
    pub after_ms: Option<u64>,
}

/// What a [`Reap`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reaped {
    /// Leases that were ended.
    pub ended: u64,
    /// The time up to which none is left; `None` where there may be more.
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
        let ended = lose(session, lost, "its lease ran out", is_lost).await?;
        Ok(Reaped { ended, until_ms })
    }
}

/// Ends leases that a dead process left under this node's name, each as a lost attempt; returns how many, 0 where none is
/// left.
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

/// Each lease is looked at again under its asset's lock: it may have been extended, reported or ended meanwhile.
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
    for LostLease { fence, node } in lost {
        let work = session.work();
        let now_ms = work.now_ms;
        if work.lease(&fence).is_some_and(|lease| is_lost(lease, now_ms)) {
            ended += u64::from(work.lose(&fence, &node, why)?);
        }
    }
    follow_up(session).await?;
    Ok(ended)
}

impl crate::work::UnitOfWork {
    /// The lease of this very attempt, where it is loaded and still held.
    fn lease(&self, fence: &Fence) -> Option<&Lease> {
        let loaded = self.loaded.get(&fence.asset)?;
        let attempts = loaded.row.core.tasks.get(&fence.task)?.attempts;
        loaded.extras.get(&fence.task)?.lease.as_ref().filter(|_| attempts == fence.attempt)
    }
}
