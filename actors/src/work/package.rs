//! Checks that all encodes of an asset fit together, and stages its playlists, and the files of its tracks where segments are ranges.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use reelgate_flow::facts::MediaFacts;
use reelgate_flow::left_out::is_complete;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::messages::{AudioResult, VideoResult};
use reelgate_pipelines::progressive::chosen;
use reelgate_pipelines::recipes::captions::CaptionTrack;
use reelgate_pipelines::recipes::package::{self, Kind, Packaged, Rendition, TextFile, VideoPart};
use reelgate_pipelines::recipes::plan::Plan;
use reelgate_pipelines::recipes::settings::Segments;
use reelgate_ports::objects::StagedWriter;
use reelgate_ports::records::{AssetRecord, Claim, RenditionRecord, Success};
use reelgate_ports::store::Store;

use crate::engine_context::EngineContext;
use crate::stage::AttemptFacts;
use crate::work::output::Output;
use crate::work::planned_work::of_files;
use crate::work::products::{Encoded, Planned, Products, product, read_document, to_document};
use crate::work::{caption_files, captions, joined, ours, progressive, stored_redaction, track_files};

/// [`TaskKey::Package`].
pub async fn package(
    context: &Arc<EngineContext>,
    claim: &Claim,
    learned: &mut AttemptFacts,
) -> Result<Success, Fault> {
    let products = Products::read(context, &claim.fence.asset).await?;
    let planned: Planned = products.document(TaskKey::Validate)?;
    let files = caption_files::of_products(&products)?;
    let has_captions = planned.plan.captions.is_some() || !files.is_empty();
    let redaction = match has_captions {
        true => stored_redaction::request(context, &claim.fence.asset).await?,
        false => None,
    };
    let captions = captions::published(context, &products, &planned, redaction.as_ref()).await?;
    let mut packaged = packaged(&products, &planned, &captions)?;
    packaged.caption_files = caption_files::outcomes(&files, &captions::published_files(&captions));
    if planned.plan.segments == Segments::ByteRanges {
        packaged = packaged.in_track_files(|file| track_files::facts(&products, file))?;
    }
    learned.work = Some(of_files(packaged.renditions.len() as u64));
    let renditions = packaged.renditions.iter().map(record).collect();
    let left_out = packaged.left_out(&planned.inspection.facts);
    let texts = std::mem::take(&mut packaged.texts);
    let writer = context.objects.stage(&claim.fence).await.map_err(ours)?;
    let writer = joined(tokio::task::spawn_blocking(move || write(writer, &texts)).await)??;
    let (mut writer, kept) = track_files::write(context, claim, &products, &packaged, writer).await?;
    if packaged.progressive {
        let chosen = chosen(&packaged, planned.plan.progressive_height);
        let tracks = chosen.into_iter().map(|rendition| packaged.files_of(rendition));
        writer = progressive::write(context, claim, &products, tracks.collect(), writer).await?;
    }
    let finishing = tokio::task::spawn_blocking(move || writer.finish().map_err(ours));
    let outputs = [joined(finishing.await)??, kept].concat();
    Ok(Success::Packaged { result: to_document::<Packaged>(&packaged)?, renditions, left_out, outputs })
}

/// What packaging left of an asset, or of the original of a copy; `None` where it did not get that far.
///
/// # Errors
/// `internal` if it cannot be read.
pub async fn packaged_of(store: &dyn Store, asset: &AssetRecord) -> Result<Option<Packaged>, Fault> {
    for owner in [Some(&asset.id), asset.linked_to.as_ref()].into_iter().flatten() {
        if let Some(product) = product(store, owner, TaskKey::Package).await? {
            return read_document(TaskKey::Package, Some(&product)).map(Some);
        }
    }
    Ok(None)
}

/// The package that the encodes of an asset make, with these captions.
pub(super) fn packaged(
    products: &Products,
    planned: &Planned,
    captions: &[CaptionTrack],
) -> Result<Packaged, Fault> {
    let mut video = Vec::new();
    for chunk in 0..planned.video_chunks()? {
        video.push(part(products, TaskKey::Video { chunk })?);
    }
    let audio = match planned.plan.audio {
        Some(_) => Some(products.document::<Encoded<AudioResult>>(TaskKey::Audio)?.result),
        None => None,
    };
    let packaged = package::package(&planned.plan, &video, audio.as_ref(), captions)?;
    accounted(&planned.inspection.facts, &packaged, &planned.plan)?;
    Ok(packaged)
}

/// Checks that no track of the upload is lost in silence.
fn accounted(facts: &MediaFacts, packaged: &Packaged, plan: &Plan) -> Result<(), Fault> {
    let (published, left_out) = (packaged.published(plan), packaged.left_out(facts));
    if is_complete(facts, &published, &left_out) {
        return Ok(());
    }
    let (tracks, published, left_out) = (facts.tracks(), published.len(), left_out.len());
    let detail = format!("{tracks} tracks: {published} are published, {left_out} are left out");
    Err(Fault::new(Code::CountMismatch, detail))
}

fn part(products: &Products, task: TaskKey) -> Result<VideoPart, Fault> {
    let result = products.document::<Encoded<VideoResult>>(task)?.result;
    video_part(task, result, products.outputs(task))
}

/// A chunk's result with the hashes of its rungs' initialization segments.
pub(super) fn video_part(task: TaskKey, result: VideoResult, outputs: &[Output]) -> Result<VideoPart, Fault> {
    let hash = |name: &str| {
        let init = format!("{name}/init.mp4");
        let output = outputs.iter().find(|output| output.staged.name == init);
        output
            .and_then(digest)
            .ok_or_else(|| Fault::new(Code::CountMismatch, format!("{task} left no init segment")))
    };
    let init_sha256 = result.rungs.iter().map(|rung| hash(&rung.name)).collect::<Result<_, _>>()?;
    Ok(VideoPart { result, init_sha256 })
}

fn digest(output: &Output) -> Option<[u8; 32]> {
    HEXLOWER.decode(output.staged.sha256.as_bytes()).ok()?.try_into().ok()
}

fn write(mut writer: Box<dyn StagedWriter>, texts: &[TextFile]) -> Result<Box<dyn StagedWriter>, Fault> {
    for text in texts {
        writer.open(&text.path).map_err(ours)?;
        writer.write(text.text.as_bytes()).map_err(ours)?;
        writer.close().map_err(ours)?;
    }
    Ok(writer)
}

fn record(rendition: &Rendition) -> RenditionRecord {
    let (width, height) = match &rendition.kind {
        Kind::Video(picture) => (picture.width, picture.height),
        Kind::Audio(_) | Kind::Captions(_) => (0, 0),
    };
    let ticks: u64 = rendition.segments.iter().map(|segment| segment.duration_ticks).sum();
    RenditionRecord {
        name: rendition.name.clone(),
        codec: rendition.codecs.clone(),
        width,
        height,
        bitrate_bps: rendition.average_bps,
        segments: u32::try_from(rendition.segments.len()).unwrap_or(u32::MAX),
        samples: rendition.segments.iter().map(|segment| u64::from(segment.samples)).sum(),
        duration_ms: (rendition.seconds(ticks) * 1_000.0).round() as u64,
    }
}
