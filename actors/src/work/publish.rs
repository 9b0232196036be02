//! Makes an asset's outputs visible, all at once, with the proof manifest.

use std::collections::BTreeSet;
use std::sync::Arc;

use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::messages::Enrichment;
use reelgate_pipelines::recipes::package::{Packaged, enrichment_files};
use reelgate_ports::objects::{Publication, PublishItem};
use reelgate_ports::records::{Claim, SourceRecord, StagedOutput, Success};

use crate::house::House;
use crate::stage::{Learned, Work};
use crate::work::manifest::{MANIFEST_VERSION, MadeWith, Manifest, ManifestOutput, ManifestSource, Tools};
use crate::work::ours;
use crate::work::package::package;
use crate::work::products::{Encoded, Planned, Products};
use crate::work::withdraw::withdraw;

/// [`TaskKey::Package`], [`TaskKey::Publish`] and [`TaskKey::Withdraw`].
pub struct Publish;

impl Work for Publish {
    async fn run(house: Arc<House>, claim: Claim, _: CancelFlag, _: &mut Learned) -> Result<Success, Fault> {
        match claim.fence.task {
            TaskKey::Package => package(&house, &claim).await,
            TaskKey::Publish => publish(&house, &claim).await,
            _ => withdraw(&house, &claim).await,
        }
    }
}

async fn publish(house: &House, claim: &Claim) -> Result<Success, Fault> {
    let detail = house.store.asset(&claim.fence.asset).await.map_err(ours)?;
    // A linked asset shows copies of what its twin has published, under its own name and its own manifest.
    let (maker, shown_at) = match detail.asset.linked_to {
        Some(twin) => {
            let twin = house.store.asset(&twin).await.map_err(ours)?.asset;
            let shown_at = twin.published_location.filter(|_| twin.phase == Phase::Published);
            let gone = || Fault::new(Code::ObjectUnavailable, "the outputs of the linked asset are gone");
            (maker(house, twin.id, twin.linked_to).await?, Some(shown_at.ok_or_else(gone)?))
        }
        None => (claim.fence.asset.clone(), None),
    };
    let products = Products::read(house, &maker).await?;
    let mut items = items(&products)?;
    if let Some(shown_at) = shown_at {
        for item in &mut items {
            item.staged.location = house.objects.visible(&shown_at, &item.name);
        }
    }
    let sha256 = detail.asset.sha256;
    let sha256 = sha256.ok_or_else(|| Fault::new(Code::Internal, "the source's hash was not recorded"))?;
    let manifest = manifest(&products, claim, sha256, &items)?;
    let mut text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| Fault::new(Code::Internal, format!("write the manifest: {error}")))?;
    text.push(b'\n');
    let path = published_path(house, &claim.fence.asset, &claim.source);
    let source = claim.source.clone();
    let publication = Publication { asset: claim.fence.asset.clone(), source, path, items, manifest: text };
    still_ours(house, claim).await?;
    let location = house.objects.publish(&publication).await.map_err(ours)?;
    Ok(Success::Published { location })
}

/// Who encoded what a twin shows: the twin may be a copy itself.
async fn maker(house: &House, twin: AssetId, mut linked_to: Option<AssetId>) -> Result<AssetId, Fault> {
    let mut maker = twin;
    while let Some(next) = linked_to {
        let next = house.store.asset(&next).await.map_err(ours)?.asset;
        (maker, linked_to) = (next.id, next.linked_to);
    }
    Ok(maker)
}

/// An attempt that lost its lease while it gathered everything must not show what was withdrawn meanwhile.
async fn still_ours(house: &House, claim: &Claim) -> Result<(), Fault> {
    let fences = std::slice::from_ref(&claim.fence);
    let lost = house.store.heartbeat(&house.node, fences, house.lease_ms).await.map_err(ours)?;
    if lost.is_empty() {
        Ok(())
    } else {
        Err(Fault::new(Code::WorkerLost, "its lease ran out before it published"))
    }
}

/// Where an asset's outputs stand, or would stand.
pub fn published_path(house: &House, asset: &AssetId, source: &SourceRecord) -> String {
    // The key of a file read where it lies is its absolute path; its leading slash is no component.
    let key = source.id.key.trim_start_matches('/');
    house.path_template.render(&source.id.bucket, key, asset.as_str())
}

/// Everything that becomes visible, under its final name: what packaging chose, playlists, pictures.
fn items(products: &Products) -> Result<Vec<PublishItem>, Fault> {
    let packaged: Packaged = products.document(TaskKey::Package)?;
    let enrichment: Enrichment = products.document(TaskKey::Enrich)?;
    let item =
        |staged: &StagedOutput, name: &str| PublishItem { staged: staged.clone(), name: name.to_owned() };
    let mut items = Vec::new();
    for file in packaged.files.iter().chain(&enrichment_files(&enrichment)) {
        let staged = products.outputs(file.task).iter().find(|output| output.name == file.staged);
        let staged =
            staged.ok_or_else(|| Fault::new(Code::CountMismatch, format!("{} lost an output", file.task)))?;
        items.push(item(staged, &file.path));
    }
    items.extend(products.outputs(TaskKey::Package).iter().map(|staged| item(staged, &staged.name)));
    Ok(items)
}

fn manifest(
    products: &Products,
    claim: &Claim,
    sha256: String,
    items: &[PublishItem],
) -> Result<Manifest, Fault> {
    let planned: Planned = products.document(TaskKey::Validate)?;
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
        asset_id: claim.fence.asset.to_string(),
        source: ManifestSource { id: claim.source.id.clone(), size: claim.source.size_bytes, sha256 },
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
        outputs,
    })
}
