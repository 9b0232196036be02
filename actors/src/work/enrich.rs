//! Samples frames, makes poster and storyboard, and collects text, all in one media worker.

use std::sync::Arc;

use reelgate_flow::reason::Fault;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::messages::{Finished, Job};
use reelgate_pipelines::recipes::settings::Segments;
use reelgate_ports::records::{Claim, Success};

use crate::engine_context::EngineContext;
use crate::stage::{AttemptFacts, StageTask};
use crate::work::encode_task::show_on_board;
use crate::work::media::{JobFiles, MediaOrder, Staged, other_result, own_names, run_into, run_staged};
use crate::work::products::{MediaJob, to_document};
use crate::work::{joined, ours, redaction, stored_redaction, surfaces};

/// [`TaskKey::Enrich`].
pub struct Enrich;

impl StageTask for Enrich {
    async fn run(
        context: Arc<EngineContext>,
        claim: Claim,
        cancel: CancelFlag,
        learned: &mut AttemptFacts,
    ) -> Result<Success, Fault> {
        let MediaJob { job, media_ns, duration_ns, work, .. } = MediaJob::carried(&claim)?;
        show_on_board(&context, &claim).await?;
        let budget = context.settings.budgets.enrich(duration_ns);
        // A linked asset has no encodes of its own, so only its source can be searched.
        let redacted =
            !claim.linked && stored_redaction::request(&context, &claim.fence.asset).await?.is_some();
        let sampled = if redacted { redaction::sampled(&context, &claim).await? } else { None };
        let (finished, outputs) = match sampled {
            // The source still shows what must be hidden, so the redacted result is sampled.
            Some((job, file)) => {
                let order = MediaOrder { job: Job::Enrich(job), budget, media_ns };
                let writer = context.objects.stage(&claim.fence).await.map_err(ours)?;
                let files = JobFiles { source: file, writer, named: own_names() };
                let ran = run_into(&context, &claim, order, files, &cancel, learned).await?;
                let writer = ran.writer;
                let staging = tokio::task::spawn_blocking(move || writer.finish().map_err(ours));
                (ran.finished, joined(staging.await)??)
            }
            None => {
                learned.work = work;
                let order = MediaOrder { job, budget, media_ns };
                let Staged { finished, outputs, .. } =
                    run_staged(&context, &claim, order, Segments::Files, &cancel, learned).await?;
                (finished, outputs)
            }
        };
        let Finished::Enriched(result) = finished else { return Err(other_result()) };
        surfaces::check_installation(&context.policy, &result.surfaces)?;
        context.progress_board.progressed(&claim.fence.asset, TaskKey::Enrich, media_ns);
        Ok(Success::Produced { result: to_document(&result)?, outputs })
    }
}
