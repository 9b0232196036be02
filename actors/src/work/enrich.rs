//! Frames sampled, poster and storyboard, subtitle text, in one media worker.

use std::sync::Arc;

use reelgate_flow::reason::Fault;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::messages::{Finished, Job};
use reelgate_ports::records::{Claim, Success};

use crate::engine_context::EngineContext;
use crate::stage::{AttemptFacts, StageTask};
use crate::work::media::{Order, Over, Staged, other_result, plainly, run_into, run_staged};
use crate::work::products::{MediaJob, to_document};
use crate::work::transcode::show_on_board;
use crate::work::{joined, ours, redaction};

/// [`TaskKey::Enrich`].
pub struct Enrich;

impl StageTask for Enrich {
    async fn run(
        context: Arc<EngineContext>,
        claim: Claim,
        cancel: CancelFlag,
        learned: &mut AttemptFacts,
    ) -> Result<Success, Fault> {
        let MediaJob { job, media_ns, duration_ns } = MediaJob::carried(&claim)?;
        show_on_board(&context, &claim).await?;
        let budget = context.settings.budgets.enrich(duration_ns);
        let redacted = redaction::request(&context, &claim.fence.asset).await?.is_some();
        let sampled = if redacted { redaction::sampled(&context, &claim).await? } else { None };
        let (finished, outputs) = match sampled {
            // The source still shows everything.
            Some((job, file)) => {
                let order = Order { job: Job::Enrich(job), budget, media_ns };
                let writer = context.objects.stage(&claim.fence).await.map_err(ours)?;
                let over = Over { source: file, writer, named: plainly() };
                let ran = run_into(&context, &claim, order, over, &cancel, learned).await?;
                let writer = ran.writer;
                let staging = tokio::task::spawn_blocking(move || writer.finish().map_err(ours));
                (ran.finished, joined(staging.await)??)
            }
            None => {
                let order = Order { job, budget, media_ns };
                let Staged { finished, outputs, .. } =
                    run_staged(&context, &claim, order, &cancel, learned).await?;
                (finished, outputs)
            }
        };
        let Finished::Enriched(result) = finished else { return Err(other_result()) };
        context.progress_board.progressed(&claim.fence.asset, TaskKey::Enrich, media_ns);
        Ok(Success::Produced { result: to_document(&result)?, outputs })
    }
}
