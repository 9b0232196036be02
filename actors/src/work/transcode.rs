//! One chunk of video or the whole audio, in one media worker.

use std::sync::Arc;

use reelgate_flow::reason::Fault;
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::messages::{Budget, Finished, Job};
use reelgate_pipelines::recipes::settings::Budgets;
use reelgate_ports::records::{Claim, Success};

use crate::house::House;
use crate::stage::{Learned, Work};
use crate::work::media::{Order, Staged, other_result, run_staged};
use crate::work::ours;
use crate::work::products::{Encoded, MediaJob, to_document};
use crate::work::redacted::{is_touched, redacted};
use crate::work::redaction;

/// [`TaskKey::Video`](reelgate_flow::task::TaskKey::Video) and [`TaskKey::Audio`](reelgate_flow::task::TaskKey::Audio).
pub struct Transcode;

impl Work for Transcode {
    async fn run(
        house: Arc<House>,
        claim: Claim,
        cancel: CancelFlag,
        learned: &mut Learned,
    ) -> Result<Success, Fault> {
        let planned = MediaJob::carried(&claim)?;
        show_on_board(&house, &claim).await?;
        if let Some(request) = redaction::request(&house, &claim.fence.asset).await?
            && is_touched(&planned.job, &request)?
        {
            return redacted(&house, &claim, planned, &request, &cancel, learned).await;
        }
        let budget = budget(&house.settings.budgets, &planned)?;
        let MediaJob { job, media_ns, .. } = planned;
        let Staged { finished, outputs, gstreamer } =
            run_staged(&house, &claim, Order { job, budget, media_ns }, &cancel, learned).await?;
        let result = match finished {
            Finished::Video(result) => to_document(&Encoded { gstreamer, result })?,
            Finished::Audio(result) => to_document(&Encoded { gstreamer, result })?,
            _ => return Err(other_result()),
        };
        house.board.progressed(&claim.fence.asset, claim.fence.task, media_ns);
        Ok(Success::Produced { result, outputs })
    }
}

/// What the worker of an encode may use.
pub(super) fn budget(budgets: &Budgets, planned: &MediaJob) -> Result<Budget, Fault> {
    match &planned.job {
        Job::Video(job) => Ok(budgets.video(job)),
        Job::Audio(_) => Ok(budgets.audio(planned.duration_ns)),
        _ => Err(other_result()),
    }
}

/// The board measures the whole transcode in nanoseconds of media; what finished tasks left counts as done. It asks
/// the store once for each asset.
pub(super) async fn show_on_board(house: &House, claim: &Claim) -> Result<(), Fault> {
    let asset = &claim.fence.asset;
    if !house.board.is_planned(asset) {
        let progress = house.store.media_progress(asset).await.map_err(ours)?;
        house.board.planned(asset, progress.planned_ns, progress.done_ns);
    }
    Ok(())
}
