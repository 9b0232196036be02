//! Classifies everything readable in an asset, then delivers it to the external scanner, where there is one.

use std::sync::Arc;

use reelgate_flow::asset::Response;
use reelgate_flow::reason::Fault;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_ports::records::{Claim, FindingRecord, Success};
use reelgate_privacy::Line;

use crate::engine_context::EngineContext;
use crate::stage::{AttemptFacts, StageTask};
use crate::work::findings::{judge, record};
use crate::work::products::{Planned, document};
use crate::work::redaction::by_policy;
use crate::work::{external_scan, joined, surfaces, text_sources};

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
    let surfaces = surfaces::of_claim(context, claim).await?;
    let mut screening = judge(&context.policy, key, &findings, surfaces);
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
