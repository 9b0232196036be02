//! The surfaces of an asset on which personal data can be, and how far each of them was analysed. A verdict is made of them:
//! `clean` holds only for surfaces that were looked at whole.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::asset::words::words;

/// Gaps kept of one surface. Its state tells that there is a gap, so no further entry is needed.
pub const GAPS_MAX: usize = 16;

/// The surface in the place of a line of a caption file.
pub const CAPTION_FILE: &str = "caption_file";

words!(
    /// Surfaces on which personal data can be seen, heard or read.
    Surface {
        /// The name of the upload.
        Name = "name",
        /// What the producer says about the upload, beside its bytes.
        Metadata = "metadata",
        /// Caption files beside the upload.
        CaptionFiles = "caption_files",
        /// Tags and names within the file.
        Tags = "tags",
        /// Titles of chapters.
        Chapters = "chapters",
        /// Subtitle tracks.
        Subtitles = "subtitles",
        /// Captions, within the video or as a track.
        Captions = "captions",
        /// Geographic positions.
        Locations = "locations",
        /// Text in pictures.
        OnScreenText = "on_screen_text",
        /// QR codes in pictures.
        Codes = "codes",
        /// Codes in pictures that are not QR codes.
        Barcodes = "barcodes",
        /// Tracks of device data in formats that are not read.
        Telemetry = "telemetry",
        /// Spoken words.
        Speech = "speech",
        /// Faces of people.
        Faces = "faces",
        /// Number plates of vehicles.
        LicencePlates = "licence_plates",
    }
);

words!(
    /// How far a surface was analysed.
    SurfaceState {
        /// To its end.
        Analysed = "analysed",
        /// In part.
        Partly = "partly",
        /// Not at all.
        NotAnalysed = "not_analysed",
        /// The asset does not have it.
        Absent = "absent",
    }
);

words!(
    /// Why a surface was not searched, or not to its end.
    NotSearched {
        /// Reelgate has no analysis for it.
        NoAnalysis = "no_analysis",
        /// The configuration switches its analysis off.
        SwitchedOff = "switched_off",
        /// The engine or the data of a language is not installed.
        NotInstalled = "not_installed",
        /// It holds pictures of text.
        PicturesOfText = "pictures_of_text",
        /// It is encrypted.
        Encrypted = "encrypted",
        /// It is written in a format that is not supported.
        UnknownForm = "unknown_form",
        /// The file is truncated or contradicts itself there.
        Damaged = "damaged",
        /// A limit was reached before its end.
        LimitReached = "limit_reached",
        /// The version that analysed the asset did not report on it.
        NotReported = "not_reported",
    }
);

/// A part of a surface that was not searched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Gap {
    /// Position of the track; `None` if it belongs to no track.
    pub track: Option<u32>,
    /// Why it was not searched.
    pub why: NotSearched,
    /// The time up to which it was searched, nanoseconds of stream time; `None` if that is unknown or nothing was.
    pub until_ns: Option<u64>,
}

/// How far one surface of an asset was analysed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SurfaceReport {
    /// The surface.
    pub surface: Surface,
    /// How far it was analysed.
    pub state: SurfaceState,
    /// Lines of text found on it.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_zero"))]
    pub lines: u64,
    /// What was not searched, in order; at most [`GAPS_MAX`], and at least one exactly where a part was not searched.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub gaps: Vec<Gap>,
}

#[cfg(feature = "serde")]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Surface {
    /// The surface as people and logs read it: `on-screen text`.
    pub fn label(self) -> &'static str {
        match self {
            Self::CaptionFiles => "caption files",
            Self::OnScreenText => "on-screen text",
            Self::LicencePlates => "licence plates",
            other => other.as_str(),
        }
    }

    /// The surface of a line of text by the word in its place.
    pub fn of_line(word: &str) -> Self {
        match word {
            "file_name" => Self::Name,
            "metadata" => Self::Metadata,
            CAPTION_FILE => Self::CaptionFiles,
            "chapter" => Self::Chapters,
            "location" => Self::Locations,
            "subtitle" => Self::Subtitles,
            "caption" => Self::Captions,
            "on_screen_text" => Self::OnScreenText,
            "code" => Self::Codes,
            // Names of devices are stored as tags are.
            _ => Self::Tags,
        }
    }

    /// Whether it belongs to the upload and not to its bytes, so that another upload of the same content has another one.
    pub fn is_of_upload(self) -> bool {
        matches!(self, Self::Name | Self::Metadata | Self::CaptionFiles)
    }

    /// Whether a redaction cannot leave it out.
    pub fn stays_when_redacted(self) -> bool {
        matches!(self, Self::Name | Self::Metadata)
    }

    /// Whether Reelgate can analyse it.
    pub fn is_analysable(self) -> bool {
        !matches!(self, Self::Barcodes | Self::Telemetry | Self::Speech | Self::Faces | Self::LicencePlates)
    }
}

impl SurfaceState {
    /// The state as people and logs read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::NotAnalysed => "not analysed",
            other => other.as_str(),
        }
    }
}

impl NotSearched {
    /// The reason as people and logs read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::NoAnalysis => "no analysis exists here",
            Self::SwitchedOff => "switched off in the configuration",
            Self::NotInstalled => "its engine or language data is not installed",
            Self::PicturesOfText => "holds pictures of text",
            Self::Encrypted => "encrypted",
            Self::UnknownForm => "written in a form that is not read",
            Self::Damaged => "damaged",
            Self::LimitReached => "a limit was reached before its end",
            Self::NotReported => "not reported by the version that analysed it",
        }
    }

    /// Whether this installation is the reason and not the file, so that a repair and a redrive help.
    pub fn is_ours(self) -> bool {
        self == Self::NotInstalled
    }
}

impl Gap {
    /// The gap in a few words: `damaged (track 2, searched up to 4.5 s)`.
    pub fn label(&self) -> String {
        let track = self.track.map(|track| format!("track {track}"));
        let until = self.until_ns.map(|until_ns| {
            let tenths = until_ns / 100_000_000;
            format!("searched up to {}.{} s", tenths / 10, tenths % 10)
        });
        let details: Vec<String> = track.into_iter().chain(until).collect();
        match details.is_empty() {
            true => self.why.label().to_string(),
            false => format!("{} ({})", self.why.label(), details.join(", ")),
        }
    }
}

impl SurfaceReport {
    /// A surface that was analysed to its end.
    pub fn analysed(surface: Surface) -> Self {
        Self { surface, state: SurfaceState::Analysed, lines: 0, gaps: Vec::new() }
    }

    /// A surface that the asset does not have.
    pub fn absent(surface: Surface) -> Self {
        Self { state: SurfaceState::Absent, ..Self::analysed(surface) }
    }

    /// A surface on which nothing was searched.
    pub fn not_analysed(surface: Surface, why: NotSearched) -> Self {
        let gaps = Vec::from([Gap { track: None, why, until_ns: None }]);
        Self { surface, state: SurfaceState::NotAnalysed, lines: 0, gaps }
    }

    /// Whether nothing on the surface was left out.
    pub fn is_whole(&self) -> bool {
        matches!(self.state, SurfaceState::Analysed | SurfaceState::Absent)
    }

    /// Whether its parts agree. Reports come from processes that are not trusted.
    pub fn is_consistent(&self) -> bool {
        let has_gaps = (1..=GAPS_MAX).contains(&self.gaps.len());
        match self.state {
            SurfaceState::Analysed => self.gaps.is_empty(),
            SurfaceState::Absent => self.gaps.is_empty() && self.lines == 0,
            SurfaceState::Partly => has_gaps,
            SurfaceState::NotAnalysed => has_gaps && self.lines == 0,
        }
    }

    /// The report in a few words: `subtitles partly: damaged (track 2)`.
    pub fn label(&self) -> String {
        let gaps: Vec<String> = self.gaps.iter().map(Gap::label).collect();
        let head = format!("{} {}", self.surface.label(), self.state.label());
        if gaps.is_empty() { head } else { format!("{head}: {}", gaps.join(", ")) }
    }
}

/// The reports in a few words, for reasons and logs.
pub fn label(reports: &[SurfaceReport]) -> String {
    reports.iter().map(SurfaceReport::label).collect::<Vec<_>>().join("; ")
}

/// The states of all surfaces in one short text for tags of objects, such as `analysed=name.tags absent=captions`. It has
/// only letters, `_`, `.`, `=` and spaces.
pub fn compact(reports: &[SurfaceReport]) -> String {
    let of = |state: &SurfaceState| {
        let surfaces = reports.iter().filter(|report| report.state == *state);
        let surfaces: Vec<&str> = surfaces.map(|report| report.surface.as_str()).collect();
        (!surfaces.is_empty()).then(|| format!("{}={}", state.as_str(), surfaces.join(".")))
    };
    SurfaceState::ALL.iter().filter_map(of).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(why: NotSearched) -> Gap {
        Gap { track: None, why, until_ns: None }
    }

    #[test]
    fn a_report_has_gaps_exactly_where_something_was_left_out() {
        let of = |state, lines, gaps: usize| {
            let gaps = alloc::vec![gap(NotSearched::Damaged); gaps];
            SurfaceReport { surface: Surface::Tags, state, lines, gaps }.is_consistent()
        };
        assert!(of(SurfaceState::Analysed, 3, 0) && !of(SurfaceState::Analysed, 3, 1));
        assert!(of(SurfaceState::Absent, 0, 0) && !of(SurfaceState::Absent, 1, 0));
        assert!(of(SurfaceState::Partly, 0, 1) && !of(SurfaceState::Partly, 1, 0));
        assert!(of(SurfaceState::NotAnalysed, 0, 1) && !of(SurfaceState::NotAnalysed, 1, 1));
        assert!(of(SurfaceState::Partly, 0, GAPS_MAX) && !of(SurfaceState::Partly, 0, GAPS_MAX + 1));
    }

    #[test]
    fn the_compact_form_has_every_surface_and_fits_into_a_tag() {
        let reports: Vec<SurfaceReport> =
            Surface::ALL.iter().map(|one| SurfaceReport::analysed(*one)).collect();
        assert!(compact(&reports).starts_with("analysed=name.metadata.caption_files.tags."));
        let mut spread = reports;
        for (report, state) in spread.iter_mut().zip(SurfaceState::ALL.iter().cycle()) {
            report.state = *state;
        }
        let text = compact(&spread);
        assert!(text.len() <= 256, "{text}");
        let is_plain = |c: char| c.is_ascii_lowercase() || "_.= ".contains(c);
        assert!(
            text.chars().all(is_plain) && Surface::ALL.iter().all(|one| text.contains(one.as_str())),
            "{text}"
        );
    }

    #[test]
    fn a_gap_says_where_and_how_far() {
        let at = Gap { track: Some(2), why: NotSearched::Damaged, until_ns: Some(4_560_000_000) };
        assert_eq!(at.label(), "damaged (track 2, searched up to 4.5 s)");
        let report = SurfaceReport::not_analysed(Surface::OnScreenText, NotSearched::NotInstalled);
        let expected = "on-screen text not analysed: its engine or language data is not installed";
        assert_eq!(label(&[report]), expected);
    }
}
