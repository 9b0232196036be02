//! Proves that this machine inspects, encodes and analyses correctly: it processes golden files and compares the results
//! with known facts.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use reelgate_flow::policy::Policy;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::surface::{self, Surface, SurfaceReport};
use reelgate_pipelines::client::{self, CancelFlag, Nowhere, WorkerProgram};
use reelgate_pipelines::gstreamer_version::GstreamerVersion;
use reelgate_pipelines::messages::{Finished, Job};
use reelgate_pipelines::recipes::plan::plan;
use reelgate_pipelines::recipes::settings::Settings;
use reelgate_ports::records::ProducerMetadata;

use crate::engine_context::EngineContext;
use crate::work::gathered_text::run_enrich;
use crate::work::joined;
use crate::work::media::other_result;
use crate::work::surfaces::of_upload;
use crate::work::text_sources;
use crate::work::validate::inspect;

/// Two seconds of a moving test picture and a tone, H.264 and AAC in MP4; made for this test.
static GOLDEN: &[u8] = include_bytes!("../golden.mp4");
/// Frames in the golden file.
const FRAMES: u64 = 50;

/// A second of a picture with the words "self-test" and a QR code, H.264 in MP4; made for this test.
static PICTURES: &[u8] = include_bytes!("../golden_pictures.mp4");
/// The payload of the code.
const PAYLOAD: &str = "reelgate self-test";

/// Inspects and encodes the golden file in the jailed worker, and analyses every surface that is wanted.
pub async fn self_test(context: Arc<EngineContext>) -> Result<(), Fault> {
    joined(tokio::task::spawn_blocking(move || run(&context)).await)?
}

fn run(context: &EngineContext) -> Result<(), Fault> {
    let size_bytes = GOLDEN.len() as u64;
    let cancel = CancelFlag::default();
    let file = golden(GOLDEN)?;
    let (inspection, _) = inspect(&context.worker, &context.settings, file, size_bytes, &cancel)?;
    log_worker(&context.worker);
    let frames = inspection.facts.video.first().map_or(0, |track| track.frames);
    expect("frames in the golden file", frames)?;
    let plan = plan(&inspection, &context.settings, size_bytes)?;
    let chunk = plan.video.first().ok_or_else(|| Fault::new(Code::CountMismatch, "no chunk was planned"))?;
    let (job, budget) = (Job::Video(chunk.job.clone()), context.settings.budgets.video(&chunk.job));
    let file = golden(GOLDEN)?;
    let (finished, _) =
        client::run(&context.worker, &job, &budget, file, &mut Nowhere, &mut |_| {}, &cancel)?;
    let Finished::Video(result) = finished else { return Err(other_result()) };
    expect("frames decoded from the golden file", result.frames_in)?;
    check_surfaces(&context.worker, &context.settings, &context.policy)
}

/// Says which GStreamer the worker has, and what limits it beside its own process.
fn log_worker(worker: &WorkerProgram) {
    let gstreamer = worker.gstreamer().unwrap_or_default();
    match GstreamerVersion::warning(gstreamer) {
        Some(warning) => tracing::warn!(gstreamer, warning, "self-test: the media worker answers"),
        None => tracing::info!(gstreamer, "self-test: the media worker answers"),
    }
    match client::worker_groups() {
        Ok(groups) => tracing::info!(groups, "self-test: workers have control groups"),
        Err(reason) => tracing::info!(reason, "self-test: workers have no control groups"),
    }
}

/// Analyses a golden picture: every surface that policy requires, QR codes where they are switched on, and on-screen text in
/// each of its languages alone, so that the fault names the one that is missing. Blocks.
///
/// # Errors
/// `config_invalid` where an analysis that is wanted is not possible here.
pub fn check_surfaces(worker: &WorkerProgram, settings: &Settings, policy: &Policy) -> Result<(), Fault> {
    let size_bytes = PICTURES.len() as u64;
    let file = golden(PICTURES)?;
    let (inspection, _) = inspect(worker, settings, file, size_bytes, &CancelFlag::default())?;
    let plan = plan(&inspection, settings, size_bytes)?;
    let budget = settings.budgets.enrich(plan.duration_ns);
    let analyse = |languages: &[String]| {
        let mut job = plan.enrich.clone();
        job.screen_text.languages = languages.to_vec();
        run_enrich(worker, job, &budget, golden(PICTURES)?)
    };
    let missing = |expected: &str, found: &str| {
        Err(Fault::new(Code::ConfigInvalid, format!("expected {expected} on this node, found {found}")))
    };
    for language in &plan.enrich.screen_text.languages {
        let (enrichment, _) = analyse(std::slice::from_ref(language))?;
        let read = of(&enrichment.surfaces, Surface::OnScreenText);
        if read.iter().any(|report| !report.is_whole()) {
            let found = format!("{}; install Tesseract and the data of this language", surface::label(&read));
            return missing(&format!("Tesseract with the language {language}"), &found);
        }
    }
    let (enrichment, text) = analyse(&[])?;
    let mut incomplete = policy.incomplete(&of_upload(&ProducerMetadata::new(), &enrichment.surfaces));
    incomplete.retain(|report| report.surface != Surface::OnScreenText);
    if !incomplete.is_empty() {
        return missing("every surface of privacy.surfaces to be analysed", &surface::label(&incomplete));
    }
    let lines = text_sources::parse(&text, &inspection.facts)?;
    if settings.screen_text.codes && !lines.iter().any(|line| line.surface == "code" && line.text == PAYLOAD)
    {
        return missing("the payload of a QR code", "another one or none");
    }
    Ok(())
}

fn of(reports: &[SurfaceReport], surface: Surface) -> Vec<SurfaceReport> {
    reports.iter().filter(|report| report.surface == surface).cloned().collect()
}

fn expect(what: &str, found: u64) -> Result<(), Fault> {
    if found == FRAMES {
        return Ok(());
    }
    Err(Fault::new(Code::CountMismatch, format!("expected {FRAMES} {what}, found {found}")))
}

fn golden(bytes: &[u8]) -> Result<File, Fault> {
    let filled = || -> std::io::Result<File> {
        let mut file = File::from(rustix::fs::memfd_create("golden", rustix::fs::MemfdFlags::CLOEXEC)?);
        file.write_all(bytes)?;
        Ok(file)
    };
    filled().map_err(|error| Fault::new(Code::WorkerUnavailable, error.to_string()))
}
