//! Everything readable in an asset, as lines with a place: its name and metadata, and the text that its media worker collected.

use reelgate_flow::facts::MediaFacts;
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::messages::TextLine;
use reelgate_pipelines::trust;
use reelgate_ports::records::{Claim, ProducerMetadata, SourceRecord};
use serde::de::DeserializeOwned;

use crate::engine_context::EngineContext;
use crate::work::products::{Planned, document, product};
use crate::work::{ours, producer_metadata};

/// Largest text output, bytes; the worker stops collecting well before this.
pub const TEXT_BYTES_MAX: u64 = 64 << 20;
/// Name of the worker's text output.
pub const TEXT: &str = "text.jsonl";
/// The bucket of files that `run` reads in place. Their folders are no part of the upload, so they are not classified.
const FILE_BUCKET: &str = "file";

/// All lines of a claim's asset.
///
/// # Errors
/// `worker_protocol` where a line is not what a worker may write.
pub async fn lines(
    context: &EngineContext,
    claim: &Claim,
    metadata: &ProducerMetadata,
) -> Result<Vec<TextLine>, Fault> {
    let mut lines = of_upload(&claim.source, metadata);
    lines.extend(read_lines(context, &claim.fence.asset).await?);
    Ok(lines)
}

/// The lines of an upload's name and metadata, which another upload of the same content does not share.
pub fn of_upload(source: &SourceRecord, metadata: &ProducerMetadata) -> Vec<TextLine> {
    std::iter::once(name_line(source)).chain(producer_metadata::lines(metadata)).collect()
}

fn name_line(source: &SourceRecord) -> TextLine {
    let key = &source.id.key;
    named(if source.id.bucket == FILE_BUCKET { key.rsplit('/').next().unwrap_or(key) } else { key })
}

/// The line of a file's name, or of an object's key.
pub fn named(name: &str) -> TextLine {
    TextLine {
        surface: reelgate_privacy::text::FILE_NAME.to_owned(),
        field: "name".to_owned(),
        track: None,
        start_ns: None,
        end_ns: None,
        frame_box: None,
        text: reelgate_privacy::text::file_name(name),
    }
}

async fn read_lines(context: &EngineContext, asset: &AssetId) -> Result<Vec<TextLine>, Fault> {
    let outputs = product(&*context.store, asset, TaskKey::Enrich).await?.map(|left| left.outputs);
    let Some(text) = outputs.into_iter().flatten().find(|output| output.name == TEXT) else {
        return Ok(Vec::new());
    };
    let planned: Planned = document(&*context.store, asset, TaskKey::Validate).await?;
    let bytes = context.objects.read_staged(&text, TEXT_BYTES_MAX).await.map_err(ours)?;
    parse(&bytes, &planned.inspection.facts)
}

/// The lines of a worker's text output.
///
/// # Errors
/// `worker_protocol` where a line is not what a worker may write.
pub fn parse(bytes: &[u8], facts: &MediaFacts) -> Result<Vec<TextLine>, Fault> {
    let picture = picture(facts);
    json_lines(bytes).map(|line| read_line(line, picture)).collect()
}

fn read_line(json: &[u8], picture: Option<(u32, u32)>) -> Result<TextLine, Fault> {
    let line: TextLine = from_json(json, "a line of collected text")?;
    trust::text_line(&line, picture)?;
    Ok(line)
}

/// The lines of an output that has one JSON document per line.
pub fn json_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// One such line. `what` says what a malformed one is.
///
/// # Errors
/// `worker_protocol` where it is malformed.
pub fn from_json<T: DeserializeOwned>(json: &[u8], what: &str) -> Result<T, Fault> {
    serde_json::from_slice(json).map_err(|error| {
        // The error's text could quote the line, so only the column is kept.
        Fault::new(Code::WorkerProtocol, format!("{what} is malformed at column {}", error.column()))
    })
}

/// Width and height of the main video after rotation, in its own pixels.
fn picture(facts: &MediaFacts) -> Option<(u32, u32)> {
    let video = facts.main_video()?;
    let is_turned = video.rotation.degrees % 180 == 90;
    Some(if is_turned { (video.height, video.width) } else { (video.width, video.height) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_line_is_refused_without_being_quoted() {
        let good = r#"{"surface":"tag","field":"comment","track":null,"start_ns":null,"end_ns":null,"frame_box":null,"text":"secret"}"#;
        assert_eq!(read_line(good.as_bytes(), None).unwrap().text, "secret");
        let boxed = good.replace(r#""frame_box":null"#, r#""frame_box":{"x":1,"y":1,"width":9,"height":9}"#);
        assert!(read_line(boxed.as_bytes(), Some((10, 10))).is_ok());
        for broken in [&good[..good.len() - 1], &boxed, r#"{"text":"secret"}"#] {
            let fault = read_line(broken.as_bytes(), Some((9, 9))).unwrap_err();
            assert_eq!(fault.code, Code::WorkerProtocol);
            assert!(!fault.detail.contains("secret"), "{}", fault.detail);
        }
    }
}
