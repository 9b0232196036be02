//! What the tasks that encode or sample share: their budget, and their part in the progress of the asset.

use reelgate_flow::reason::Fault;
use reelgate_pipelines::messages::{Budget, Job};
use reelgate_pipelines::recipes::settings::Budgets;
use reelgate_ports::records::Claim;

use crate::engine_context::EngineContext;
use crate::work::media::other_result;
use crate::work::ours;
use crate::work::products::MediaJob;

/// The limits of an encode's media worker.
pub(super) fn encode_budget(budgets: &Budgets, planned: &MediaJob) -> Result<Budget, Fault> {
    match &planned.job {
        Job::Video(job) => Ok(budgets.video(job)),
        Job::Audio(job) => Ok(budgets.audio(job, planned.duration_ns)),
        _ => Err(other_result()),
    }
}

/// Shows the plan of the claim's asset on the progress board. Progress is measured in nanoseconds of media; finished tasks
/// count as done. The store is asked once for each asset.
pub(super) async fn show_on_board(context: &EngineContext, claim: &Claim) -> Result<(), Fault> {
    let asset = &claim.fence.asset;
    if !context.progress_board.is_planned(asset) {
        let progress = context.store.media_progress(asset).await.map_err(ours)?;
        context.progress_board.planned(asset, progress.planned_ns, progress.done_ns);
    }
    Ok(())
}
