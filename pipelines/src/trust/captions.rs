//! Checks the cues of a worker and what it says about them.

use reelgate_flow::facts::Container;
use reelgate_flow::reason::Fault;
use reelgate_flow::surface::CAPTION_FILE;

use super::content::ContentCheck;
use super::enrichment::text_line;
use super::outputs::Outputs;
use super::range_checks::{TIME_NS_MAX, at_most, ensure, text};
use crate::messages::{CUES, CaptionFileResult, CaptionsJob, CaptionsResult, Cue, FILE_TEXT, TextLine};

/// Longest text of a cue. A worker cuts its texts before this.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// Bytes of the shortest possible line: `{}` and the line break.
const LINE_BYTES_MIN: u64 = 3;

/// The check of an output of this name; `None` if the job has no such output.
pub(super) fn output(name: &str) -> Option<ContentCheck> {
    (name == CUES).then_some(ContentCheck::Text)
}

pub(super) fn check(found: &CaptionsResult, outputs: &Outputs) -> Result<(), Fault> {
    let bytes = outputs.get(CUES).map_or(0, |output| output.bytes);
    at_most("cues", found.cues, bytes / LINE_BYTES_MIN)?;
    ensure((found.cues > 0) == outputs.contains_key(CUES), || {
        "an output exactly where there are cues".to_owned()
    })
}

/// The check of an output of a caption file; `None` if the job has no such output.
pub(super) fn file_output(name: &str) -> Option<ContentCheck> {
    matches!(name, CUES | FILE_TEXT).then_some(ContentCheck::Text)
}

pub(super) fn check_file(found: &CaptionFileResult, outputs: &Outputs) -> Result<(), Fault> {
    check(&CaptionsResult { cues: found.cues }, outputs)?;
    let bytes = outputs.get(FILE_TEXT).map_or(0, |output| output.bytes);
    at_most("lines", found.lines, bytes / LINE_BYTES_MIN)?;
    // Nothing is shown that was not searched.
    at_most("cues", found.cues, found.lines)
}

/// Checks one cue of a caption file.
///
/// # Errors
/// `worker_protocol` if a worker may not write it.
pub fn file_cue(one: &Cue) -> Result<(), Fault> {
    let (container, tracks) = (Container::IsoBmff, vec![0]);
    ensure(one.channel.is_none(), || "no channel".to_owned())?;
    cue(one, &CaptionsJob { container, size_bytes: 0, tracks, video: None })
}

/// Checks one line of a caption file.
///
/// # Errors
/// `worker_protocol` if a worker may not write it.
pub fn file_line(line: &TextLine) -> Result<(), Fault> {
    ensure(line.surface == CAPTION_FILE && line.track.is_none(), || "a line of a caption file".to_owned())?;
    text_line(line, None)
}

/// Checks one cue.
///
/// # Errors
/// `worker_protocol` if a worker may not write it.
pub fn cue(cue: &Cue, job: &CaptionsJob) -> Result<(), Fault> {
    let is_listed = job.tracks.contains(&cue.track);
    let is_within = job.video == Some(cue.track) && cue.channel.is_some();
    ensure(is_listed || is_within, || "a cue of a track of the job".to_owned())?;
    ensure(cue.channel.as_deref().is_none_or(is_channel), || "a channel of captions".to_owned())?;
    at_most("the beginning of a cue in ns", cue.start_ns, TIME_NS_MAX)?;
    at_most("the end of a cue in ns", cue.end_ns.unwrap_or(0), TIME_NS_MAX)?;
    text("cue", &cue.text, TEXT_BYTES_MAX)
}

fn is_channel(name: &str) -> bool {
    let number = |prefix: &str, most: u8| {
        let digits = name.strip_prefix(prefix).filter(|digits| !digits.starts_with(['0', '+']));
        digits.and_then(|digits| digits.parse::<u8>().ok()).is_some_and(|number| number <= most)
    };
    number("cc", 4) || number("service", 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(track: u32, channel: Option<&str>, end_ns: Option<u64>) -> bool {
        let job =
            CaptionsJob { container: Container::IsoBmff, size_bytes: 1, tracks: vec![3, 4], video: Some(0) };
        let channel = channel.map(str::to_owned);
        cue(&Cue { track, channel, start_ns: 5, end_ns, text: "x".to_owned() }, &job).is_ok()
    }

    #[test]
    fn a_cue_belongs_to_a_track_of_the_job_and_to_a_channel_that_exists() {
        assert!(
            checked(3, None, None) && checked(4, Some("cc1"), Some(9)) && checked(0, Some("service63"), None)
        );
        assert!(!checked(5, None, None), "another track");
        assert!(!checked(0, None, None), "subtitles in a picture");
        for channel in ["cc0", "cc5", "cc01", "service64", "service", "text1", "../cc1", "cc+1"] {
            assert!(!checked(0, Some(channel), None), "{channel}");
        }
        assert!(!checked(3, None, Some(u64::MAX)));
    }
}
