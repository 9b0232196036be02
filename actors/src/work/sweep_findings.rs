//! Finds findings of the external scanner whose event was lost, and ingests them as if it had come.
//!
//! A sweep begins a while before the position of the last one, because the scanner may show a finding later than a newer one. To
//! ingest a finding again changes nothing.

use reelgate_ports::error::PortResult;
use reelgate_ports::events::EventBatch;
use reelgate_ports::external_scanner::{ExternalScanner, FindingPage};
use reelgate_ports::shards::{Checkpoint, Position, ShardLease};

use crate::engine_context::EngineContext;
use crate::finding_sweep::{FindingSweep, SweptFindings};
use crate::work::finding_link::link;

/// How far a sweep looks back behind its position.
const OVERLAP_MS: u64 = 3_600_000;

/// Sweeps once; `None` where another node does.
pub async fn sweep_findings(
    context: &EngineContext,
    sweep: &FindingSweep,
) -> PortResult<Option<SweptFindings>> {
    let Some(batcher) = &context.external_scan else { return Ok(None) };
    let Some((lease, position)) = sweep.take(&context.node).await? else { return Ok(None) };
    let swept = read_pages(context, &*batcher.scanner, &lease, position).await;
    // Even after an error: whoever tries next need not wait.
    sweep.release(&lease).await?;
    swept.map(Some)
}

async fn read_pages(
    context: &EngineContext,
    scanner: &dyn ExternalScanner,
    lease: &ShardLease,
    mut position: Position,
) -> PortResult<SweptFindings> {
    let since_ms = moment_ms(&position).saturating_sub(OVERLAP_MS);
    let mut swept = SweptFindings::default();
    let mut token: Option<String> = None;
    loop {
        let page = scanner.findings_since(since_ms, token.as_deref()).await?;
        let FindingPage { mut scans, refused, updated_ms, next } = page;
        swept.listed += (scans.len() + refused.len()) as u64;
        if !scans.is_empty() {
            link(context, &mut scans).await;
            swept.found += context.store.ingest_findings(&scans).await?.len() as u64;
        }
        // Only now: a crash in between reads the page again.
        let to = updated_ms.filter(|updated_ms| *updated_ms > moment_ms(&position));
        let to = to.map(|updated_ms| Position::After(updated_ms.to_string()));
        if to.is_some() || !refused.is_empty() {
            let checkpoint =
                to.clone().map(|to| Checkpoint { lease: lease.clone(), from: position.clone(), to });
            context.store.ingest(&EventBatch { refused, checkpoint, ..EventBatch::default() }).await?;
            position = to.unwrap_or(position);
        }
        match next {
            Some(next) => token = Some(next),
            None => return Ok(swept),
        }
    }
}

/// Milliseconds since 1970 by the scanner's clock; 0 before the first finding.
fn moment_ms(position: &Position) -> u64 {
    match position {
        Position::After(moment) => moment.parse().unwrap_or(0),
        Position::Oldest | Position::Ended => 0,
    }
}
