//! The local classifier over everything readable in an asset, which then goes to a scanner outside where there is one.

use std::sync::Arc;

use reelgate_flow::asset::{Response, Screening, Severity};
use reelgate_flow::policy::Policy;
use reelgate_flow::reason::Fault;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_ports::records::{Claim, Finder, FindingLocation, FindingRecord, MaskedValue, Success};
use reelgate_privacy::{Finding, Line, Location};

use crate::engine_context::EngineContext;
use crate::stage::{AttemptFacts, StageTask};
use crate::work::products::{Planned, document};
use crate::work::redaction::by_policy;
use crate::work::{external_scan, joined, text_sources};

/// [`TaskKey::Screen`] and [`TaskKey::ExternalScan`].
pub struct Screen;

impl StageTask for Screen {
    async fn run(
        context: Arc<EngineContext>,
        claim: Claim,
        _: CancelFlag,
        _: &mut AttemptFacts,
    ) -> Result<Success, Fault> {
        match claim.fence.task {
            TaskKey::ExternalScan => external_scan::scan(&context, &claim).await,
            _ => screen(&context, &claim).await,
        }
    }
}

async fn screen(context: &Arc<EngineContext>, claim: &Claim) -> Result<Success, Fault> {
    let lines = text_sources::lines(context, claim).await?;
    let scanning = Arc::clone(context);
    let scanned = tokio::task::spawn_blocking(move || {
        let addressed = lines.iter().map(|line| Line { text: &line.text, address: line.place() });
        (scanning.classifier.scan(addressed), lines)
    });
    let (found, lines) = joined(scanned.await)?;
    let findings: Vec<FindingRecord> = found.iter().map(record).collect();
    let key = &claim.source.id.key;
    let mut screening = judge(&context.policy, key, &findings);
    let mut redaction = None;
    if screening.response == Response::RedactThenPublish && !claim.linked {
        let planned: Planned = document(&*context.store, &claim.fence.asset, TaskKey::Validate).await?;
        let plan = planned.plan;
        let asked = by_policy(&plan, &context.policy, key, &context.classifier, &lines, &findings)?;
        (screening.parts, redaction) = asked.unzip();
    }
    let delivered = external_scan::deliver(context, claim, &lines, &screening).await?;
    screening.scan = delivered.is_some();
    Ok(Success::Screened { screening, findings, redaction, delivered })
}

/// What policy would do with findings in an upload of this name.
pub fn would_do(policy: &Policy, key: &str, findings: &[Finding]) -> Response {
    judge(policy, key, &findings.iter().map(record).collect::<Vec<_>>()).response
}

/// The strictest answer of policy, and whether the content asks for it or the name alone.
pub fn judge(policy: &Policy, key: &str, findings: &[FindingRecord]) -> Screening {
    let answer = |finding: &FindingRecord| policy.answer(finding.severity, &finding.kind, key);
    let severity = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::None);
    let response = findings.iter().map(answer).max().unwrap_or_default();
    let strictest = findings.iter().filter(|finding| answer(finding) == response);
    let of_content = strictest.clone().any(lies_in_content);
    Screening { severity, response, of_content, parts: None, scan: false }
}

/// Whether any of the places listed is not the upload's own name.
fn lies_in_content(finding: &FindingRecord) -> bool {
    finding.locations.iter().any(|found| found.place.surface != reelgate_privacy::text::FILE_NAME)
}

/// The classifier's severity in the words of the core.
pub fn graded(severity: reelgate_privacy::Severity) -> Severity {
    match severity {
        reelgate_privacy::Severity::Low => Severity::Low,
        reelgate_privacy::Severity::Medium => Severity::Medium,
        reelgate_privacy::Severity::High => Severity::High,
    }
}

fn record(finding: &Finding) -> FindingRecord {
    FindingRecord {
        source: Finder::Local,
        kind: finding.kind.id.to_owned(),
        severity: graded(finding.severity),
        count: finding.count,
        locations: finding.locations.iter().map(location).collect(),
    }
}

/// A place as findings show it, wherever they are shown.
pub fn location(found: &Location) -> FindingLocation {
    let Location { address, start, end, masked, fingerprint } = found.clone();
    FindingLocation { place: address, value: Some(MaskedValue { chars: (start, end), masked, fingerprint }) }
}
