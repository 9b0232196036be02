//! Personal data in the text of a video: text in, findings out.
//!
//! Reelgate must know which personal data a video contains before anyone may watch it, and object-store scanners skip
//! media files. So all text of a video (names, tags, subtitles) enters this crate as lines with an address and leaves
//! it as findings: a type, a count, places and a masked form, but never the value itself.
//!
//! How a line is read, in one pass and linear time:
//! 1. the `reader` stops at digits and a few signs and asks the `families` there; they return candidates that a checksum
//!    or a format has already proved;
//! 2. candidates of types that need a keyword look for one within 30 characters around them, and in the element's name;
//! 3. a line with digits, letters or separators in another form than ASCII is read again as a `folded_text`;
//! 4. overlaps are resolved: checksum beats format beats loose pattern;
//! 5. the `scanner` joins values that span two lines, and counts a line that is shown twice only once.
//!
//! This crate does no IO, keeps no text, and uses no other crate of the workspace than `reelgate-flow`.
#![forbid(unsafe_code)]

mod allow;
mod bytes;
mod candidate;
mod checksum;
mod classifier;
mod config_error;
mod custom;
mod escapes;
mod families;
mod finding;
mod fingerprint;
mod folded_text;
mod identifier;
mod keywords;
mod line;
mod mask;
mod name_words;
mod ocr;
mod open_number;
mod overlap;
mod reader;
mod registry;
mod scanner;
mod table;
pub mod text;
mod unicode_forms;

pub use allow::{ALLOWED_WORDS_MAX, AllowList};
pub use classifier::{Classifier, Options, Span, starred};
pub use config_error::ConfigError;
pub use custom::{
    CUSTOM_IDENTIFIERS_MAX, CustomIdentifier, IGNORE_WORDS_MAX, KEYWORDS_MAX, REGEX_CHARS_MAX, SeverityLevel,
};
pub use finding::{Finding, LOCATIONS_MAX, Location, ON_SCREEN_MAX, OnScreen, Scan, finding_type, severity};
pub use fingerprint::Fingerprinter;
pub use identifier::{
    Category, Identifier, KeywordRule, Kind, Origin, Severity, SeverityRule, macie_score, macie_severity,
};
pub use line::Line;
pub use mask::Mask;
pub use ocr::ON_SCREEN_TEXT;
pub use registry::identifiers;
pub use scanner::Scanner;
