//! The answer of an external scanner (Amazon Macie) about the text of an asset. The text is delivered when the asset is
//! screened; then the scanner is asked until it has answered.

use reelgate_flow::asset::{Response, Screening};
use reelgate_flow::place::TextPlace;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::messages::TextLine;
use reelgate_ports::external_scanner::findings::{
    ExternalScanAnswer, ExternalScanFinding, Subject, Unanswered, fold, join, verdict,
};
use reelgate_ports::external_scanner::{Delivered, ExternalScanLine, JobStatus, Removed, Sidecar};
use reelgate_ports::judgement::strictest;
use reelgate_ports::records::{Claim, FindingRecord, Success};
use reelgate_privacy::Classifier;

use crate::engine_context::EngineContext;
use crate::scan_batcher::{BatchState, ScanBatcher};
use crate::work::findings::judge;
use crate::work::look::ScreenResult;
use crate::work::ours;
use crate::work::products::{document, product, read_document};

/// Shortest and longest wait between two questions about one asset, milliseconds. Within these bounds the wait is a quarter
/// of the time that the asset has waited already.
const ASK_INTERVAL_MS: std::ops::RangeInclusive<u64> = 10_000..=300_000;

/// [`TaskKey::ExternalScan`].
pub async fn scan(context: &EngineContext, claim: &Claim) -> Result<Success, Fault> {
    let Some(batcher) = &context.external_scan else {
        let detail = "expected a scanner in the configuration of this node ([aws.macie]), found none";
        return Err(Fault::new(Code::ConfigInvalid, detail));
    };
    let left: ScreenResult = document(&*context.store, &claim.fence.asset, TaskKey::Screen).await?;
    let delivered = left.delivered.ok_or_else(|| {
        Fault::new(Code::Internal, "expected a screening that delivered the text to the scanner, found none")
    })?;
    let question = AnswerRequest { context, batcher, claim, delivered };
    match question.ask().await {
        // Policy does not require the answer, so nothing waits for it.
        Err(fault) if !batcher.settings.awaited => {
            tracing::warn!(
                asset = %claim.fence.asset,
                %fault,
                "publishing asset without the external scanner's answer: policy does not require it"
            );
            question.judged(&[]).await
        }
        asked => asked,
    }
}

struct AnswerRequest<'a> {
    context: &'a EngineContext,
    batcher: &'a ScanBatcher,
    claim: &'a Claim,
    delivered: Delivered,
}

impl AnswerRequest<'_> {
    async fn ask(&self) -> Result<Success, Fault> {
        let now_ms = self.batcher.now_ms();
        let waited_ms = now_ms.saturating_sub(self.delivered.job_from_ms);
        if now_ms < self.delivered.job_from_ms {
            return Ok(Success::Waiting { delay_ms: self.delivered.job_from_ms - now_ms });
        }
        let state = self.batcher.state(&self.delivered.batch).await.map_err(ours)?;
        let delay_ms = match &state {
            BatchState::Ended(failure, events) => {
                let status = failure.clone().map_or(JobStatus::Complete, JobStatus::Failed);
                return self
                    .answered(&status, fold(events.iter(), &self.batcher.settings.bucket).findings)
                    .await;
            }
            BatchState::NotBefore(at_ms) => at_ms.saturating_sub(now_ms),
            // Its findings come as events later.
            BatchState::Running if !self.batcher.settings.awaited => return self.judged(&[]).await,
            BatchState::Running => (waited_ms / 4).clamp(*ASK_INTERVAL_MS.start(), *ASK_INTERVAL_MS.end()),
        };
        if waited_ms < self.batcher.settings.wait_ms {
            return Ok(Success::Waiting { delay_ms });
        }
        self.forget().await?;
        let limit_s = self.batcher.settings.wait_ms / 1_000;
        Err(Fault::new(Code::ScannerUnanswered, format!("expected an answer within {limit_s} s, found none")))
    }

    async fn answered(
        &self,
        status: &JobStatus,
        findings: Vec<ExternalScanFinding>,
    ) -> Result<Success, Fault> {
        let this_asset = Subject::Asset(self.claim.fence.asset.clone());
        let findings = findings.into_iter().filter(|finding| finding.subject == this_asset).collect();
        let (why, findings) = match verdict(status, findings) {
            ExternalScanAnswer::Answered(findings) => (None, findings),
            ExternalScanAnswer::Unanswered { why, findings } => (Some(why), findings),
        };
        let asset = &self.claim.fence.asset;
        let map = match findings.is_empty() {
            true => None,
            false => self.batcher.scanner.map(&self.delivered.batch, asset).await.map_err(ours)?,
        };
        let found: Vec<FindingRecord> =
            findings.iter().flat_map(|finding| finding.records(map.as_ref())).collect();
        let severe =
            strictest(&self.context.policy, &self.claim.source.id.key, &found) >= Response::RedactThenPublish;
        match why {
            // Findings that quarantine the asset need no complete answer.
            Some(why) if !severe => {
                self.forget().await?;
                Err(Fault::new(Code::ScannerUnanswered, words(&why)))
            }
            _ => self.judged(&found).await,
        }
    }

    async fn judged(&self, found: &[FindingRecord]) -> Result<Success, Fault> {
        let detail = self.context.store.asset(&self.claim.fence.asset).await.map_err(ours)?;
        let surfaces = detail.asset.surfaces.clone();
        let screening = judge(&self.context.policy, &self.claim.source.id.key, found, surfaces);
        // Where no answer is awaited, the scanner may still have to read the sidecar.
        if self.batcher.settings.awaited {
            self.forget().await?;
        }
        Ok(Success::ExternallyScanned { screening, findings: join(&detail.findings, found) })
    }

    async fn forget(&self) -> Result<(), Fault> {
        let asset = &self.claim.fence.asset;
        self.batcher.scanner.remove(asset, Some(&self.delivered)).await.map(drop).map_err(ours)
    }
}

fn words(why: &Unanswered) -> &'static str {
    match why {
        Unanswered::Running => "the scanner's job has not ended",
        Unanswered::Job(failure) => failure.message(),
        Unanswered::PartlyRead => "the scanner did not read the text to its end",
    }
}

/// Delivers the text of a claim's asset to the external scanner, where there is one and its answer can change anything.
/// Where publishing does not wait for the answer, it does not wait for the scanner's bucket either.
pub async fn deliver(
    context: &EngineContext,
    claim: &Claim,
    lines: &[TextLine],
    screening: &Screening,
) -> Result<Option<Delivered>, Fault> {
    let Some(batcher) = &context.external_scan else { return Ok(None) };
    if screening.response >= Response::RedactThenPublish {
        return Ok(None);
    }
    let lines = lines.iter().map(|line| scan_line(&context.classifier, line)).collect();
    match batcher.deliver(Sidecar { asset: claim.fence.asset.clone(), lines }).await {
        Ok(delivered) => Ok(Some(delivered)),
        Err(fault) if !batcher.settings.awaited => {
            tracing::warn!(
                asset = %claim.fence.asset,
                %fault,
                "text of asset not delivered to the external scanner: not required by policy"
            );
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}

/// A field's name may come from a tag of the upload. It is hidden, because it goes into the map, which must hold no values.
fn scan_line(classifier: &Classifier, line: &TextLine) -> ExternalScanLine {
    let place = TextPlace { field: classifier.hide(&line.field), ..line.place() };
    ExternalScanLine { place, text: line.text.clone() }
}

/// Removes all text of an asset from the scanner's bucket, whichever attempt delivered it.
pub async fn remove_text(context: &EngineContext, claim: &Claim) -> Result<Option<Removed>, Fault> {
    let Some(batcher) = &context.external_scan else { return Ok(None) };
    let asset = &claim.fence.asset;
    let mut removed = Removed::default();
    // Versions that recorded no deliveries named the batch in the result of the screening only.
    if let Some(left) = product(&*context.store, asset, TaskKey::Screen).await? {
        let left: ScreenResult = read_document(TaskKey::Screen, Some(&left))?;
        if let Some(delivered) = left.delivered {
            removed = batcher.scanner.remove(asset, Some(&delivered)).await.map_err(ours)?;
        }
    }
    let rest = batcher.scanner.remove(asset, None).await.map_err(ours)?;
    removed.objects += rest.objects;
    removed.bytes += rest.bytes;
    removed.addresses += rest.addresses;
    Ok(Some(removed))
}
