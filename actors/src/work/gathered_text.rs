//! Reads and classifies the text of one media file as the pipeline does, and stores nothing.

use std::fs::File;
use std::path::Path;

use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::surface::SurfaceReport;
use reelgate_pipelines::client::{self, CancelFlag, OutputSink, WorkerProgram};
use reelgate_pipelines::messages::{Budget, EnrichJob, Enrichment, Finished, Inspection, Job, TextLine};
use reelgate_pipelines::recipes::plan::plan;
use reelgate_pipelines::recipes::settings::Settings;
use reelgate_ports::records::ProducerMetadata;
use reelgate_privacy::{Classifier, Finding, Line};

use crate::work::media::other_result;
use crate::work::surfaces::of_upload;
use crate::work::text_sources;
use crate::work::validate::inspect;

/// What was found in a file, and how far its surfaces were analysed.
pub struct GatheredText {
    /// In its name and in everything readable in it.
    pub findings: Vec<Finding>,
    /// How far each surface of a media file was analysed; empty where only the name was read, or the file is text.
    pub surfaces: Vec<SurfaceReport>,
}

/// What is found in a file's name alone.
pub fn read_name(classifier: &Classifier, name: &str) -> GatheredText {
    GatheredText { findings: classify(classifier, &[text_sources::named(name)]), surfaces: Vec::new() }
}

/// Inspects a file and collects its text, in two jailed workers, one after the other. Blocks. The text is in memory, at
/// most 64 MiB.
///
/// # Errors
/// Why the gate would refuse the file, or which fault of ours prevented the reading.
pub fn read_media(
    worker: &WorkerProgram,
    settings: &Settings,
    classifier: &Classifier,
    path: &Path,
    name: &str,
) -> Result<GatheredText, Fault> {
    let unreadable =
        |error: std::io::Error| Fault::new(Code::ObjectUnavailable, format!("read the source: {error}"));
    let cancel = CancelFlag::default();
    let file = File::open(path).map_err(unreadable)?;
    let size_bytes = file.metadata().map_err(unreadable)?.len();
    let (inspection, _) = inspect(worker, settings, file, size_bytes, &cancel)?;
    let (enrichment, text) = enrich(worker, settings, path, size_bytes, &inspection)?;
    let mut lines = vec![text_sources::named(name)];
    lines.extend(text_sources::parse(&text, &inspection.facts)?);
    let surfaces = of_upload(&ProducerMetadata::new(), &enrichment.surfaces);
    Ok(GatheredText { findings: classify(classifier, &lines), surfaces })
}

fn enrich(
    worker: &WorkerProgram,
    settings: &Settings,
    path: &Path,
    size_bytes: u64,
    inspection: &Inspection,
) -> Result<(Enrichment, Vec<u8>), Fault> {
    let plan = plan(inspection, settings, size_bytes)?;
    let budget = settings.budgets.enrich(plan.duration_ns);
    // Two workers must not share an open file, so this one gets its own.
    let file = File::open(path)
        .map_err(|error| Fault::new(Code::ObjectUnavailable, format!("read the source: {error}")))?;
    run_enrich(worker, plan.enrich, &budget, file)
}

/// Runs one job of text and keeps nothing but the text.
pub(super) fn run_enrich(
    worker: &WorkerProgram,
    job: EnrichJob,
    budget: &Budget,
    file: File,
) -> Result<(Enrichment, Vec<u8>), Fault> {
    let mut kept = TextOnly::default();
    let job = Job::Enrich(job);
    let (finished, _) =
        client::run(worker, &job, budget, file, &mut kept, &mut |_| {}, &CancelFlag::default())?;
    let Finished::Enriched(enrichment) = finished else { return Err(other_result()) };
    Ok((enrichment, kept.text))
}

fn classify(classifier: &Classifier, lines: &[TextLine]) -> Vec<Finding> {
    classifier.scan(lines.iter().map(|line| Line { text: &line.text, address: line.place() }))
}

/// Keeps the text of an enrichment and drops its pictures.
#[derive(Default)]
struct TextOnly {
    is_text: bool,
    text: Vec<u8>,
}

impl OutputSink for TextOnly {
    fn open(&mut self, name: &str) -> Result<(), Fault> {
        self.is_text = name == text_sources::TEXT;
        Ok(())
    }
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if !self.is_text {
            return Ok(());
        }
        if (self.text.len() as u64).saturating_add(bytes.len() as u64) > text_sources::TEXT_BYTES_MAX {
            return Err(Fault::new(Code::WorkerProtocol, "more text than a worker collects"));
        }
        self.text.extend_from_slice(bytes);
        Ok(())
    }
    fn close(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_up_to_its_limit_and_pictures_are_not() {
        let mut kept = TextOnly::default();
        kept.open("poster.jpg").unwrap();
        kept.write(b"picture").unwrap();
        kept.open(text_sources::TEXT).unwrap();
        kept.write(b"line\n").unwrap();
        assert_eq!(kept.text, b"line\n");
        let too_much = vec![0; text_sources::TEXT_BYTES_MAX as usize];
        assert_eq!(kept.write(&too_much).unwrap_err().code, Code::WorkerProtocol);
    }

    #[test]
    fn a_finding_in_a_file_s_name_is_found_without_a_worker() {
        let reading = read_name(&Classifier::new(), "card_4539_5787_6362_1486.mp4");
        assert_eq!(reading.findings.len(), 1);
        assert!(reading.surfaces.is_empty());
    }
}
