//! The captions that an asset publishes: the cues that its media worker has read, of its tracks and of the caption files beside it,
//! without what a redaction leaves out.

use std::sync::Arc;

use reelgate_flow::asset::Flags;
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::Fault;
use reelgate_flow::surface::CAPTION_FILE;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::messages::{CUES, CaptionsJob, Cue, Finished, TextLine};
use reelgate_pipelines::recipes::captions::{CaptionTrack, Left, Shown, file_track, tracks};
use reelgate_pipelines::recipes::plan::presentation;
use reelgate_pipelines::recipes::redact::Request;
use reelgate_pipelines::trust;
use reelgate_ports::objects::StagedWriter;
use reelgate_ports::records::{AssetRecord, Claim, StagedOutput, Success};

use crate::engine_context::EngineContext;
use crate::stage::AttemptFacts;
use crate::work::caption_files::{self, CaptionsRead, ReadFile};
use crate::work::media::{JobFiles, MediaOrder, Ran, other_result, own_names, run_into};
use crate::work::products::{MediaJob, Planned, Products, to_document};
use crate::work::text_sources::{TEXT_BYTES_MAX, from_json, json_lines};
use crate::work::{joined, ours, source, stored_redaction};

/// [`TaskKey::Captions`]: reads the captions of the tracks, if there are any, and of the files.
pub async fn read(
    context: &Arc<EngineContext>,
    claim: &Claim,
    cancel: &CancelFlag,
    learned: &mut AttemptFacts,
) -> Result<Success, Fault> {
    let planned = claim.job.is_some().then(|| MediaJob::carried(claim)).transpose()?;
    let mut writer = context.objects.stage(&claim.fence).await.map_err(ours)?;
    let mut gstreamer = String::new();
    let media_ns = planned.as_ref().map(|planned| planned.media_ns);
    if let Some(MediaJob { job, media_ns, duration_ns, work, .. }) = planned {
        learned.work = work;
        // It reads the same text as the samples do.
        let budget = context.settings.budgets.enrich(duration_ns);
        let (source, opened) = source::open(context, claim).await?.split();
        let files = JobFiles { source, writer, named: own_names() };
        let order = MediaOrder { job, budget, media_ns };
        let ran: Ran = run_into(context, claim, order, files, cancel, learned).await?;
        source::check_current(context, &opened).await?;
        let Finished::Captions(_) = ran.finished else { return Err(other_result()) };
        (writer, gstreamer) = (ran.writer, ran.gstreamer);
    }
    let (files, texts) = caption_files::read(context, claim, cancel, learned).await?;
    let outputs = joined(tokio::task::spawn_blocking(move || write(writer, &texts)).await)??;
    if let Some(media_ns) = media_ns {
        context.progress_board.progressed(&claim.fence.asset, claim.fence.task, media_ns);
    }
    Ok(Success::Produced { result: to_document(&CaptionsRead { gstreamer, files })?, outputs })
}

fn write(mut writer: Box<dyn StagedWriter>, texts: &[(String, Vec<u8>)]) -> Result<Vec<StagedOutput>, Fault> {
    for (name, text) in texts {
        writer.open(name).map_err(ours)?;
        writer.write(text).map_err(ours)?;
        writer.close().map_err(ours)?;
    }
    writer.finish().map_err(ours)
}

/// The captions of an asset whose cues are staged, without what a redaction asks to leave out.
pub async fn published(
    context: &EngineContext,
    products: &Products,
    planned: &Planned,
    redaction: Option<&Request>,
) -> Result<Vec<CaptionTrack>, Fault> {
    let left = redaction.map(|request| Left { withheld: &request.withheld, mutes: &request.mutes });
    let mut found = match &planned.plan.captions {
        Some(captions) => {
            let staged = products.files(TaskKey::Captions).iter().find(|output| output.name == CUES);
            let cues = match staged {
                Some(staged) => {
                    let text = context.objects.read_staged(staged, TEXT_BYTES_MAX).await.map_err(ours)?;
                    parse(&text, &captions.job)?
                }
                None => Vec::new(),
            };
            tracks(captions, cues, left)
        }
        None => Vec::new(),
    };
    let time = presentation(&planned.inspection);
    for file in caption_files::of_products(products)? {
        let read = caption_files::captions(context, products, &file).await?;
        found.extend(read.and_then(|read| file_track(read, time, left)));
    }
    Ok(found)
}

/// What is searched of an asset's captions beside what its samples have gathered: the caption files whole, or of a redacted asset what
/// it publishes, because its other text is read from its encodes, which have no captions. With the files.
pub async fn lines(
    context: &EngineContext,
    asset: &AssetRecord,
) -> Result<(Vec<TextLine>, Vec<ReadFile>), Fault> {
    let Flags { redacted, captioned, .. } = asset.flags;
    if !redacted && !captioned {
        return Ok((Vec::new(), Vec::new()));
    }
    let products = Products::read(context, &asset.id).await?;
    let files = caption_files::of_products(&products)?;
    if let Some(request) = stored_redaction::request(context, &asset.id).await? {
        let planned: Planned = products.document(TaskKey::Validate)?;
        let tracks = published(context, &products, &planned, Some(&request)).await?;
        return Ok((tracks.into_iter().flat_map(published_lines).collect(), files));
    }
    let mut lines = Vec::new();
    for file in &files {
        lines.extend(caption_files::lines(context, &products, file).await?);
    }
    Ok((lines, files))
}

fn published_lines(mut track: CaptionTrack) -> Vec<TextLine> {
    let shown = std::mem::take(&mut track.shown);
    let (surface, field) = match (&track.file, &track.channel) {
        (Some(file), _) => (CAPTION_FILE, file.as_str()),
        (None, Some(channel)) => ("caption", channel.as_str()),
        (None, None) => ("subtitle", "text"),
    };
    let line = |shown: Shown| TextLine {
        surface: surface.to_owned(),
        field: field.to_owned(),
        track: track.track,
        start_ns: Some(shown.start_ns),
        end_ns: Some(shown.end_ns),
        frame_box: None,
        text: shown.text,
    };
    shown.into_iter().map(line).collect()
}

/// The files whose captions are published.
pub fn published_files(tracks: &[CaptionTrack]) -> Vec<&AssetId> {
    tracks.iter().filter_map(|track| track.file.as_ref()).collect()
}

fn parse(text: &[u8], job: &CaptionsJob) -> Result<Vec<Cue>, Fault> {
    let read = |line: &[u8]| {
        let cue: Cue = from_json(line, "a cue")?;
        trust::cue(&cue, job)?;
        Ok(cue)
    };
    json_lines(text).map(read).collect()
}

#[cfg(test)]
mod tests {
    use reelgate_flow::facts::Container;
    use reelgate_flow::reason::Code;

    use super::*;

    #[test]
    fn a_malformed_cue_is_refused_without_being_quoted() {
        let job = CaptionsJob { container: Container::IsoBmff, size_bytes: 1, tracks: vec![2], video: None };
        let good = r#"{"track":2,"channel":null,"start_ns":0,"end_ns":5,"text":"secret"}"#;
        assert_eq!(parse(good.as_bytes(), &job).unwrap()[0].text, "secret");
        for broken in [&good[..good.len() - 1], &good.replace(":2", ":3"), r#"{"text":"secret"}"#] {
            let fault = parse(broken.as_bytes(), &job).unwrap_err();
            assert_eq!(fault.code, Code::WorkerProtocol);
            assert!(!fault.detail.contains("secret"), "{}", fault.detail);
        }
    }
}
