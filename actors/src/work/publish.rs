//! Makes an asset's outputs visible, all at once, with the proof manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reelgate_flow::asset::{Phase, Verdict};
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::messages::Enrichment;
use reelgate_pipelines::recipes::package::{Packaged, enrichment_files};
use reelgate_ports::objects::{Publication, PublishItem};
use reelgate_ports::records::{
    AssetRecord, Claim, HistoryEvent, HistoryRecord, SourceRecord, StagedOutput, Success,
};

use crate::engine_context::EngineContext;
use crate::stage::{AttemptFacts, StageTask};
use crate::work::manifest::{MANIFEST_VERSION, MadeWith, Manifest, ManifestOutput, ManifestSource, Tools};
use crate::work::ours;
use crate::work::package::package;
use crate::work::products::{Encoded, Planned, Products};
use crate::work::withdraw::{restore, withdraw};

/// Largest manifest read back, bytes: an entry is about 200, and 24 h in three rungs have some 65,000.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// [`TaskKey::Package`], [`TaskKey::Publish`], [`TaskKey::Withdraw`] and [`TaskKey::Restore`].
pub struct Publish;

impl StageTask for Publish {
    async fn run(
        context: Arc<EngineContext>,
        claim: Claim,
        _: CancelFlag,
        _: &mut AttemptFacts,
    ) -> Result<Success, Fault> {
        match claim.fence.task {
            TaskKey::Package => package(&context, &claim).await,
            TaskKey::Publish => publish(&context, &claim).await,
            TaskKey::Restore => restore(&context, &claim).await,
            _ => withdraw(&context, &claim).await,
        }
    }
}

async fn publish(context: &EngineContext, claim: &Claim) -> Result<Success, Fault> {
    let detail = context.store.asset(&claim.fence.asset).await.map_err(ours)?;
    let asset = &detail.asset;
    let sha256 = asset.sha256.clone();
    let sha256 = sha256.ok_or_else(|| Fault::new(Code::Internal, "the source's hash was not recorded"))?;
    let source = ManifestSource { id: claim.source.id.clone(), size: claim.source.size_bytes, sha256 };
    let (manifest, items) = match &asset.linked_to {
        Some(original) => copy_of(context, original, asset, source).await?,
        None => own(context, asset, source).await?,
    };
    let mut text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| Fault::new(Code::Internal, format!("write the manifest: {error}")))?;
    text.push(b'\n');
    let path = published_path(context, &claim.fence.asset, &claim.source);
    let source = claim.source.clone();
    let flagged = asset.verdict == Verdict::Flagged;
    let publication =
        Publication { asset: claim.fence.asset.clone(), source, path, items, manifest: text, flagged };
    still_ours(context, claim).await?;
    let location = context.objects.publish(&publication).await.map_err(ours)?;
    Ok(Success::Published { location })
}

/// What the asset's own tasks made. What a redo kept lies where it was published, and nowhere else.
async fn own(
    context: &EngineContext,
    asset: &AssetRecord,
    source: ManifestSource,
) -> Result<(Manifest, Vec<PublishItem>), Fault> {
    let products = Products::read(context, &asset.id).await?;
    let mut items = items(&products)?;
    find_kept(context, asset, &mut items).await?;
    let items: Vec<PublishItem> = items.into_iter().map(|(_, item)| item).collect();
    let manifest = manifest(&products, &asset.id, source, &items)?;
    Ok((manifest, items))
}

/// Finds what was not made since the asset was last published where it stands published, if it does.
pub(super) async fn find_kept(
    context: &EngineContext,
    asset: &AssetRecord,
    items: &mut [(TaskKey, PublishItem)],
) -> Result<(), Fault> {
    let Some(shown_at) = &asset.published_location else { return Ok(()) };
    let made = made_since(&context.store.history(&asset.id).await.map_err(ours)?);
    let kept = items.iter_mut().filter(|(task, _)| !made.contains(task));
    find_shown(context, asset, shown_at, kept.map(|(_, item)| item)).await
}

/// Tasks that finished after the asset was last published: their outputs are staged, all others' were discarded then.
fn made_since(history: &[HistoryRecord]) -> BTreeSet<TaskKey> {
    let published = |line: &HistoryRecord| line.event == HistoryEvent::Entered(Phase::Published);
    let since = history.iter().rposition(published).map_or(0, |at| at + 1);
    let finished = history.iter().skip(since).filter(|line| line.event == HistoryEvent::Finished);
    finished.filter_map(|line| line.task).collect()
}

/// Finds outputs in the publication that stands, by their content: their names may have changed since.
async fn find_shown(
    context: &EngineContext,
    asset: &AssetRecord,
    shown_at: &str,
    kept: impl Iterator<Item = &mut PublishItem>,
) -> Result<(), Fault> {
    let gone = |what: &str| {
        let detail =
            format!("expected {what} where it was published, found it gone; redo the asset from validate");
        Fault::new(Code::CountMismatch, detail)
    };
    let shown = standing(context, shown_at, &asset.id).await?.ok_or_else(|| gone("the manifest"))?;
    let by_content: BTreeMap<(&str, u64), &str> =
        shown.outputs.iter().map(|output| ((&*output.sha256, output.size), &*output.name)).collect();
    for item in kept {
        let name = by_content.get(&(&*item.staged.sha256, item.staged.size_bytes));
        let name = name.ok_or_else(|| gone("an output that is kept"))?;
        item.staged.location = context.objects.visible(shown_at, name);
    }
    Ok(())
}

/// A copy of what the original has published, under the asset's own name and source.
async fn copy_of(
    context: &EngineContext,
    original: &AssetId,
    asset: &AssetRecord,
    source: ManifestSource,
) -> Result<(Manifest, Vec<PublishItem>), Fault> {
    let gone = || Fault::new(Code::ObjectUnavailable, "the outputs of the linked asset are gone");
    let original = context.store.asset(original).await.map_err(ours)?.asset;
    let shown_at =
        original.published_location.filter(|_| original.phase == Phase::Published).ok_or_else(gone)?;
    let shown = standing(context, &shown_at, &original.id).await?.ok_or_else(gone)?;
    let item = |output: &ManifestOutput| PublishItem {
        staged: StagedOutput {
            name: output.name.clone(),
            location: context.objects.visible(&shown_at, &output.name),
            size_bytes: output.size,
            sha256: output.sha256.clone(),
        },
        name: output.name.clone(),
    };
    let items = shown.outputs.iter().map(item).collect();
    Ok((Manifest { asset_id: asset.id.to_string(), source, ..shown }, items))
}

/// The manifest of an asset's publication; `None` where it does not stand there any more.
async fn standing(
    context: &EngineContext,
    shown_at: &str,
    asset: &AssetId,
) -> Result<Option<Manifest>, Fault> {
    let Some(text) = context.objects.manifest(shown_at, MANIFEST_BYTES_MAX).await.map_err(ours)? else {
        return Ok(None);
    };
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| Fault::new(Code::Internal, format!("a manifest cannot be read: {error}")))?;
    Ok(Some(manifest).filter(|manifest| manifest.asset_id == asset.as_str()))
}

/// An attempt that lost its lease while it gathered everything must not show what was withdrawn meanwhile.
async fn still_ours(context: &EngineContext, claim: &Claim) -> Result<(), Fault> {
    let fences = std::slice::from_ref(&claim.fence);
    let lost = context.store.heartbeat(&context.node, fences, context.lease_ms).await.map_err(ours)?;
    if lost.is_empty() {
        Ok(())
    } else {
        Err(Fault::new(Code::WorkerLost, "its lease ran out before it published"))
    }
}

/// Where an asset's outputs stand, or would stand.
pub fn published_path(context: &EngineContext, asset: &AssetId, source: &SourceRecord) -> String {
    // The key of a file read where it lies is its absolute path; its leading slash is no component.
    let key = source.id.key.trim_start_matches('/');
    context.path_template.render(&source.id.bucket, key, asset.as_str())
}

/// Everything that becomes visible, with the task that made it and under its final name: what packaging chose, playlists, pictures.
fn items(products: &Products) -> Result<Vec<(TaskKey, PublishItem)>, Fault> {
    let packaged: Packaged = products.document(TaskKey::Package)?;
    let enrichment: Enrichment = products.document(TaskKey::Enrich)?;
    let item =
        |staged: &StagedOutput, name: &str| PublishItem { staged: staged.clone(), name: name.to_owned() };
    let mut items = Vec::new();
    for file in packaged.files.iter().chain(&enrichment_files(&enrichment)) {
        let staged = products.outputs(file.task).iter().find(|output| output.name == file.staged);
        let staged =
            staged.ok_or_else(|| Fault::new(Code::CountMismatch, format!("{} lost an output", file.task)))?;
        items.push((file.task, item(staged, &file.path)));
    }
    let lists = products.outputs(TaskKey::Package).iter();
    items.extend(lists.map(|staged| (TaskKey::Package, item(staged, &staged.name))));
    Ok(items)
}

fn manifest(
    products: &Products,
    asset: &AssetId,
    source: ManifestSource,
    items: &[PublishItem],
) -> Result<Manifest, Fault> {
    let planned: Planned = products.document(TaskKey::Validate)?;
    let enrichment: Enrichment = products.document(TaskKey::Enrich)?;
    let mut gstreamer = BTreeSet::new();
    for task in products.tasks().filter(|task| matches!(task, TaskKey::Video { .. } | TaskKey::Audio)) {
        gstreamer.insert(products.document::<Encoded<serde_json::Value>>(task)?.gstreamer);
    }
    let first = planned.plan.video.first().map(|chunk| &chunk.job);
    let mut outputs: Vec<ManifestOutput> = items
        .iter()
        .map(|item| ManifestOutput {
            name: item.name.clone(),
            size: item.staged.size_bytes,
            sha256: item.staged.sha256.clone(),
        })
        .collect();
    outputs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Manifest {
        version: MANIFEST_VERSION,
        asset_id: asset.to_string(),
        source,
        tools: Tools {
            reelgate: env!("CARGO_PKG_VERSION").to_owned(),
            gstreamer: gstreamer.into_iter().collect(),
        },
        settings: MadeWith {
            rungs: first.map(|job| job.rungs.clone()).unwrap_or_default(),
            preset: first.map(|job| job.preset.clone()).unwrap_or_default(),
            crf: first.map_or(0, |job| job.crf),
            encoder_threads: first.map_or(0, |job| job.encoder_threads),
            chunks: u32::from(planned.video_chunks()?),
            segment_ns: first.map_or_else(
                || planned.plan.audio.as_ref().map_or(0, |audio| audio.segment_ns),
                |job| job.segment_ns,
            ),
            audio: planned.plan.audio.clone(),
        },
        not_analysed: enrichment.not_analysed,
        outputs,
    })
}
