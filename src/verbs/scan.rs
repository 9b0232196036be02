//! `reelgate scan`: classifies files as the gate would; stores nothing.
//!
//! A file's name may hold personal data too, so it is classified like the content and printed masked.

mod lines;
mod report;
mod spans;
mod subtitles;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reelgate_actors::work::findings::policy_response;
use reelgate_actors::work::gathered_text::{GatheredText, read_media, read_name};
use reelgate_flow::asset::Response;
use reelgate_flow::place::TextPlace;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::client::WorkerProgram;
use reelgate_pipelines::recipes::settings::Settings;
use reelgate_pipelines::recipes::sniff::{PREFIX_BYTES_MAX, sniff};
use reelgate_privacy::{Classifier, Line, Severity, severity, starred, text};

use crate::cli::{GlobalArgs, ScanArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::table;
use crate::verbs::to_json;
use crate::wiring;
use report::{ReadAs, Scanned};

/// Prints what is found, file by file.
pub async fn scan(global: &GlobalArgs, args: ScanArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    if args.types {
        report::types(&config.raw.privacy, args.json)?;
        return Ok(ExitStatus::Done);
    }
    for file in &args.files {
        check_readable(file)?;
    }
    let classifier = Arc::new(config.classifier()?);
    if args.spans {
        return print_spans(&classifier, &args.files);
    }
    let worker = wiring::worker(&config)?;
    let mut exit = ExitStatus::Done;
    for file in args.files {
        let key = file.to_string_lossy().into_owned();
        let (classifier, worker) = (Arc::clone(&classifier), worker.clone());
        let settings = config.raw.media.clone();
        let reading = tokio::task::spawn_blocking(move || read(&classifier, &worker, &settings, &file));
        let scanned =
            // The message of a panic may quote the file.
            reading.await.map_err(|_| Failure::Internal("the scan of a file panicked".into()))??;
        let is_quiet = severity(&scanned.reading.findings).is_none_or(|worst| worst < Severity::Medium);
        // Text and what is refused have no surfaces.
        let is_incomplete = !scanned.reading.surfaces.is_empty()
            && !config.policy.incomplete(&scanned.reading.surfaces).is_empty();
        if !is_quiet || is_incomplete || scanned.refused.is_some() {
            exit = ExitStatus::NotAll;
        }
        let found = policy_response(&config.policy, &key, &scanned.reading.findings);
        let policy = if is_incomplete { Response::Quarantine } else { found };
        report::file(&scanned, policy, args.json)?;
    }
    Ok(exit)
}

fn check_readable(path: &Path) -> Result<(), Failure> {
    let metadata =
        File::open(path).and_then(|file| file.metadata()).map_err(|error| unusable(path, &error))?;
    if metadata.is_file() {
        return Ok(());
    }
    Err(Failure::Usage(format!("{}: expected an ordinary file", path.display())))
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Usage(format!("{}: expected a readable file: {error}", path.display()))
}

fn print_spans(classifier: &Classifier, files: &[PathBuf]) -> Result<ExitStatus, Failure> {
    let [path] = files else {
        return Err(Failure::Usage(format!("--spans: expected one text file, found {} files", files.len())));
    };
    if !matches!(sniffed(path).map_err(|error| unusable(path, &error))?, Ok(ReadAs::Text)) {
        return Err(Failure::Usage(format!("{}: --spans: expected text in UTF-8", path.display())));
    }
    let file = File::open(path).map_err(|error| unusable(path, &error))?;
    spans::each(classifier, file, |span| table::print(&to_json(&report::SpanLine::new(&span))?))?;
    Ok(ExitStatus::Done)
}

/// Reads one file as text or media, whichever its first bytes show. Blocks.
fn read(
    classifier: &Classifier,
    worker: &WorkerProgram,
    settings: &Settings,
    path: &Path,
) -> Result<Scanned, Failure> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let seen = sniffed(path).map_err(|error| unusable(path, &error))?;
    let (seen, outcome) = match seen {
        Ok(ReadAs::Text) => {
            let text = read_text(classifier, path, &name).map_err(|error| unusable(path, &error))?;
            (Some(ReadAs::Text), Ok(text))
        }
        Ok(ReadAs::Media) => (Some(ReadAs::Media), read_media(worker, settings, classifier, path, &name)),
        Err(refused) => (None, Err(refused)),
    };
    let (reading, refused) = match outcome {
        Ok(reading) => (reading, None),
        Err(fault) => (read_name(classifier, &name), Some(fault)),
    };
    Ok(Scanned { shown: masked(classifier, &path.to_string_lossy()), seen, reading, refused })
}

/// What a file is: media if the gate would try to demux it, otherwise text if it looks like text, otherwise the reason why
/// it is neither.
fn sniffed(path: &Path) -> std::io::Result<Result<ReadAs, Fault>> {
    let file = File::open(path)?;
    let size_bytes = file.metadata()?.len();
    let mut prefix = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "bounded by `take`")]
    file.take(PREFIX_BYTES_MAX as u64).read_to_end(&mut prefix)?;
    Ok(match sniff(&prefix, size_bytes) {
        Ok(_) => Ok(ReadAs::Media),
        Err(fault) if fault.code == Code::UnsupportedContainer => Err(fault),
        Err(_) if is_text(&prefix) => Ok(ReadAs::Text),
        Err(fault) => Err(fault),
    })
}

/// Text has no control characters except those of teletypes, and few bytes that are not UTF-8: older encodings have some. A
/// PDF may look like text, but its words are compressed.
fn is_text(prefix: &[u8]) -> bool {
    const FOREIGN_SHARE: usize = 4;
    let foreign: usize = prefix.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    let is_plain = |byte: &u8| *byte >= b' ' || matches!(byte, 0x08..=0x0d | 0x1b);
    prefix.iter().all(is_plain)
        && foreign.saturating_mul(FOREIGN_SHARE) <= prefix.len()
        && !prefix.starts_with(b"%PDF")
}

fn read_text(classifier: &Classifier, path: &Path, name: &str) -> std::io::Result<GatheredText> {
    let mut scanner = classifier.scanner();
    let name = text::file_name(name);
    scanner.push(Line { text: &name, address: TextPlace::untimed(text::FILE_NAME, "name", None) });
    let mut subtitles = subtitles::Subtitles::default();
    let mut push = |address: &_, text: &str| scanner.push_at(address, text);
    lines::each(BufReader::new(File::open(path)?), |number, line| subtitles.read(number, line, &mut push))?;
    subtitles.finish(&mut push);
    Ok(GatheredText { findings: scanner.finish(), surfaces: Vec::new() })
}

/// A path in which stars replace what the classifier finds.
fn masked(classifier: &Classifier, path: &str) -> String {
    starred(path, &classifier.spans(&text::file_name(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_without_the_personal_data_in_it() {
        let classifier = Classifier::new();
        assert_eq!(masked(&classifier, "in/a_4539578763621486.mp4"), "in/a_****************.mp4");
        assert_eq!(masked(&classifier, "in/holiday.2019.mp4"), "in/holiday.2019.mp4");
    }

    #[test]
    fn text_in_any_encoding_like_ascii_is_text_and_binary_data_is_not() {
        assert!(is_text(b"") && is_text("é plain".as_bytes()) && is_text(b"caf\xe9 in latin-1"));
        assert!(!is_text(b"a\0b") && !is_text(&[0xff; 64]) && !is_text(b"%PDF-1.7\n"));
    }
}
