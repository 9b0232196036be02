//! One chunk of video or the whole audio, in one media worker.

use std::sync::Arc;

use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::messages::{Budget, Finished, Job};
use reelgate_pipelines::recipes::settings::Budgets;
use reelgate_ports::records::{Claim, Success};

use crate::house::House;
use crate::stage::{Learned, Work};
use crate::work::media::{Order, Staged, other_result, run_staged};
use crate::work::products::{Encoded, Planned, Products, to_document};
use crate::work::redacted::{is_touched, redacted};
use crate::work::redaction;

/// [`TaskKey::Video`] and [`TaskKey::Audio`].
pub struct Transcode;

impl Work for Transcode {
    async fn run(
        house: Arc<House>,
        claim: Claim,
        cancel: CancelFlag,
        learned: &mut Learned,
    ) -> Result<Success, Fault> {
        let products = Products::read(&house, &claim.fence.asset).await?;
        let planned: Planned = products.document(TaskKey::Validate)?;
        show_on_board(&house, &claim, &planned, &products);
        let media_ns = planned.media_ns(claim.fence.task);
        if let Some(request) = redaction::request(&house, &claim.fence.asset).await?
            && is_touched(&planned, claim.fence.task, &request)?
        {
            return redacted(&house, &claim, &planned, &request, &cancel, learned).await;
        }
        let (job, budget) = job(&house.settings.budgets, &planned, claim.fence.task)?;
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

/// The job that the plan holds for a task, with its bounds.
pub(super) fn job(budgets: &Budgets, planned: &Planned, task: TaskKey) -> Result<(Job, Budget), Fault> {
    if let TaskKey::Video { chunk } = task {
        let job = planned.chunk(chunk)?.job.clone();
        let budget = budgets.video(&job);
        return Ok((Job::Video(job), budget));
    }
    let audio =
        planned.plan.audio.clone().ok_or_else(|| Fault::new(Code::Internal, "the plan holds no audio"))?;
    Ok((Job::Audio(audio), budgets.audio(planned.plan.duration_ns)))
}

/// The board measures the whole transcode in nanoseconds of media; what finished tasks left counts as done.
pub(super) fn show_on_board(house: &House, claim: &Claim, planned: &Planned, products: &Products) {
    let all = (0..planned.plan.video.len()).filter_map(|chunk| u16::try_from(chunk).ok());
    let all = all.map(|chunk| TaskKey::Video { chunk }).chain([TaskKey::Audio, TaskKey::Enrich]);
    let planned_ns = all.map(|task| planned.media_ns(task)).sum();
    let inherited_ns = products.tasks().map(|task| planned.media_ns(task)).sum();
    house.board.planned(&claim.fence.asset, planned_ns, inherited_ns);
}
