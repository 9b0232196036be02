//! Makes all outputs of an asset visible at once, with the proof manifest.

use std::collections::BTreeSet;
use std::sync::Arc;

use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::surface;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::messages::Enrichment;
use reelgate_pipelines::recipes::package::{Packaged, enrichment_files};
use reelgate_ports::objects::{Publication, PublishItem};
use reelgate_ports::records::{AssetRecord, Claim, StagedOutput, Success};

use crate::engine_context::EngineContext;
use crate::stage::{AttemptFacts, StageTask};
use crate::work::manifest::{MANIFEST_VERSION, MadeWith, Manifest, ManifestOutput, ManifestSource, Tools};
use crate::work::output::Output;
use crate::work::package::package;
use crate::work::planned_work::of_files;
use crate::work::products::{Encoded, Planned, Products};
use crate::work::publication::{Current, published_manifest, published_path, turn};
use crate::work::withdraw::{keep_source, restore, withdraw};
use crate::work::{ours, track_files};

/// [`TaskKey::Package`], [`TaskKey::Publish`], [`TaskKey::Withdraw`], [`TaskKey::Restore`] and [`TaskKey::KeepSource`].
pub struct Publish;

impl StageTask for Publish {
    async fn run(
        context: Arc<EngineContext>,
        claim: Claim,
        _: CancelFlag,
        learned: &mut AttemptFacts,
    ) -> Result<Success, Fault> {
        match claim.fence.task {
            TaskKey::Package => package(&context, &claim, learned).await,
            TaskKey::Publish => publish(&context, &claim, learned).await,
            TaskKey::Restore => restore(&context, &claim).await,
            TaskKey::KeepSource => keep_source(&context, &claim).await,
            _ => withdraw(&context, &claim).await,
        }
    }
}

async fn publish(
    context: &EngineContext,
    claim: &Claim,
    learned: &mut AttemptFacts,
) -> Result<Success, Fault> {
    let (turn, asset) = turn(context, claim).await?;
    let asset = &asset;
    let sha256 = asset.sha256.clone();
    let sha256 = sha256.ok_or_else(|| Fault::new(Code::Internal, "the source's hash was not recorded"))?;
    let source = ManifestSource { id: claim.source.id.clone(), size: claim.source.size_bytes, sha256 };
    let (manifest, items) = match &asset.linked_to {
        Some(original) => copy_of(context, original, asset, source).await?,
        None => own(context, asset, source).await?,
    };
    learned.work = Some(of_files(items.len() as u64));
    let mut text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| Fault::new(Code::Internal, format!("write the manifest: {error}")))?;
    text.push(b'\n');
    let path = published_path(context, asset);
    let source = claim.source.clone();
    let publication = Publication {
        turn,
        source,
        path,
        items,
        manifest: text,
        verdict: asset.verdict,
        surfaces: surface::compact(&asset.surfaces),
    };
    // An attempt that was not followed by another one yet has a turn; this asks whether it is still wanted.
    check_lease(context, claim).await?;
    let location = context.objects.publish(&publication).await.map_err(ours)?;
    Ok(Success::Published { location })
}

/// What the asset's own tasks made. Outputs that a redo kept exist only where they were published.
async fn own(
    context: &EngineContext,
    asset: &AssetRecord,
    source: ManifestSource,
) -> Result<(Manifest, Vec<PublishItem>), Fault> {
    let products = Products::read(context, &asset.id).await?;
    let mut named = outputs(&products)?;
    if let Some(current) = Current::of(context, asset).await? {
        current.find_kept(context, named.iter_mut().map(|(_, task, output)| (*task, output)))?;
    }
    let items =
        named.into_iter().map(|(name, _, output)| item(name, output)).collect::<Result<Vec<_>, _>>()?;
    let manifest = manifest(&products, asset, source, &items)?;
    Ok((manifest, items))
}

/// A copy of what the original has published, under the asset's own name and source.
async fn copy_of(
    context: &EngineContext,
    original: &AssetId,
    asset: &AssetRecord,
    source: ManifestSource,
) -> Result<(Manifest, Vec<PublishItem>), Fault> {
    let gone = || Fault::new(Code::StorageInconsistent, "the outputs of the linked asset are gone");
    let original = context.store.asset(original).await.map_err(ours)?.asset;
    let published_at =
        original.published_location.filter(|_| original.phase == Phase::Published).ok_or_else(gone)?;
    let published = published_manifest(context, &published_at, &original.id).await?.ok_or_else(gone)?;
    let item = |output: &ManifestOutput| PublishItem {
        staged: StagedOutput {
            name: output.name.clone(),
            location: context.objects.visible(&published_at, &output.name),
            size_bytes: output.size,
            sha256: output.sha256.clone(),
        },
        name: output.name.clone(),
    };
    let items = published.outputs.iter().map(item).collect();
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        asset_id: asset.id.to_string(),
        source,
        verdict: Some(asset.verdict),
        surfaces: asset.surfaces.clone(),
        ..published
    };
    Ok((manifest, items))
}

/// Fails if the attempt has lost its lease: the asset may have been withdrawn in the meantime and must not become visible.
async fn check_lease(context: &EngineContext, claim: &Claim) -> Result<(), Fault> {
    let fences = std::slice::from_ref(&claim.fence);
    let lost = context.store.heartbeat(&context.node, fences, context.lease_ms).await.map_err(ours)?;
    if lost.is_empty() {
        Ok(())
    } else {
        Err(Fault::new(Code::WorkerLost, "its lease ran out before it published"))
    }
}

/// Every file that becomes visible, by its final name and with the task that made it: what packaging chose, playlists, the files
/// of tracks, pictures.
fn outputs(products: &Products) -> Result<Vec<(String, TaskKey, Output)>, Fault> {
    let packaged: Packaged = products.document(TaskKey::Package)?;
    let enrichment: Enrichment = products.document(TaskKey::Enrich)?;
    let enriched = enrichment_files(&enrichment);
    let mut outputs = Vec::new();
    for file in packaged.published_files().iter().chain(&enriched) {
        let (task, output) = products.output(file)?;
        outputs.push((file.path.clone(), task, output));
    }
    let own = products.outputs(TaskKey::Package).iter();
    outputs.extend(own.map(|output| (output.staged.name.clone(), TaskKey::Package, output.clone())));
    Ok(outputs)
}

/// A file of the publication. What is a part of a file is published within the file of its track.
fn item(name: String, output: Output) -> Result<PublishItem, Fault> {
    match output {
        Output { staged, offset: None } => Ok(PublishItem { staged, name }),
        Output { offset: Some(offset), .. } => {
            let detail = format!("{name}: expected a whole file, found a part from byte {offset} on");
            Err(Fault::new(Code::Internal, detail))
        }
    }
}

fn manifest(
    products: &Products,
    asset: &AssetRecord,
    source: ManifestSource,
    items: &[PublishItem],
) -> Result<Manifest, Fault> {
    let planned: Planned = products.document(TaskKey::Validate)?;
    let packaged: Packaged = products.document(TaskKey::Package)?;
    let mut gstreamer = BTreeSet::new();
    for task in products.tasks().filter(|task| matches!(task, TaskKey::Video { .. } | TaskKey::Audio)) {
        gstreamer.insert(products.document::<Encoded<serde_json::Value>>(task)?.gstreamer);
    }
    let first = planned.plan.video.first().map(|chunk| &chunk.job);
    let mut parts = track_files::parts(products, &packaged)?;
    let mut outputs: Vec<ManifestOutput> = items
        .iter()
        .map(|item| ManifestOutput {
            name: item.name.clone(),
            size: item.staged.size_bytes,
            sha256: item.staged.sha256.clone(),
            parts: parts.remove(&item.name).unwrap_or_default(),
        })
        .collect();
    outputs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Manifest {
        version: MANIFEST_VERSION,
        asset_id: asset.id.to_string(),
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
        verdict: Some(asset.verdict),
        surfaces: asset.surfaces.clone(),
        left_out: packaged.left_out(&planned.inspection.facts),
        loudness: packaged.loudness(),
        of_version_1: serde::de::IgnoredAny,
        outputs,
    })
}
