//! The captions that an asset publishes: the cues that its media worker has read, without what a redaction leaves out.

use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::Fault;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::messages::{CUES, CaptionsJob, Cue, TextLine};
use reelgate_pipelines::recipes::captions::{CaptionTrack, Left, Shown, tracks};
use reelgate_pipelines::recipes::plan::Plan;
use reelgate_pipelines::recipes::redact::Request;
use reelgate_pipelines::trust;

use crate::engine_context::EngineContext;
use crate::work::products::{Planned, Products};
use crate::work::text_sources::{TEXT_BYTES_MAX, from_json, json_lines};
use crate::work::{ours, stored_redaction};

/// The captions of an asset whose cues are staged, without what a redaction asks to leave out.
pub async fn published(
    context: &EngineContext,
    products: &Products,
    plan: &Plan,
    redaction: Option<&Request>,
) -> Result<Vec<CaptionTrack>, Fault> {
    let Some(captions) = &plan.captions else { return Ok(Vec::new()) };
    let cues = match products.outputs(TaskKey::Captions).iter().find(|output| output.name == CUES) {
        Some(staged) => {
            let text = context.objects.read_staged(staged, TEXT_BYTES_MAX).await.map_err(ours)?;
            parse(&text, &captions.job)?
        }
        None => Vec::new(),
    };
    let left = redaction.map(|request| Left { withheld: &request.withheld, mutes: &request.mutes });
    Ok(tracks(captions, cues, left))
}

/// What a redacted asset publishes of its captions, to be searched again. Its other text is read from its encodes, which have
/// none.
pub async fn lines(context: &EngineContext, asset: &AssetId) -> Result<Vec<TextLine>, Fault> {
    let Some(request) = stored_redaction::request(context, asset).await? else { return Ok(Vec::new()) };
    let products = Products::read(context, asset).await?;
    let planned: Planned = products.document(TaskKey::Validate)?;
    let tracks = published(context, &products, &planned.plan, Some(&request)).await?;
    let line = |track: &CaptionTrack, shown: Shown| TextLine {
        surface: if track.channel.is_some() { "caption" } else { "subtitle" }.to_owned(),
        field: track.channel.clone().unwrap_or_else(|| "text".to_owned()),
        track: Some(track.track),
        start_ns: Some(shown.start_ns),
        end_ns: Some(shown.end_ns),
        frame_box: None,
        text: shown.text,
    };
    let lines = tracks.into_iter().flat_map(|mut track| {
        let shown = std::mem::take(&mut track.shown);
        shown.into_iter().map(move |shown| line(&track, shown))
    });
    Ok(lines.collect())
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
