//! Classifies everything readable in an asset, then delivers it to the external scanner, where there is one. What was found in
//! the content of a linked asset is known from its original and judged anew; where the original was searched less than is asked
//! today, the content is searched for this asset.

use std::sync::Arc;

use reelgate_flow::asset::{Response, TaskState};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::messages::TextLine;
use reelgate_ports::judgement::{response, with_name};
use reelgate_ports::records::{AssetDetail, Claim, FindingRecord, ProducerMetadata, Success};
use reelgate_privacy::{Line, Scan};

use crate::engine_context::EngineContext;
use crate::stage::{AttemptFacts, StageTask};
use crate::work::findings::{judge, record};
use crate::work::look::{Look, ScreenResult, SharedContent, shared_content};
use crate::work::planned_work::of_files;
use crate::work::products::{Planned, document, to_document};
use crate::work::redaction::{by_policy, on_screen};
use crate::work::stored_redaction::removed;
use crate::work::{caption_files, captions, external_scan, joined, ours, surfaces, text_sources};

/// [`TaskKey::Screen`] and [`TaskKey::ExternalScan`].
pub struct Screen;

impl StageTask for Screen {
    async fn run(
        context: Arc<EngineContext>,
        claim: Claim,
        _: CancelFlag,
        learned: &mut AttemptFacts,
    ) -> Result<Success, Fault> {
        learned.work = Some(of_files(1));
        match claim.fence.task {
            TaskKey::ExternalScan => external_scan::scan(&context, &claim).await,
            _ => screen(&context, &claim).await,
        }
    }
}

async fn screen(context: &Arc<EngineContext>, claim: &Claim) -> Result<Success, Fault> {
    let detail = context.store.asset(&claim.fence.asset).await.map_err(ours)?;
    if !claim.linked || was_searched(&detail) {
        return screen_content(context, claim, &detail).await;
    }
    let original = detail.asset.linked_to.as_ref();
    let original = original.ok_or_else(|| Fault::new(Code::Internal, "a linked asset has no original"))?;
    match shared_content(context, original, &detail.metadata).await? {
        Some(content) => screen_upload(context, claim, &detail.metadata, content).await,
        None => Ok(Success::LooksAgain),
    }
}

/// Whether the content of a linked asset was searched for itself.
fn was_searched(detail: &AssetDetail) -> bool {
    detail.tasks.iter().any(|row| row.task == TaskKey::Enrich && row.state == TaskState::Done)
}

async fn screen_content(
    context: &Arc<EngineContext>,
    claim: &Claim,
    detail: &AssetDetail,
) -> Result<Success, Fault> {
    let metadata = &detail.metadata;
    let mut lines = text_sources::lines(context, claim, metadata).await?;
    let (of_captions, files) = match claim.linked {
        true => (Vec::new(), Vec::new()),
        false => captions::lines(context, &detail.asset).await?,
    };
    let mut surfaces = surfaces::of_claim(context, claim, metadata).await?;
    surfaces::replace(&mut surfaces, caption_files::report(&files));
    let surfaces = surfaces::with_lines(surfaces, &of_captions);
    lines.extend(of_captions);
    let (scan, lines) = classify(context, lines).await?;
    let key = &claim.source.id.key;
    let removed =
        if claim.linked { Vec::new() } else { removed(&*context.store, &claim.fence.asset).await? };
    let found: Vec<FindingRecord> = scan.findings.iter().map(record).collect();
    let findings = with_name(&found, &still_unwanted(context, key, &removed));
    let mut screening = judge(&context.policy, key, &findings, surfaces);
    let mut redaction = None;
    if screening.response == Response::RedactThenPublish && !claim.linked {
        let planned: Planned = document(&*context.store, &claim.fence.asset, TaskKey::Validate).await?;
        let plan = planned.plan;
        let asked = by_policy(&plan, &context.policy, key, &scan, &findings)?;
        (screening.parts, redaction) = asked.unzip();
    }
    let delivered = external_scan::deliver(context, claim, &lines, &screening).await?;
    screening.scan = delivered.is_some();
    let look = Some(Look::now(context, delivered.is_some()));
    let on_screen = Some(on_screen(&scan));
    let result = Some(to_document(&ScreenResult { delivered, look, removed, on_screen })?);
    Ok(Success::Screened { screening, findings, redaction, shared: false, result })
}

/// Screens the name and the metadata of a linked asset, and judges them together with what is known of its content.
async fn screen_upload(
    context: &Arc<EngineContext>,
    claim: &Claim,
    metadata: &ProducerMetadata,
    content: SharedContent,
) -> Result<Success, Fault> {
    let (in_upload, lines) = classify(context, text_sources::of_upload(&claim.source, metadata)).await?;
    let in_upload: Vec<FindingRecord> = in_upload.findings.iter().map(record).collect();
    let SharedContent { findings, surfaces, look, removed, on_screen } = content;
    let key = &claim.source.id.key;
    let findings = with_name(&with_name(&findings, &still_unwanted(context, key, &removed)), &in_upload);
    let mut screening = judge(&context.policy, key, &findings, surfaces);
    let delivered = external_scan::deliver(context, claim, &lines, &screening).await?;
    screening.scan = delivered.is_some();
    let left = ScreenResult { delivered, look: Some(look), removed, on_screen };
    let result = Some(to_document(&left)?);
    Ok(Success::Screened { screening, findings, redaction: None, shared: true, result })
}

/// Findings that the outputs leave out, and that policy still answers with a quarantine: the source has them, and policy may
/// want that no one has them.
fn still_unwanted(context: &EngineContext, key: &str, removed: &[FindingRecord]) -> Vec<FindingRecord> {
    let is_unwanted = |one: &&FindingRecord| response(&context.policy, key, one) == Response::Quarantine;
    removed.iter().filter(is_unwanted).cloned().collect()
}

async fn classify(
    context: &Arc<EngineContext>,
    lines: Vec<TextLine>,
) -> Result<(Scan, Vec<TextLine>), Fault> {
    let scanning = Arc::clone(context);
    let scanned = tokio::task::spawn_blocking(move || {
        let addressed = lines.iter().map(|line| Line { text: &line.text, address: line.place() });
        (scanning.classifier.scan_whole(addressed), lines)
    });
    joined(scanned.await)
}
