//! What must not be seen or heard of an asset. Policy or a person requests it, the store keeps the request, the encodes
//! obey it, and a sampling of their result instead of the source proves it.

use std::fs::File;
use std::io::{Seek, Write};

use reelgate_flow::asset::{Parts, Response};
use reelgate_flow::ids::AssetId;
use reelgate_flow::place::TextPlace;
use reelgate_flow::policy::Policy;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::messages::{EnrichJob, RedactionStyle, Span, TextLine};
use reelgate_pipelines::recipes::plan::Plan;
use reelgate_pipelines::recipes::redact::{
    Request, Sighting, Widening, enrich_job, top_rung, touched_chunks,
};
use reelgate_ports::external_scanner::findings::join;
use reelgate_ports::judgement::in_content;
use reelgate_ports::objects::PublishItem;
use reelgate_ports::records::{Claim, FindingRecord};
use reelgate_ports::store::Store;
use reelgate_privacy::Classifier;
use serde::{Deserialize, Serialize};

use crate::engine_context::EngineContext;
use crate::work::package::packaged;
use crate::work::products::{Planned, Products, document, to_document};
use crate::work::publication::find_kept;
use crate::work::{joined as done, ours};

/// Largest segment read back, bytes.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// The document of a redaction.
#[derive(Serialize, Deserialize)]
struct Redaction {
    /// What the encodes obey.
    #[serde(flatten)]
    request: Request,
    /// What was found in the source before. The outputs leave it out; other uploads of the content still have it.
    #[serde(default)]
    removed: Vec<FindingRecord>,
}

/// The redaction that the encodes of an asset obey; `None` where it is not redacted.
pub async fn request(context: &EngineContext, asset: &AssetId) -> Result<Option<Request>, Fault> {
    Ok(read(&*context.store, asset).await?.map(|redaction| redaction.request))
}

/// What was found in the source of an asset before its outputs were redacted.
pub async fn removed(store: &dyn Store, asset: &AssetId) -> Result<Vec<FindingRecord>, Fault> {
    Ok(read(store, asset).await?.map(|redaction| redaction.removed).unwrap_or_default())
}

async fn read(store: &dyn Store, asset: &AssetId) -> Result<Option<Redaction>, Fault> {
    let Some(document) = store.redaction(asset).await.map_err(ours)? else { return Ok(None) };
    serde_json::from_value(document)
        .map(Some)
        .map_err(|error| Fault::new(Code::Internal, format!("a redaction cannot be read: {error}")))
}

/// The parts that are encoded again for a request.
pub fn parts(plan: &Plan, request: &Request) -> Result<Parts, Fault> {
    Ok(Parts { chunks: touched_chunks(plan, request)?, audio: !request.mutes.is_empty() })
}

/// The redaction that policy asks for: every finding on screen whose response is to redact. `None` where encoding again
/// would not remove all of them (one is in the upload's own name), or where there is no picture.
pub fn by_policy(
    plan: &Plan,
    policy: &Policy,
    key: &str,
    classifier: &Classifier,
    lines: &[TextLine],
    findings: &[FindingRecord],
) -> Result<Option<(Parts, serde_json::Value)>, Fault> {
    let wanted: Vec<&FindingRecord> = findings
        .iter()
        .filter(|found| policy.answer(found.severity, &found.kind, key) == Response::RedactThenPublish)
        .collect();
    let places = wanted.iter().flat_map(|finding| &finding.locations).map(|found| &found.place);
    let in_name = places.clone().any(|place| place.surface == reelgate_privacy::text::FILE_NAME);
    if in_name || plan.video.is_empty() {
        return Ok(None);
    }
    let mut request = empty(plan);
    request.places = places.filter_map(seen).collect();
    // A finding lists only some of its places, so every line on screen is classified again.
    for line in lines.iter().filter(|line| line.frame_box.is_some()) {
        let is_wanted = |kind: &str| wanted.iter().any(|found| found.kind == kind);
        if classifier.spans(&line.text).iter().any(|span| is_wanted(span.kind.id)) {
            request.places.extend(seen(&line.place()));
        }
    }
    let parts = parts(plan, &request)?;
    let removed = in_content(findings);
    Ok(Some((parts, to_document(&Redaction { request, removed })?)))
}

/// The redaction that a person asks for. Without any area or span it covers the asset's findings on screen.
pub async fn by_hand(
    store: &dyn Store,
    asset: &AssetId,
    mut places: Vec<Sighting>,
    mutes: Vec<Span>,
) -> Result<(Parts, serde_json::Value), Fault> {
    let planned: Planned = document(store, asset, TaskKey::Validate).await?;
    let mut request = empty(&planned.plan);
    let findings = store.asset(asset).await.map_err(ours)?.findings;
    if places.is_empty() && mutes.is_empty() {
        let all = findings.iter().flat_map(|finding| &finding.locations);
        places.extend(all.filter_map(|found| seen(&found.place)));
    } else {
        // The person gave exact times, so they are not widened.
        request.widening = Widening::Interval(0);
    }
    request = Request { places, mutes, ..request };
    let parts = parts(&planned.plan, &request)?;
    let removed = join(&removed(store, asset).await?, &in_content(&findings));
    Ok((parts, to_document(&Redaction { request, removed })?))
}

/// The redacted video as one unnamed file, with the job that samples it; `None` where there is only audio.
pub async fn sampled(context: &EngineContext, claim: &Claim) -> Result<Option<(EnrichJob, File)>, Fault> {
    let products = Products::read(context, &claim.fence.asset).await?;
    let planned: Planned = products.document(TaskKey::Validate)?;
    let packaged = packaged(&products, &planned)?;
    let Some((top, files)) = top_rung(&packaged) else { return Ok(None) };
    let asset = context.store.asset(&claim.fence.asset).await.map_err(ours)?.asset;
    let mut items = Vec::with_capacity(files.len());
    for file in files {
        let staged = products.outputs(file.task).iter().find(|output| output.name == file.staged);
        let staged =
            staged.ok_or_else(|| Fault::new(Code::CountMismatch, format!("{} lost an output", file.task)))?;
        items.push((file.task, PublishItem { staged: staged.clone(), name: file.path.clone() }));
    }
    find_kept(context, &asset, &mut items).await?;
    let unwritten = |error: std::io::Error| {
        Fault::new(Code::QuotaDisk, format!("join the redacted video in a temporary file: {error}"))
    };
    let mut file = tempfile::tempfile().map_err(unwritten)?;
    let mut size_bytes = 0;
    for (_, item) in &items {
        let bytes = context.objects.read_staged(&item.staged, SEGMENT_BYTES_MAX).await.map_err(ours)?;
        size_bytes += bytes.len() as u64;
        let writing = tokio::task::spawn_blocking(move || file.write_all(&bytes).map(|()| file));
        file = done(writing.await)?.map_err(unwritten)?;
    }
    file.rewind().map_err(unwritten)?;
    Ok(enrich_job(&planned.plan, top, size_bytes).map(|job| (job, file)))
}

/// A request for filled areas, widened by the interval between samples: what is between two samples was not analysed.
fn empty(plan: &Plan) -> Request {
    let interval_ns = plan.enrich.screen_text.interval_ns;
    Request {
        places: Vec::new(),
        style: RedactionStyle::Fill,
        widening: Widening::Interval(interval_ns),
        mutes: Vec::new(),
    }
}

/// The area and time of a finding's place, if it is on screen.
fn seen(place: &TextPlace) -> Option<Sighting> {
    let start_ns = place.start_ns?;
    let end_ns = place.end_ns.unwrap_or(start_ns).max(start_ns + 1);
    Some(Sighting { start_ns, end_ns, area: Some(place.frame_box?), thing: 0 })
}
