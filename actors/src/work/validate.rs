//! Sniffs, hashes and inspects the file in one pass, then plans. A file is refused here, before costly work begins.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use reelgate_flow::caption_file::CaptionFormat;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::client::{CancelFlag, OutputSink, Usage, WorkerProgram};
use reelgate_pipelines::messages::{Finished, Inspection, Job};
use reelgate_pipelines::recipes::plan::{inspect_job, plan};
use reelgate_pipelines::recipes::settings::Settings;
use reelgate_pipelines::recipes::sniff::{PREFIX_BYTES_MAX, sniff};
use reelgate_ports::records::{Claim, Success};
use reelgate_ports::sha256::hash_file;
use tracing::Span;

use crate::engine_context::EngineContext;
use crate::stage::{AttemptFacts, StageTask};
use crate::work::media::{other_result, run_worker, usage_record};
use crate::work::planned_work::{of_validation, planned_work};
use crate::work::products::Planned;
use crate::work::{caption_files, given_checksums, job_file, joined, producer_metadata, source, sources};

/// [`reelgate_flow::task::TaskKey::Validate`].
pub struct Validate;

impl StageTask for Validate {
    async fn run(
        context: Arc<EngineContext>,
        claim: Claim,
        cancel: CancelFlag,
        learned: &mut AttemptFacts,
    ) -> Result<Success, Fault> {
        let opened = source::open(&context, &claim).await?;
        let size_bytes = opened.size_bytes;
        let (file, opened) = opened.split();
        let sniffed = sniffed(&file, size_bytes);
        // A name is only believed if the content is no media.
        if CaptionFormat::of_key(&claim.source.id.key).is_some() && sniffed.is_err() {
            return caption_files::attach(&context, &claim, file, learned).await;
        }
        let labels = context.objects.labels(&claim.source).await.map_err(sources)?;
        learned.metadata = Some(producer_metadata::checked(&labels)?);
        let asked = job_file::read(&context, &claim).await?;
        let priority = asked.priority.or(producer_metadata::priority(&labels)?);
        let given = given_checksums::read(&context, &claim, &labels.metadata).await?;
        let permit = match sniffed {
            Ok(_) => context.inspections.acquire().await.ok(),
            // A file that is refused by its first bytes needs no worker, and is read further only for a checksum: that tells a
            // damaged transfer from a wrong file.
            Err(refused) if given.is_empty() => {
                source::check_current(&context, &opened).await?;
                return Err(refused);
            }
            Err(_) => None,
        };
        // They are part of the plan, so that every node works on the asset as this one has planned it.
        let profile = context.profiles.of_key(&claim.source.id.key);
        let settings = &asked.settings(profile.map_or(&context.settings, |profile| &profile.settings))?;
        let (inspected, sha256) = inspect_file(&context.worker, settings, file, size_bytes, cancel).await;
        drop(permit);
        source::check_current(&context, &opened).await?;
        let sha256 = sha256?;
        learned.sha256 = Some(sha256.clone());
        given_checksums::check(&given, &sha256)?;
        let (inspection, usage) = inspected?;
        let inspection = without_words(inspection);
        learned.usage = usage_record(usage);
        learned.work = Some(of_validation(size_bytes));
        learned.facts = Some(Box::new(inspection.facts.clone()));
        let plan = plan(&inspection, settings, size_bytes)?;
        learned.rest = context.estimates.of(&planned_work(&inspection.facts, &plan));
        let success = Planned { inspection, plan };
        Ok(Success::Validated {
            video_chunks: success.video_chunks()?,
            audio: success.plan.audio.is_some(),
            captions: success.plan.captions.is_some(),
            priority,
            jobs: success.jobs()?,
            plan: success.to_document()?,
        })
    }
}

/// The inspection as it is stored: it shows that a tag or a chapter exists, and never its text. The text is collected as
/// lines that only the classifier reads.
fn without_words(mut inspection: Inspection) -> Inspection {
    inspection.facts.tags.iter_mut().for_each(|tag| tag.value.clear());
    inspection.facts.chapters.iter_mut().for_each(|chapter| chapter.title.clear());
    inspection
}

/// Hashes and inspects a file at the same time, so that the disk is read once; `probe` uses this too. The hash is known
/// even if the media is refused.
pub async fn inspect_file(
    worker: &WorkerProgram,
    settings: &Settings,
    file: File,
    size_bytes: u64,
    cancel: CancelFlag,
) -> (Result<(Inspection, Usage), Fault>, Result<String, Fault>) {
    let hashed = match file.try_clone() {
        Ok(clone) => tokio::task::spawn_blocking(move || hash_file(&clone)),
        Err(error) => {
            let fault =
                Fault::new(Code::ObjectUnavailable, format!("share the source's descriptor: {error}"));
            return (Err(fault.clone()), Err(fault));
        }
    };
    let (worker, settings) = (worker.clone(), settings.clone());
    let span = Span::current();
    let inspecting = tokio::task::spawn_blocking(move || {
        let _within = span.entered();
        inspect(&worker, &settings, file, size_bytes, &cancel)
    });
    let inspected = joined(inspecting.await).and_then(|result| result);
    let hashed = joined(hashed.await).and_then(|result| {
        result.map_err(|error| Fault::new(Code::ObjectUnavailable, format!("read the source: {error}")))
    });
    (inspected, hashed)
}

fn sniffed(file: &File, size_bytes: u64) -> Result<reelgate_flow::facts::Container, Fault> {
    let mut prefix = vec![0; PREFIX_BYTES_MAX.min(usize::try_from(size_bytes).unwrap_or(usize::MAX))];
    let unreadable =
        |error: std::io::Error| Fault::new(Code::ObjectUnavailable, format!("read the source: {error}"));
    let mut filled = 0;
    while filled < prefix.len() {
        match file.read_at(&mut prefix[filled..], filled as u64).map_err(unreadable)? {
            0 => break,
            count => filled += count,
        }
    }
    sniff(&prefix[..filled], size_bytes)
}

/// Sniffs, then inspects in a jailed worker. Blocks.
pub fn inspect(
    worker: &WorkerProgram,
    settings: &Settings,
    file: File,
    size_bytes: u64,
    cancel: &CancelFlag,
) -> Result<(Inspection, Usage), Fault> {
    let container = sniffed(&file, size_bytes)?;
    let job = Job::Inspect(inspect_job(container, size_bytes, settings));
    let budget = settings.budgets.inspect(size_bytes);
    let (finished, usage) = run_worker(worker, &job, &budget, file, &mut NoOutput, &mut |_| {}, cancel)?;
    match finished {
        Finished::Inspected(inspection) => Ok((*inspection, usage)),
        _ => Err(other_result()),
    }
}

/// An inspection has no outputs.
struct NoOutput;

impl OutputSink for NoOutput {
    fn open(&mut self, _: &str) -> Result<(), Fault> {
        Err(Fault::new(Code::WorkerProtocol, "an inspection sent an output"))
    }
    fn write(&mut self, _: &[u8]) -> Result<(), Fault> {
        Err(Fault::new(Code::WorkerProtocol, "an inspection sent an output"))
    }
    fn close(&mut self) -> Result<(), Fault> {
        Err(Fault::new(Code::WorkerProtocol, "an inspection sent an output"))
    }
}
