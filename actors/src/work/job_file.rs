//! The job file beside an upload, `film.mp4.reelgate.toml`: what its producer asks for, within what the operator allows.
//!
//! It chooses among what the settings of the upload's prefix already allow, and has no key for what is searched, which rules
//! hold or who is told. What it asks for becomes part of the plan.

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::recipes::settings::{RungSettings, Segments, Settings};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::order::Priority;
use reelgate_ports::records::Claim;
use serde::Deserialize;

use crate::engine_context::EngineContext;
use crate::work::sources;

/// What the name of a job file has after the name of its upload.
pub const SUFFIX: &str = ".reelgate.toml";
/// Longest job file.
pub const BYTES_MAX: u64 = 64 << 10;

/// What a job file asks for; an upload without one asks for nothing.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobFile {
    /// Counts before the priority in the metadata of the upload.
    pub priority: Option<Priority>,
    video: Video,
    audio: Audio,
    cut: Cut,
    package: Package,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Video {
    /// The rungs that are wanted, by height.
    rungs: Option<Vec<u32>>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Audio {
    surround: Option<bool>,
    loudness_lufs: Option<i8>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Cut {
    segment_s: Option<u32>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Package {
    segments: Option<Segments>,
    progressive_height: Option<u32>,
    default_captions: Option<String>,
}

/// The job file of the upload of a claim. `job_file_invalid` for one that asks for anything that is not known: a film that is
/// made in another way than asked would be a surprise.
pub async fn read(context: &EngineContext, claim: &Claim) -> Result<JobFile, Fault> {
    match context.objects.sidecar(&claim.source, SUFFIX, BYTES_MAX).await {
        Ok(None) => Ok(JobFile::default()),
        Ok(Some(bytes)) => JobFile::parse(&bytes),
        Err(error) if error.kind == ErrorKind::Invalid => Err(too_large()),
        Err(error) => Err(sources(error)),
    }
}

/// The fault of a job file of more than [`BYTES_MAX`].
pub fn too_large() -> Fault {
    invalid(format!("expected at most {BYTES_MAX} bytes, found more"))
}

impl JobFile {
    /// Reads the text of a job file.
    ///
    /// # Errors
    /// `job_file_invalid`, with a line that is never quoted: what stands there may be anything.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes)
            .map_err(|error| invalid(format!("line {}: expected UTF-8", line(bytes, error.valid_up_to()))))?;
        toml::from_str(text).map_err(|error| {
            let at = line(bytes, error.span().map_or(0, |span| span.start));
            let message = error.message();
            let what = if message.starts_with("unknown field") {
                "expected a key that job files have, found another"
            } else if message.starts_with("unknown variant") {
                "expected a word that this key allows, found another"
            } else if message.starts_with("invalid") && message.contains(", expected ") {
                "expected a value of another kind"
            } else {
                "expected TOML"
            };
            invalid(format!("line {at}: {what}"))
        })
    }

    /// The settings with what is asked for in place of what they say.
    ///
    /// # Errors
    /// `job_file_invalid` for what the operator does not offer.
    pub fn settings(&self, allowed: &Settings) -> Result<Settings, Fault> {
        let mut settings = allowed.clone();
        if let Some(heights) = &self.video.rungs {
            settings.video.rungs = chosen(heights, &allowed.video.rungs)?;
        }
        settings.audio.surround = self.audio.surround.unwrap_or(settings.audio.surround);
        settings.audio.loudness_lufs = self.audio.loudness_lufs.or(settings.audio.loudness_lufs);
        settings.cut.segment_s = self.cut.segment_s.unwrap_or(settings.cut.segment_s);
        settings.package.segments = self.package.segments.unwrap_or(settings.package.segments);
        settings.package.progressive_height =
            self.package.progressive_height.unwrap_or(settings.package.progressive_height);
        if let Some(captions) = &self.package.default_captions {
            settings.package.default_captions.clone_from(captions);
        }
        // A chunk holds whole segments, at least one.
        settings.cut.chunk_s = settings.cut.chunk_s.max(settings.cut.segment_s);
        settings.validate().map_err(|error| {
            invalid(format!("{}: expected {}, found {}", error.field, error.expected, error.found))
        })?;
        Ok(settings)
    }
}

/// The rungs of these heights, in the order of the ladder.
fn chosen(heights: &[u32], ladder: &[RungSettings]) -> Result<Vec<RungSettings>, Fault> {
    let is_known = |height: &u32| ladder.iter().any(|rung| rung.height == *height);
    if heights.is_empty() || !heights.iter().all(is_known) {
        let known: Vec<String> = ladder.iter().map(|rung| rung.height.to_string()).collect();
        let detail = format!("video.rungs: expected some of {}, found others or none", known.join(", "));
        return Err(invalid(detail));
    }
    Ok(ladder.iter().filter(|rung| heights.contains(&rung.height)).cloned().collect())
}

/// The line of a byte, from 1.
fn line(bytes: &[u8], at: usize) -> usize {
    1 + bytes.iter().take(at).filter(|byte| **byte == b'\n').count()
}

fn invalid(detail: String) -> Fault {
    Fault::new(Code::JobFileInvalid, detail)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let fault = JobFile::parse(text.as_bytes()).and_then(|file| file.settings(&Settings::default()));
        let fault = fault.unwrap_err();
        assert_eq!(fault.code, Code::JobFileInvalid);
        fault.detail
    }

    #[test]
    fn what_is_asked_for_replaces_what_the_prefix_says_and_nothing_else() {
        let text = "priority = \"high\"\n[video]\nrungs = [240, 720]\n[audio]\nsurround = true\n\
                    loudness_lufs = -23\n[cut]\nsegment_s = 6\n[package]\nprogressive_height = 480\n\
                    default_captions = \"none\"\nsegments = \"byte-ranges\"\n";
        let file = JobFile::parse(text.as_bytes()).unwrap();
        assert_eq!(file.priority, Some(Priority::High));
        let allowed = Settings::default();
        let mut expected = allowed.clone();
        expected.video.rungs.retain(|rung| matches!(rung.height, 240 | 720));
        expected.audio.surround = true;
        expected.audio.loudness_lufs = Some(-23);
        expected.cut.segment_s = 6;
        expected.package.progressive_height = 480;
        expected.package.default_captions = "none".into();
        expected.package.segments = Segments::ByteRanges;
        assert_eq!(file.settings(&allowed).unwrap(), expected);
        for empty in ["", "\u{feff}", "# nothing\r\n", "[video]\n"] {
            let file = JobFile::parse(empty.as_bytes()).unwrap();
            assert_eq!(
                (file.settings(&allowed).unwrap(), file.priority),
                (allowed.clone(), None),
                "{empty:?}"
            );
        }
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_line_and_without_its_text() {
        let key = "line 2: expected a key that job files have, found another";
        let cases = [
            ("\nCERTAIN = 1\n", key),
            ("[video]\nCERTAIN = 1\n", key),
            ("\n[CERTAIN]\n", key),
            ("\npriority = \"CERTAIN\"\n", "line 2: expected a word that this key allows, found another"),
            (
                "\n[package]\nsegments = \"CERTAIN\"\n",
                "line 3: expected a word that this key allows, found another",
            ),
            ("\n\naudio.surround = \"CERTAIN\"", "line 3: expected a value of another kind"),
            ("[video]\nrungs = [\"CERTAIN\"]", "line 2: expected a value of another kind"),
            ("[audio]\nloudness_lufs = 300", "line 2: expected"),
            ("priority = \"high\"\nCERTAIN", "line 2: expected TOML"),
            ("cut.segment_s = 11\n", "cut.segment_s: expected"),
            ("audio.loudness_lufs = 0\n", "audio.loudness_lufs: expected"),
            (
                "video.rungs = [2160]\n",
                "video.rungs: expected some of 1080, 720, 480, 240, found others or none",
            ),
            ("video.rungs = []\n", "video.rungs: expected some of"),
            ("package.default_captions = \"CERTAIN\"\n", "package.default_captions: expected a language"),
        ];
        for (text, expected) in cases {
            let found = refused(text);
            assert!(found.contains(expected) && !found.contains("CERTAIN"), "{text:?}: {found}");
        }
        let fault = JobFile::parse(b"a = 1\n# \xff").unwrap_err();
        assert!(fault.detail.contains("line 2: expected UTF-8"), "{fault}");
    }

    #[test]
    fn nothing_about_screening_can_be_asked_for() {
        for text in [
            "[privacy]\nrules = []\n",
            "[policy]\n",
            "rules = []\n",
            "surfaces = []\n",
            "[limits]\n",
            "[budgets]\n",
            "[screen_text]\non_screen = false\n",
            "[sample]\nsamples = 1\n",
            "[video]\ncrf = 51\n",
        ] {
            assert!(refused(text).contains("a key that job files have"), "{text:?}");
        }
    }

    #[test]
    fn deep_and_long_files_end_in_an_error() {
        let deep = format!("a = {}", "[".repeat(60_000));
        let tables = "[a.".repeat(20_000);
        let dotted = format!("{}b = 1", "a.".repeat(30_000));
        for text in [&deep, &tables, &dotted] {
            refused(text);
        }
    }
}
