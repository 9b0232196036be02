//! Reads a caption file that stands beside a film: its captions with their times, and every other text in it. All of it is
//! searched for personal data, and only the captions are shown.

mod blocks;
mod encoding;
mod found;
mod substation;
mod ttml;

use std::sync::Arc;

use reelgate_flow::caption_file::CaptionFormat;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::surface::CAPTION_FILE;
use reelgate_pipelines::messages::{
    CAPTION_FILE_BYTES_MAX, CUES, CaptionFileJob, CaptionFileResult, Cue, FILE_TEXT, TextLine,
};
use serde::Serialize;

use found::{Caption, Captions, TEXT_BYTES_MAX};

use crate::progress_sink::ProgressSink;
use crate::source::Source;

/// Most captions of one file. A film of three hours has about 2,500.
const CAPTIONS_MAX: usize = 50_000;
/// Most lines that are searched of one file.
const LINES_MAX: usize = 100_000;
/// Latest end of a caption, nanoseconds: a hundred hours.
const END_NS_MAX: u64 = 360_000_000_000_000;

/// Runs the job. Outputs: [`CUES`] and [`FILE_TEXT`], each if it holds something.
///
/// Fails with `caption_size`, `caption_encoding` or `caption_format` if the file cannot be read whole: what was not searched is not
/// shown.
pub fn run(
    job: &CaptionFileJob,
    source: &Source,
    progress_sink: Arc<dyn ProgressSink>,
) -> Result<CaptionFileResult, Fault> {
    let text = encoding::decode(&whole(source)?)?;
    let found = parse(job.format, &text)?;
    check_size(&found)?;
    let is_late = |one: &Caption| one.start_ns.max(one.end_ns.unwrap_or(0)) > END_NS_MAX;
    if found.captions.iter().any(is_late) {
        return Err(Fault::new(
            Code::CaptionFormat,
            "expected times below a hundred hours, found a later one",
        ));
    }
    let cue = |caption: &Caption| Cue {
        track: 0,
        channel: None,
        start_ns: caption.start_ns,
        end_ns: caption.end_ns,
        text: caption.shown.clone(),
    };
    let timed = found.captions.iter().map(|one| line(&one.words, Some(one.start_ns), one.end_ns));
    let lines: Vec<TextLine> = timed.chain(found.others.iter().map(|text| line(text, None, None))).collect();
    let cues: Vec<Cue> = found.captions.iter().filter(|one| !one.shown.is_empty()).map(cue).collect();
    if cues.is_empty() {
        return Err(Fault::new(Code::CaptionFormat, "expected captions with times, found none"));
    }
    write(CUES, &cues, &*progress_sink)?;
    let lines: Vec<TextLine> = lines.into_iter().filter(|line| !line.text.is_empty()).collect();
    write(FILE_TEXT, &lines, &*progress_sink)?;
    Ok(CaptionFileResult { cues: cues.len() as u64, lines: lines.len() as u64 })
}

fn parse(format: CaptionFormat, text: &str) -> Result<Captions, Fault> {
    match format {
        CaptionFormat::SubRip => Ok(blocks::subrip(text)),
        CaptionFormat::WebVtt => blocks::webvtt(text),
        CaptionFormat::Ttml => ttml::read(text),
        CaptionFormat::SubStation => Ok(substation::read(text)),
    }
}

fn whole(source: &Source) -> Result<Vec<u8>, Fault> {
    let size_bytes = source.size_bytes();
    if size_bytes > CAPTION_FILE_BYTES_MAX {
        let detail = format!("expected at most {CAPTION_FILE_BYTES_MAX} bytes, found {size_bytes}");
        return Err(Fault::new(Code::CaptionSize, detail));
    }
    let unreadable =
        |found: &str| Fault::new(Code::ObjectUnavailable, format!("read a caption file: {found}"));
    let mut bytes = vec![0; usize::try_from(size_bytes).unwrap_or(usize::MAX)];
    let mut filled = 0;
    while filled < bytes.len() {
        match source.read_at(filled as u64, &mut bytes[filled..]) {
            Ok(0) => return Err(unreadable("it ends early")),
            Ok(read) => filled += read,
            Err(error) => return Err(unreadable(&error.to_string())),
        }
    }
    Ok(bytes)
}

/// What is beyond a limit would be shown and not searched, or the other way around.
fn check_size(found: &Captions) -> Result<(), Fault> {
    let beyond = |most: usize, what: &str, found: usize| {
        Err(Fault::new(Code::CaptionSize, format!("expected at most {most} {what}, found {found}")))
    };
    let captions = found.captions.len();
    if captions > CAPTIONS_MAX {
        return beyond(CAPTIONS_MAX, "captions", captions);
    }
    let lines = captions + found.others.len();
    if lines > LINES_MAX {
        return beyond(LINES_MAX, "lines", lines);
    }
    let of_captions = found.captions.iter().map(|one| one.words.len().max(one.shown.len()));
    match of_captions.max().filter(|longest| *longest > TEXT_BYTES_MAX) {
        Some(longest) => beyond(TEXT_BYTES_MAX, "bytes in a caption", longest),
        None => Ok(()),
    }
}

fn line(text: &str, start_ns: Option<u64>, end_ns: Option<u64>) -> TextLine {
    TextLine {
        surface: CAPTION_FILE.to_owned(),
        field: "text".to_owned(),
        track: None,
        start_ns,
        end_ns: end_ns.filter(|end_ns| start_ns.is_none_or(|start_ns| *end_ns >= start_ns)),
        frame_box: None,
        text: text.trim().to_owned(),
    }
}

fn write<T: Serialize>(name: &str, items: &[T], progress_sink: &dyn ProgressSink) -> Result<(), Fault> {
    let mut jsonl = Vec::new();
    for item in items {
        serde_json::to_writer(&mut jsonl, item)
            .map_err(|_| Fault::new(Code::Internal, "could not write a caption"))?;
        jsonl.push(b'\n');
    }
    if jsonl.is_empty() { Ok(()) } else { progress_sink.output(name, &jsonl) }
}

#[cfg(test)]
mod tests;
