//! Sniffs, hashes and inspects the file in one pass, then plans. A file is refused here, before costly work begins.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::client::{CancelFlag, Event, OutputSink, Usage, WorkerProgram};
use reelgate_pipelines::messages::{Finished, Inspection, Job};
use reelgate_pipelines::recipes::plan::{inspect_job, plan};
use reelgate_pipelines::recipes::settings::Settings;
use reelgate_pipelines::recipes::sniff::{PREFIX_BYTES_MAX, sniff};
use reelgate_ports::records::{Claim, Success};
use tracing::Span;

use crate::engine_context::EngineContext;
use crate::stage::{AttemptFacts, StageTask};
use crate::work::media::{other_result, run_worker, usage_record};
use crate::work::products::Planned;
use crate::work::sha256::hash_file;
use crate::work::{joined, source, sources};

/// A checksum file is one line: 64 digits and a name.
const CHECKSUM_BYTES_MAX: u64 = 8_192;

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
        let permit = match sniffed(&file, size_bytes) {
            Ok(_) => context.inspections.acquire().await.ok(),
            // A file that is refused by its first bytes needs no worker, and is read further only for a checksum: that tells a
            // damaged transfer from a wrong file.
            Err(refused) if given_checksum(&context, &claim).await?.is_none() => {
                source::check_current(&context, &opened).await?;
                return Err(refused);
            }
            Err(_) => None,
        };
        let (inspected, sha256) =
            inspect_file(&context.worker, &context.settings, file, size_bytes, cancel).await;
        drop(permit);
        source::check_current(&context, &opened).await?;
        let sha256 = sha256?;
        learned.sha256 = Some(sha256.clone());
        check_given_checksum(&context, &claim, &sha256).await?;
        let (inspection, usage) = inspected?;
        let inspection = without_words(inspection);
        learned.usage = usage_record(usage);
        learned.facts = Some(Box::new(inspection.facts.clone()));
        let plan = plan(&inspection, &context.settings, size_bytes)?;
        let success = Planned { inspection, plan };
        Ok(Success::Validated {
            video_chunks: success.video_chunks()?,
            audio: success.plan.audio.is_some(),
            captions: success.plan.captions.is_some(),
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
        inspect(&worker, &settings, file, size_bytes, &cancel, &mut |_| {})
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

/// Sniffs, then inspects in a jailed worker; `greeted` receives the version of GStreamer. Blocks.
pub fn inspect(
    worker: &WorkerProgram,
    settings: &Settings,
    file: File,
    size_bytes: u64,
    cancel: &CancelFlag,
    greeted: &mut dyn FnMut(&str),
) -> Result<(Inspection, Usage), Fault> {
    let container = sniffed(&file, size_bytes)?;
    let job = Job::Inspect(inspect_job(container, size_bytes, settings));
    let budget = settings.budgets.inspect(size_bytes);
    let mut events = |event: Event| {
        if let Event::Greeted { gstreamer } = event {
            greeted(&gstreamer);
        }
    };
    let (finished, usage) = run_worker(worker, &job, &budget, file, &mut NoOutput, &mut events, cancel)?;
    match finished {
        Finished::Inspected(inspection) => Ok((inspection, usage)),
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

/// The checksum file beside the upload.
async fn given_checksum(context: &EngineContext, claim: &Claim) -> Result<Option<Vec<u8>>, Fault> {
    context.objects.sidecar(&claim.source, ".sha256", CHECKSUM_BYTES_MAX).await.map_err(sources)
}

async fn check_given_checksum(context: &EngineContext, claim: &Claim, sha256: &str) -> Result<(), Fault> {
    let Some(given) = given_checksum(context, claim).await? else { return Ok(()) };
    let expected = parse_checksum(&given).map_err(|found| {
        let detail = format!("expected 64 hexadecimal digits first in the file, found {found}");
        Fault::new(Code::ChecksumUnreadable, detail)
    })?;
    if expected == sha256 {
        return Ok(());
    }
    let detail = format!("expected {}…, found {}…", &expected[..12], &sha256[..12]);
    Err(Fault::new(Code::ChecksumMismatch, detail))
}

/// The first word of `sha256sum`'s output, lower case, or what is there in its place; `sha256sum` writes a `\` before it
/// where the file name is escaped. Editors on Windows begin UTF-8 with a byte-order mark.
fn parse_checksum(bytes: &[u8]) -> Result<String, &'static str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16; save the file as UTF-8",
        _ => "bytes that are no text",
    })?;
    let word = text.split_whitespace().next().ok_or("an empty file")?.trim_start_matches('\\');
    let is_sha256 = word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_sha256 { Ok(word.to_ascii_lowercase()) } else { Err("other text") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_file_is_read_as_sha256sum_writes_it() {
        let digits = "AB".repeat(32);
        for text in [
            format!("{digits}  movie.mp4\n"),
            format!("\\{digits} *a\\nb.mp4"),
            format!("\u{feff}{digits}\r\n"),
        ] {
            assert_eq!(parse_checksum(text.as_bytes()), Ok("ab".repeat(32)), "{text:?}");
        }
    }

    #[test]
    fn what_a_checksum_file_holds_instead_is_told() {
        for (bytes, found) in [
            (&b""[..], "an empty file"),
            (b"\xef\xbb\xbf \r\n", "an empty file"),
            (b"d41d8cd98f00b204e9800998ecf8427e  movie.mp4", "other text"),
            (b"\xff\xfea\0b\0", "UTF-16; save the file as UTF-8"),
            (b"a\xff", "bytes that are no text"),
        ] {
            assert_eq!(parse_checksum(bytes), Err(found), "{bytes:?}");
        }
    }
}
