//! Withdraws an asset: nothing of it stays readable, and the source is moved as the exit says. Also restores an asset that
//! is released from quarantine, and keeps the source of an asset under hold.

use reelgate_flow::reason::{Code, Fault};
use reelgate_ports::objects::{Restored, Withdrawn};
use reelgate_ports::records::{Claim, KeptSource, Success, Taken, WithdrawalRecord};

use crate::engine_context::EngineContext;
use crate::work::external_scan::remove_text;
use crate::work::publication::{published_path, turn};
use crate::work::{ours, source, sources};

/// [`reelgate_flow::task::TaskKey::Withdraw`]. Safe to do twice.
pub async fn withdraw(context: &EngineContext, claim: &Claim) -> Result<Success, Fault> {
    let exit = claim.exit.ok_or_else(|| Fault::new(Code::Internal, "a withdrawal without an exit"))?;
    let (turn, asset) = turn(context, claim).await?;
    let (path, keep) = (published_path(context, &asset), claim.keeps_outputs);
    let withdrawn = context.objects.withdraw(&turn, Some(&path), &claim.source, exit, keep).await;
    let Withdrawn { source_location, mut withdrawal_record } = match withdrawn {
        // A source that is missing or was replaced cannot be moved. The outputs are removed before it, so nothing stays.
        Err(error)
            if matches!(
                error.source_fault().code,
                Code::SourceMissing | Code::SourceChanged | Code::Superseded
            ) =>
        {
            Withdrawn {
                source_location: claim.source.location.clone(),
                withdrawal_record: WithdrawalRecord::default(),
            }
        }
        other => other.map_err(sources)?,
    };
    // Only after the outputs: a scanner's bucket that does not answer must not keep them visible.
    if let Some(text) = remove_text(context, claim).await? {
        withdrawal_record.looked_at += text.addresses;
        withdrawal_record.taken.extend((text.objects > 0).then(|| Taken {
            area: "external_scan".to_owned(),
            name: "sidecar".to_owned(),
            size_bytes: text.bytes,
        }));
    }
    Ok(Success::Withdrawn { source_location, withdrawal_record })
}

/// [`reelgate_flow::task::TaskKey::Restore`]. Safe to do twice.
pub async fn restore(context: &EngineContext, claim: &Claim) -> Result<Success, Fault> {
    let (turn, asset) = turn(context, claim).await?;
    let path = published_path(context, &asset);
    let restored = context.objects.restore(&turn, &path, &claim.source).await;
    let Restored { source_location, published_location } = restored.map_err(ours)?;
    Ok(Success::Restored { source_location, published_location })
}

/// [`reelgate_flow::task::TaskKey::KeepSource`]. Safe to do twice.
pub async fn keep_source(context: &EngineContext, claim: &Claim) -> Result<Success, Fault> {
    let asset = &claim.fence.asset;
    let mut kept = context.objects.keep_source(asset, &claim.source).await.map_err(ours)?;
    if kept == KeptSource::Gone
        && let Some(record) = source::proved(context, claim).await?
    {
        kept = context.objects.keep_source(asset, &record).await.map_err(ours)?;
    }
    if kept == KeptSource::Gone {
        tracing::warn!(%asset, "the source under hold is gone: nothing of it can be kept");
    }
    Ok(Success::SourceKept(kept))
}
