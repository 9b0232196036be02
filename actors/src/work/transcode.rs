//! Encodes one chunk of video or the whole audio in one media worker, or reads the cues of captions.

use std::sync::Arc;

use reelgate_flow::reason::Fault;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::messages::Finished;
use reelgate_ports::records::{Claim, Success};

use crate::engine_context::EngineContext;
use crate::stage::{AttemptFacts, StageTask};
use crate::work::encode_task::{encode_budget, show_on_board};
use crate::work::media::{MediaOrder, Staged, other_result, run_staged};
use crate::work::products::{Encoded, MediaJob, to_document};
use crate::work::redacted::{is_touched, redacted};
use crate::work::{captions, stored_redaction};

/// [`TaskKey::Video`], [`TaskKey::Audio`] and [`TaskKey::Captions`].
pub struct Transcode;

impl StageTask for Transcode {
    async fn run(
        context: Arc<EngineContext>,
        claim: Claim,
        cancel: CancelFlag,
        learned: &mut AttemptFacts,
    ) -> Result<Success, Fault> {
        show_on_board(&context, &claim).await?;
        if claim.fence.task == TaskKey::Captions {
            return captions::read(&context, &claim, &cancel, learned).await;
        }
        let planned = MediaJob::carried(&claim)?;
        if let Some(request) = stored_redaction::request(&context, &claim.fence.asset).await?
            && is_touched(&planned.job, &request)?
        {
            return redacted(&context, &claim, planned, &request, &cancel, learned).await;
        }
        let budget = encode_budget(&context.settings.budgets, &planned)?;
        let MediaJob { job, media_ns, segments, work, .. } = planned;
        learned.work = work;
        let order = MediaOrder { job, budget, media_ns };
        let Staged { finished, outputs, parts, gstreamer } =
            run_staged(&context, &claim, order, segments, &cancel, learned).await?;
        let result = match finished {
            Finished::Video(result) => to_document(&Encoded { gstreamer, result, parts })?,
            Finished::Audio(result) => to_document(&Encoded { gstreamer, result, parts })?,
            _ => return Err(other_result()),
        };
        context.progress_board.progressed(&claim.fence.asset, claim.fence.task, media_ns);
        Ok(Success::Produced { result, outputs })
    }
}
