//! One turn of the persister: commit reports, remove staged files of ended assets, claim tasks.

use std::sync::Arc;
use std::time::Duration;

use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::Lane;
use reelgate_ports::error::{PortError, PortResult};
use reelgate_ports::records::{Applied, Claim, Fence, TaskReport};
use tokio::time::Instant;

use crate::engine_context::EngineContext;
use crate::messages::TaskEnded;
use crate::spans;

/// Reports that were not committed, because the store did not answer.
pub struct NotCommitted {
    pub reports: Vec<TaskEnded>,
    pub error: PortError,
}

/// The outcome of a turn.
pub struct Turn {
    /// The reports with their results.
    pub committed: Result<Vec<(TaskReport, Applied)>, NotCommitted>,
    pub claims: Vec<Claim>,
    /// Ended assets whose staged files could not be removed.
    pub still_staged: Vec<AssetId>,
    /// When the leases of the claims were asked for: they began then or later.
    pub leased: Instant,
}

/// Commits `reports`, then claims as many tasks of each lane as there is room for. Claims nothing if the commit fails.
pub async fn turn(context: Arc<EngineContext>, reports: Vec<TaskEnded>, room: Vec<(Lane, u16)>) -> Turn {
    let mut committed = Vec::new();
    if !reports.is_empty() {
        match commit(&context, reports).await {
            Ok(applied) => committed = applied,
            Err(not_committed) => {
                return Turn {
                    committed: Err(not_committed),
                    claims: Vec::new(),
                    still_staged: Vec::new(),
                    leased: Instant::now(),
                };
            }
        }
    }
    let mut still_staged = Vec::new();
    for (report, applied) in &committed {
        let asset = &report.fence.asset;
        if let Err(error) = discard_staging(&context, asset, *applied).await {
            tracing::warn!(%asset, %error, "staged files not removed: it is tried again");
            still_staged.push(asset.clone());
        }
    }
    let (mut claims, mut leased) = (Vec::new(), Instant::now());
    for (lane, free) in room {
        match context.store.claim(&context.node, lane, free, context.lease_ms).await {
            Ok(more) => claims.extend(more),
            Err(error) => {
                // The tasks claimed so far are this node's and must be handed out.
                context.signals.store_failed("claim", &error);
                break;
            }
        }
    }
    if !claims.is_empty() && leased.elapsed() > Duration::from_millis(context.lease_ms) / 3 {
        leased = renew(&context, &mut claims, leased).await;
    }
    Turn { committed: Ok(committed), claims, still_staged, leased }
}

/// Renews the leases of claims whose answer took long, as at the end of an outage: nobody knows when these leases began.
/// Returns when they were asked for. Drops claims that another node owns by now.
async fn renew(context: &EngineContext, claims: &mut Vec<Claim>, leased: Instant) -> Instant {
    let asked = Instant::now();
    let fences: Vec<Fence> = claims.iter().map(|claim| claim.fence.clone()).collect();
    match context.store.heartbeat(&context.node, &fences, context.lease_ms).await {
        Ok(lost) => {
            claims.retain(|claim| !lost.contains(&claim.fence));
            asked
        }
        Err(error) => {
            context.signals.store_failed("heartbeat", &error);
            leased
        }
    }
}

/// Commits all reports in one transaction; each report has a span of it under its attempt.
async fn commit(
    context: &EngineContext,
    ended: Vec<TaskEnded>,
) -> Result<Vec<(TaskReport, Applied)>, NotCommitted> {
    let (reports, parents): (Vec<_>, Vec<_>) =
        ended.into_iter().map(|one| (one.report, one.trace_parent)).unzip();
    let spans = spans::commits(&reports, parents.clone());
    match context.store.complete(&reports).await {
        Ok(applied) => {
            spans::committed(spans, Ok(&applied));
            Ok(reports.into_iter().zip(applied).collect())
        }
        Err(error) => {
            spans::committed(spans, Err(&error));
            let again = reports
                .into_iter()
                .zip(parents)
                .map(|(report, trace_parent)| TaskEnded { report, trace_parent });
            Err(NotCommitted { reports: again.collect(), error })
        }
    }
}

/// Removes the staged files of an ended asset, also those that a stale attempt staged after the end. A failed asset keeps
/// its files: a redrive continues with them.
pub async fn discard_staging(context: &EngineContext, asset: &AssetId, applied: Applied) -> PortResult<()> {
    let phase = match applied {
        Applied::Committed(phase) => phase,
        Applied::Stale => context.store.asset(asset).await?.asset.phase,
    };
    if !phase.is_ended() || phase == Phase::Failed {
        return Ok(());
    }
    context.objects.discard_staging(asset).await
}
