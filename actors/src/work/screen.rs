//! The local classifier over everything readable: the file's name, its tags, its subtitles.

use std::sync::Arc;

use reelgate_flow::asset::{Screening, Severity};
use reelgate_flow::policy::Policy;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::messages::TextLine;
use reelgate_ports::records::{Claim, FindingRecord, SourceRecord, Success};
use reelgate_privacy::{Address, Finding, Line};
use serde_json::json;

use crate::house::House;
use crate::stage::{Learned, Work};
use crate::work::products::{Planned, Products};
use crate::work::{joined, ours};

/// The worker stops collecting text well before this.
const TEXT_BYTES_MAX: u64 = 64 << 20;
/// Name of the worker's text output.
const TEXT: &str = "text.jsonl";
/// The bucket of files that are read where they lie: their folders are not the producer's words.
const FILE_BUCKET: &str = "file";

/// [`TaskKey::Screen`].
pub struct Screen;

impl Work for Screen {
    async fn run(house: Arc<House>, claim: Claim, _: CancelFlag, _: &mut Learned) -> Result<Success, Fault> {
        let mut lines = vec![name_line(&claim.source)];
        // A linked asset's content was screened with its twin; only its own name is new.
        if !claim.linked {
            let products = Products::read(&house, &claim.fence.asset).await?;
            lines.extend(tag_lines(&products.document(TaskKey::Validate)?));
            lines.extend(text_lines(&house, &products).await?);
        }
        let scanning = Arc::clone(&house);
        let scanned = tokio::task::spawn_blocking(move || {
            let lines = lines.iter().map(|line| Line { text: &line.text, address: address(line) });
            scanning.classifier.scan(lines)
        });
        let findings: Vec<FindingRecord> = joined(scanned.await)?.iter().map(record).collect();
        let screening = judge(&house.policy, &claim.source.id.key, &findings);
        Ok(Success::Screened { screening, findings, redaction: None })
    }
}

/// The strictest answer of policy, and whether the content asks for it or the name alone.
fn judge(policy: &Policy, key: &str, findings: &[FindingRecord]) -> Screening {
    let answer = |finding: &FindingRecord| policy.answer(finding.severity, &finding.kind, key);
    let severity = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::None);
    let response = findings.iter().map(answer).max().unwrap_or_default();
    let strictest = findings.iter().filter(|finding| answer(finding) == response);
    let of_content = strictest.clone().any(lies_in_content);
    Screening { severity, response, of_content, parts: None }
}

/// Whether any of the places listed is not the upload's own name.
fn lies_in_content(finding: &FindingRecord) -> bool {
    let places = finding.locations.as_array().map(Vec::as_slice).unwrap_or_default();
    places.iter().any(|place| place["surface"] != reelgate_privacy::text::FILE_NAME)
}

fn name_line(source: &SourceRecord) -> TextLine {
    let key = &source.id.key;
    let own = if source.id.bucket == FILE_BUCKET { key.rsplit('/').next().unwrap_or(key) } else { key };
    line("file_name", "name", None, reelgate_privacy::text::file_name(own))
}

fn tag_lines(planned: &Planned) -> Vec<TextLine> {
    let facts = &planned.inspection.facts;
    let tags = facts.tags.iter().map(|tag| line("tag", &tag.name, tag.track, tag.value.clone()));
    let chapters = facts.chapters.iter().map(|chapter| TextLine {
        start_ns: Some(chapter.start_ns),
        end_ns: chapter.end_ns,
        ..line("chapter", "title", None, chapter.title.clone())
    });
    tags.chain(chapters).chain(position_line(facts)).collect()
}

/// Latitude and longitude come as two tags; only the pair is a place.
fn position_line(facts: &reelgate_flow::facts::MediaFacts) -> Option<TextLine> {
    let value = |name: &str| facts.tags.iter().find(|tag| tag.name == name).map(|tag| tag.value.as_str());
    let (latitude, longitude) = (value("geo-location-latitude")?, value("geo-location-longitude")?);
    Some(line("tag", "gps_position", None, format!("{latitude}, {longitude}")))
}

async fn text_lines(house: &House, products: &Products) -> Result<Vec<TextLine>, Fault> {
    let Some(text) = products.outputs(TaskKey::Enrich).iter().find(|output| output.name == TEXT) else {
        return Ok(Vec::new());
    };
    let bytes = house.objects.read_staged(text, TEXT_BYTES_MAX).await.map_err(ours)?;
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let parse = |line: &[u8]| {
        // The error's text could quote the line, so only its place is kept.
        serde_json::from_slice(line).map_err(|error| {
            Fault::new(
                Code::WorkerProtocol,
                format!("a line of collected text breaks its form at column {}", error.column()),
            )
        })
    };
    lines.map(parse).collect()
}

fn line(surface: &str, field: &str, track: Option<u32>, text: String) -> TextLine {
    TextLine { surface: surface.into(), field: field.into(), track, start_ns: None, end_ns: None, text }
}

fn address(line: &TextLine) -> Address {
    Address {
        surface: line.surface.clone(),
        field: line.field.clone(),
        track: line.track,
        start_ns: line.start_ns,
        end_ns: line.end_ns,
        frame_box: None,
    }
}

fn record(finding: &Finding) -> FindingRecord {
    let locations = finding.locations.iter().map(|location| {
        let Address { surface, field, track, start_ns, end_ns, .. } = &location.address;
        json!({
            "surface": surface, "field": field, "track": track, "start_ns": start_ns, "end_ns": end_ns,
            "chars": [location.start, location.end], "masked": location.masked,
        })
    });
    FindingRecord {
        kind: finding.kind.id.to_owned(),
        severity: match finding.severity {
            reelgate_privacy::Severity::Low => Severity::Low,
            reelgate_privacy::Severity::Medium => Severity::Medium,
            reelgate_privacy::Severity::High => Severity::High,
        },
        count: finding.count,
        locations: locations.collect(),
    }
}
