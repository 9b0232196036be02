//! The line that `run --json` prints for each asset; `docs/reference/run-output.schema.json` describes it.

use std::collections::BTreeMap;
use std::path::Path;

use reelgate_flow::asset::{Phase, Severity, Verdict};
use reelgate_flow::facts::MediaFacts;
use reelgate_flow::left_out::{LeftOut, left_out};
use reelgate_flow::reason::{Class, Code, Fault};
use reelgate_flow::surface::SurfaceReport;
use reelgate_pipelines::messages::Loudness;
use reelgate_pipelines::progressive::PATH as PROGRESSIVE_PATH;
use reelgate_pipelines::recipes::package::Packaged;
use reelgate_ports::records::{AssetDetail, AssetRecord, TaskRow};
use serde::Serialize;

/// One asset.
#[derive(Serialize)]
pub struct AssetLine {
    /// 26 characters of base32.
    pub asset_id: String,
    /// The upload.
    pub source: SourceLine,
    /// Phase now.
    pub state: Phase,
    /// `clean`, `flagged` or `unscanned`.
    pub verdict: Verdict,
    /// Highest severity among the findings.
    pub severity: Severity,
    /// How far each surface was analysed that the verdict is made of; empty before screening.
    pub surfaces: Vec<SurfaceReport>,
    /// Why it was refused or failed.
    pub reason: Option<ReasonLine>,
    /// Facts, where inspection got that far.
    pub media: Option<MediaFacts>,
    /// Tracks of the upload that are not published, where the facts are known.
    pub left_out: Vec<LeftOut>,
    /// What was encoded.
    pub renditions: Vec<RenditionLine>,
    /// Absolute paths of the visible files; `null` unless published.
    pub outputs: Option<OutputsLine>,
    /// Findings without their values.
    pub findings: Vec<reelgate_ports::records::FindingRecord>,
    /// What the producer says about the upload: values by name, each `null` unless published.
    pub metadata: BTreeMap<String, Option<String>>,
    /// The caption files that are attached to this film, or the films to which this caption file belongs.
    pub beside: Vec<BesideLine>,
    /// The earlier asset with the same content, whose outputs this asset shares.
    pub linked_to: Option<String>,
    /// Time and attempts by stage, in order.
    pub stages: Vec<StageLine>,
}

/// The upload.
#[derive(Serialize)]
pub struct SourceLine {
    /// Path of the file, or key in the bucket.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: Option<String>,
}

/// A caption file or its film.
#[derive(Serialize)]
pub struct BesideLine {
    pub asset_id: String,
    /// Path of the file, or key in the bucket.
    pub path: String,
    pub state: Phase,
}

impl BesideLine {
    pub fn new(record: &AssetRecord) -> Self {
        let AssetRecord { id, source, phase, .. } = record;
        Self { asset_id: id.to_string(), path: source.id.key.clone(), state: *phase }
    }
}

/// Why.
#[derive(Serialize)]
pub struct ReasonLine {
    /// Stable code, see docs/reference/reasons.md.
    pub code: Code,
    pub class: Class,
    /// A sentence, with expected and found where there is more to say.
    pub message: String,
    /// What to do next.
    pub advice: &'static str,
}

/// One rendition.
#[derive(Serialize)]
pub struct RenditionLine {
    /// `720p`, `audio` …
    pub name: String,
    /// RFC 6381.
    pub codec: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Average bits per second, measured.
    pub bitrate: u64,
    /// Segments.
    pub segments: u32,
    /// Of audio; `null` where it was not measured.
    pub loudness: Option<Loudness>,
}

/// Paths.
#[derive(Serialize)]
pub struct OutputsLine {
    /// Multivariant playlist.
    pub hls: String,
    /// Media presentation description.
    pub dash: String,
    /// One file that plays while it arrives, where it is asked for.
    pub progressive: Option<String>,
    /// JPEG, where there is video.
    pub poster: Option<String>,
    /// WebVTT over the sprite sheets, where there is video.
    pub storyboard: Option<String>,
    /// Proof manifest.
    pub manifest: String,
}

/// One stage.
#[derive(Serialize)]
pub struct StageLine {
    /// `validate`, `transcode` …
    pub stage: &'static str,
    /// Highest number of attempts of one of its tasks.
    pub attempts: u32,
    /// Wall-clock seconds over all its tasks.
    pub seconds: f64,
}

/// Stages in order.
const STAGES: [&str; 8] =
    ["validate", "transcode", "enrich", "screen", "external_scan", "package", "publish", "withdraw"];

impl AssetLine {
    /// The line of an asset.
    ///
    /// `packaged` is what packaging left, where the asset got that far.
    pub fn new(detail: &AssetDetail, packaged: Option<&Packaged>) -> Self {
        let asset = &detail.asset;
        let loudness = packaged.map(Packaged::loudness).unwrap_or_default();
        let visible = asset.published_location.as_deref().filter(|_| asset.phase == Phase::Published);
        Self {
            asset_id: asset.id.to_string(),
            source: SourceLine {
                path: asset.source.id.key.clone(),
                size: asset.source.size_bytes,
                sha256: asset.sha256.clone(),
            },
            state: asset.phase,
            verdict: asset.verdict,
            severity: asset.severity,
            surfaces: asset.surfaces.clone(),
            reason: asset.reason.as_ref().map(ReasonLine::new),
            media: detail.facts.clone(),
            left_out: tracks_left_out(detail.facts.as_ref(), packaged),
            renditions: detail
                .renditions
                .iter()
                .map(|rendition| RenditionLine::new(rendition, loudness.get(&rendition.name).copied()))
                .collect(),
            outputs: visible.map(|location| OutputsLine::new(Path::new(location), detail, packaged)),
            findings: detail.findings.clone(),
            metadata: metadata(detail),
            beside: Vec::new(),
            linked_to: asset.linked_to.as_ref().map(ToString::to_string),
            stages: stages(&detail.tasks),
        }
    }
}

/// Values are shown where policy has let them pass.
pub fn metadata(detail: &AssetDetail) -> BTreeMap<String, Option<String>> {
    let is_shown = detail.asset.phase == Phase::Published;
    let entry = |(name, value): (&String, &String)| (name.clone(), is_shown.then(|| value.clone()));
    detail.metadata.iter().map(entry).collect()
}

impl ReasonLine {
    /// The reason behind a fault.
    pub fn new(fault: &Fault) -> Self {
        let code = fault.code;
        let message = match fault.detail.as_str() {
            "" => code.message().to_owned(),
            detail => format!("{} ({detail})", code.message()),
        };
        Self { code, class: code.class(), message, advice: code.advice() }
    }
}

/// The tracks that are not published, or are expected not to be.
fn tracks_left_out(facts: Option<&MediaFacts>, packaged: Option<&Packaged>) -> Vec<LeftOut> {
    let of = |facts| packaged.map_or_else(|| left_out(facts, None), |packaged| packaged.left_out(facts));
    facts.map(of).unwrap_or_default()
}

impl RenditionLine {
    fn new(rendition: &reelgate_ports::records::RenditionRecord, loudness: Option<Loudness>) -> Self {
        Self {
            name: rendition.name.clone(),
            codec: rendition.codec.clone(),
            width: rendition.width,
            height: rendition.height,
            bitrate: rendition.bitrate_bps,
            segments: rendition.segments,
            loudness,
        }
    }
}

impl OutputsLine {
    fn new(location: &Path, detail: &AssetDetail, packaged: Option<&Packaged>) -> Self {
        let path = |name: &str| location.join(name).to_string_lossy().into_owned();
        let has_video = detail.renditions.iter().any(|rendition| rendition.width > 0);
        Self {
            hls: path("master.m3u8"),
            dash: path("manifest.mpd"),
            progressive: packaged
                .is_some_and(|packaged| packaged.progressive)
                .then(|| path(PROGRESSIVE_PATH)),
            poster: has_video.then(|| path("poster.jpg")),
            storyboard: has_video.then(|| path("storyboard.vtt")),
            manifest: path("manifest.json"),
        }
    }
}

/// Sums tasks by stage; stages that never started are left out.
pub fn stages(tasks: &[TaskRow]) -> Vec<StageLine> {
    let line = |stage: &'static str| {
        let own = tasks.iter().filter(|task| task.task.stage() == stage && task.attempts > 0);
        let (attempts, wall_ms) = own
            .fold((0, 0u64), |(most, sum), task| (task.attempts.max(most), sum.saturating_add(task.wall_ms)));
        (attempts > 0).then_some(StageLine { stage, attempts, seconds: wall_ms as f64 / 1_000.0 })
    };
    STAGES.iter().filter_map(|stage| line(stage)).collect()
}
