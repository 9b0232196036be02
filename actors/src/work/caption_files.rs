//! Caption files beside a film. A file waits for its film and is attached to it; the film reads its files with its own captions.
//!
//! A file that cannot be read is left out, and the film is published without it. What is read is searched whole, because only what
//! was searched is published.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reelgate_flow::caption_file::{CaptionFlags, CaptionFormat};
use reelgate_flow::ids::AssetId;
use reelgate_flow::left_out::WhyLeftOut;
use reelgate_flow::reason::{Class, Code, Fault};
use reelgate_flow::surface::{NotSearched, Surface, SurfaceReport};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::{CancelFlag, OutputSink};
use reelgate_pipelines::messages::{CUES, CaptionFileJob, Cue, FILE_TEXT, Finished, Job, TextLine};
use reelgate_pipelines::recipes::captions::FileCaptions;
use reelgate_pipelines::recipes::package::CaptionFileOutcome;
use reelgate_pipelines::trust;
use reelgate_ports::caption_files::{attached_to, films_of};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::records::{AssetRecord, Claim, StagedOutput, Success};
use reelgate_ports::sha256::hash_file;
use serde::{Deserialize, Serialize};

use crate::engine_context::EngineContext;
use crate::stage::AttemptFacts;
use crate::work::media::{other_result, run_worker, usage_record};
use crate::work::products::Products;
use crate::work::text_sources::{TEXT_BYTES_MAX, from_json, json_lines};
use crate::work::{given_checksums, joined, ours, source, sources};

/// Most caption files of one film.
const FILES_MAX: usize = 64;
/// Longest time between two looks for the film of a file, milliseconds. A film that arrives is found at once.
const LOOK_INTERVAL_MS: u64 = 3_600_000;
/// Length of the media by which the limits of reading a file are measured, nanoseconds.
const BUDGET_NS: u64 = 600_000_000_000;

/// Attaches a caption file to its film, has it wait for one, or gives it up. `file` is the opened source.
pub async fn attach(
    context: &EngineContext,
    claim: &Claim,
    file: File,
    learned: &mut AttemptFacts,
) -> Result<Success, Fault> {
    let id = &claim.fence.asset;
    let asset = context.store.asset(id).await.map_err(ours)?.asset;
    let family = context.store.family(id).await.map_err(ours)?;
    if films_of(&asset, &family).is_empty() {
        return wait(context.film_wait_ms, asset.received_ms);
    }
    let labels = context.objects.labels(&claim.source).await.map_err(sources)?;
    let given = given_checksums::read(context, claim, &labels.metadata).await?;
    let hashed = joined(tokio::task::spawn_blocking(move || hash_file(&file)).await)?;
    let sha256 =
        hashed.map_err(|error| Fault::new(Code::ObjectUnavailable, format!("read the source: {error}")))?;
    source::check_current(context, &claim.source).await?;
    given_checksums::check(&given, &sha256)?;
    learned.sha256 = Some(sha256);
    Ok(Success::Attached { delay_ms: context.film_wait_ms.clamp(1, LOOK_INTERVAL_MS) })
}

/// The time of arrival is on the store's clock. What both clocks may differ by is nothing against the wait.
fn wait(film_wait_ms: u64, received_ms: u64) -> Result<Success, Fault> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let left_ms = received_ms.saturating_add(film_wait_ms).saturating_sub(now_ms);
    if left_ms == 0 || film_wait_ms == 0 {
        let waited = film_wait_ms / 1_000;
        return Err(Fault::new(Code::FilmMissing, format!("expected a film within {waited} s, found none")));
    }
    Ok(Success::Waiting { delay_ms: left_ms.min(LOOK_INTERVAL_MS) })
}

/// The document that the task `captions` leaves.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct CaptionsRead {
    /// Version of GStreamer; empty where the film has no captions of its own.
    #[serde(default)]
    pub gstreamer: String,
    /// The caption files beside the film.
    #[serde(default)]
    pub files: Vec<ReadFile>,
}

/// What became of a caption file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadFile {
    /// The asset of the file.
    pub file: AssetId,
    pub format: CaptionFormat,
    pub language: Option<String>,
    pub flags: CaptionFlags,
    /// Folder of what was read of it, among the staged outputs; `None` if it is left out.
    pub folder: Option<String>,
    pub left_out: Option<WhyLeftOut>,
    /// Why it cannot be read.
    pub code: Option<Code>,
}

/// Files to be staged: name and content.
pub type Outputs = Vec<(String, Vec<u8>)>;

/// Reads the caption files that are attached to a film.
pub async fn read(
    context: &Arc<EngineContext>,
    claim: &Claim,
    cancel: &CancelFlag,
    learned: &mut AttemptFacts,
) -> Result<(Vec<ReadFile>, Outputs), Fault> {
    let film = context.store.asset(&claim.fence.asset).await.map_err(ours)?.asset;
    let family = context.store.family(&film.id).await.map_err(ours)?;
    let (mut files, mut outputs) = (Vec::new(), Vec::new());
    for (number, (record, format, name)) in attached_to(&film, &family).into_iter().enumerate() {
        let mut file = ReadFile {
            file: record.id.clone(),
            format,
            language: name.language,
            flags: name.flags,
            folder: None,
            left_out: None,
            code: None,
        };
        if number >= FILES_MAX {
            file.left_out = Some(WhyLeftOut::TooManyFiles);
            files.push(file);
            continue;
        }
        match read_one(context, record, format, cancel, learned).await {
            Ok(read) => {
                let folder = format!("file-{number}");
                outputs.push((format!("{folder}/{CUES}"), read.cues));
                outputs.push((format!("{folder}/{FILE_TEXT}"), read.lines));
                file.folder = Some(folder);
            }
            Err(fault) if matches!(fault.code.class(), Class::BadMedia | Class::Policy) => {
                (file.left_out, file.code) = (Some(WhyLeftOut::Unreadable), Some(fault.code));
            }
            Err(fault) => return Err(fault),
        }
        files.push(file);
    }
    Ok((files, outputs))
}

/// What a worker has read of a file, checked.
struct Read {
    cues: Vec<u8>,
    lines: Vec<u8>,
}

async fn read_one(
    context: &Arc<EngineContext>,
    record: &AssetRecord,
    format: CaptionFormat,
    cancel: &CancelFlag,
    learned: &mut AttemptFacts,
) -> Result<Read, Fault> {
    let (opened, size_bytes) = open(context, record).await?;
    let budget = context.settings.budgets.enrich(BUDGET_NS);
    let job = Job::CaptionFile(CaptionFileJob { format, size_bytes });
    let (worker, cancel) = (context.worker.clone(), cancel.clone());
    let span = tracing::Span::current();
    let running = tokio::task::spawn_blocking(move || {
        let _within = span.entered();
        let mut collected = Collected::default();
        let ran = run_worker(&worker, &job, &budget, opened, &mut collected, &mut |_| {}, &cancel)?;
        Ok::<_, Fault>((ran, collected))
    });
    let ((finished, usage), mut collected) = joined(running.await)??;
    let used = usage_record(usage);
    learned.usage.cpu_ms += used.cpu_ms;
    learned.usage.memory_bytes_max = learned.usage.memory_bytes_max.max(used.memory_bytes_max);
    let Finished::CaptionFile(_) = finished else { return Err(other_result()) };
    let mut take = |name: &str| collected.outputs.remove(name).unwrap_or_default();
    let (cues, text) = (take(CUES), take(FILE_TEXT));
    parse_cues(&cues)?;
    // The lines of one file follow each other, and a finding in them names the file.
    let mut lines = Vec::with_capacity(text.len());
    for mut line in parse_lines(&text)? {
        record.id.as_str().clone_into(&mut line.field);
        serde_json::to_writer(&mut lines, &line)
            .map_err(|error| Fault::new(Code::Internal, format!("write a line: {error}")))?;
        lines.push(b'\n');
    }
    Ok(Read { cues, lines })
}

/// Opens a caption file as it was recorded. Metadata of a file in a directory change without its content.
async fn open(context: &EngineContext, record: &AssetRecord) -> Result<(File, u64), Fault> {
    let opened = match context.objects.open(&record.source).await {
        Err(error) if error.kind == ErrorKind::Conflict => {
            let sha256 = record.sha256.as_deref();
            match source::proved_as(context, &record.source, sha256).await? {
                Some(now) => context.objects.open(&now).await,
                None => Err(error),
            }
        }
        opened => opened,
    };
    let opened = opened.map_err(sources)?;
    Ok((opened.file, opened.size_bytes))
}

fn parse_cues(bytes: &[u8]) -> Result<Vec<Cue>, Fault> {
    let read = |line: &[u8]| {
        let cue: Cue = from_json(line, "a cue of a caption file")?;
        trust::file_cue(&cue)?;
        Ok(cue)
    };
    json_lines(bytes).map(read).collect()
}

fn parse_lines(bytes: &[u8]) -> Result<Vec<TextLine>, Fault> {
    let read = |line: &[u8]| {
        let line: TextLine = from_json(line, "a line of a caption file")?;
        trust::file_line(&line)?;
        Ok(line)
    };
    json_lines(bytes).map(read).collect()
}

/// Keeps the outputs of a worker in memory. Their size is bounded by the budget of the job.
#[derive(Default)]
struct Collected {
    outputs: BTreeMap<String, Vec<u8>>,
    open: String,
}

impl OutputSink for Collected {
    fn open(&mut self, name: &str) -> Result<(), Fault> {
        name.clone_into(&mut self.open);
        self.outputs.insert(name.to_owned(), Vec::new());
        Ok(())
    }
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let open = self.outputs.entry(self.open.clone()).or_default();
        if (open.len() as u64).saturating_add(bytes.len() as u64) > TEXT_BYTES_MAX {
            return Err(Fault::new(Code::WorkerProtocol, "more text than a caption file holds"));
        }
        open.extend_from_slice(bytes);
        Ok(())
    }
    fn close(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// What the task `captions` left of the files; nothing where it has not run.
pub fn of_products(products: &Products) -> Result<Vec<ReadFile>, Fault> {
    if products.tasks().all(|task| task != TaskKey::Captions) {
        return Ok(Vec::new());
    }
    Ok(products.document::<CaptionsRead>(TaskKey::Captions)?.files)
}

/// The captions of a file that was read; `None` if it is left out.
pub async fn captions(
    context: &EngineContext,
    products: &Products,
    file: &ReadFile,
) -> Result<Option<FileCaptions>, Fault> {
    let Some(staged) = staged(products, file, CUES) else { return Ok(None) };
    let bytes = context.objects.read_staged(staged, TEXT_BYTES_MAX).await.map_err(ours)?;
    let ReadFile { file, language, flags, .. } = file.clone();
    Ok(Some(FileCaptions { file, language, flags, cues: parse_cues(&bytes)? }))
}

/// Every line of a file that was read.
pub async fn lines(
    context: &EngineContext,
    products: &Products,
    file: &ReadFile,
) -> Result<Vec<TextLine>, Fault> {
    let Some(staged) = staged(products, file, FILE_TEXT) else { return Ok(Vec::new()) };
    let bytes = context.objects.read_staged(staged, TEXT_BYTES_MAX).await.map_err(ours)?;
    parse_lines(&bytes)
}

fn staged<'a>(products: &'a Products, file: &ReadFile, name: &str) -> Option<&'a StagedOutput> {
    let name = format!("{}/{name}", file.folder.as_ref()?);
    products.files(TaskKey::Captions).iter().find(|output| output.name == name)
}

/// What became of each file, with those that are `withheld`.
pub fn outcomes(files: &[ReadFile], published: &[&AssetId]) -> Vec<CaptionFileOutcome> {
    let outcome = |one: &ReadFile| {
        let withheld = one.folder.is_some() && !published.contains(&&one.file);
        CaptionFileOutcome {
            file: one.file.clone(),
            format: one.format,
            language: one.language.clone(),
            left_out: one.left_out.or(withheld.then_some(WhyLeftOut::Redacted)),
            code: one.code,
        }
    };
    files.iter().map(outcome).collect()
}

/// How far the files were searched, before their lines are counted.
pub fn report(files: &[ReadFile]) -> SurfaceReport {
    let surface = Surface::CaptionFiles;
    let why = |one: &ReadFile| match (one.left_out?, one.code) {
        (WhyLeftOut::TooManyFiles, _) | (_, Some(Code::CaptionSize)) => Some(NotSearched::LimitReached),
        (_, Some(Code::CaptionEncoding | Code::CaptionFormat)) => Some(NotSearched::UnknownForm),
        _ => Some(NotSearched::Damaged),
    };
    match files.iter().find_map(why) {
        Some(why) => SurfaceReport::not_analysed(surface, why),
        None => SurfaceReport::absent(surface),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_waits_for_its_film_and_is_given_up_when_the_time_is_over() {
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let day_ms = 24 * 3_600_000;
        assert_eq!(wait(day_ms, now_ms), Ok(Success::Waiting { delay_ms: LOOK_INTERVAL_MS }));
        assert_eq!(wait(day_ms, now_ms - day_ms - 1).unwrap_err().code, Code::FilmMissing);
        assert_eq!(wait(0, now_ms + day_ms).unwrap_err().code, Code::FilmMissing, "nobody waits");
    }

    #[test]
    fn a_file_that_is_not_published_is_left_out_with_the_reason() {
        let file = |name: &str, folder: Option<&str>, code: Option<Code>| ReadFile {
            file: AssetId::new(name),
            format: CaptionFormat::SubRip,
            language: None,
            flags: CaptionFlags::default(),
            folder: folder.map(str::to_owned),
            left_out: code.map(|_| WhyLeftOut::Unreadable),
            code,
        };
        let broken = file("c", None, Some(Code::CaptionEncoding));
        let files = [file("a", Some("file-0"), None), file("b", Some("file-1"), None), broken];
        let found = outcomes(&files, &[&AssetId::new("a")]);
        let why: Vec<_> = found.iter().map(|one| one.left_out).collect();
        assert_eq!(why, [None, Some(WhyLeftOut::Redacted), Some(WhyLeftOut::Unreadable)]);
        assert!(report(&files[..2]).is_whole() && !report(&files).is_whole());
        assert!(report(&files).is_consistent());
    }

    #[test]
    fn what_a_worker_may_not_write_is_refused_without_being_quoted() {
        let cue = r#"{"track":0,"channel":null,"start_ns":0,"end_ns":5,"text":"secret"}"#;
        let line = r#"{"surface":"caption_file","field":"text","track":null,"start_ns":null,"end_ns":null,"frame_box":null,"text":"secret"}"#;
        assert_eq!(
            (parse_cues(cue.as_bytes()).unwrap().len(), parse_lines(line.as_bytes()).unwrap().len()),
            (1, 1)
        );
        for broken in [&cue[1..], &cue.replace(":0,\"ch", ":1,\"ch"), &cue.replace("null", "\"cc1\"")] {
            let fault = parse_cues(broken.as_bytes()).unwrap_err();
            assert!(fault.code == Code::WorkerProtocol && !fault.detail.contains("secret"), "{fault}");
        }
        for broken in [&line[1..], &line.replace("caption_file", "tag")] {
            assert_eq!(parse_lines(broken.as_bytes()).unwrap_err().code, Code::WorkerProtocol);
        }
    }
}
