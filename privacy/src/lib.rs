//! Personal data in the text of a video: text in, findings out.
//!
//! The gate must know what a video says about people before anyone may watch it, and object-store scanners skip media
//! files altogether. So everything readable in a video (names, tags, subtitles) reaches this crate as lines with an
//! address, and leaves as findings: a type, a count, places and a masked form, never the value itself.
//!
//! How a line is read, in one pass and linear time:
//! 1. the `reader` stops at digits and a few signs, and asks the `families` there, which answer with candidates
//!    already proved by checksum or format;
//! 2. candidates of types that need a keyword look 30 characters around them, and at the element's name;
//! 3. overlaps are resolved: checksum beats format beats loose pattern;
//! 4. the `scanner` joins what spans two lines, and counts a line shown twice once.
//!
//! This crate does no IO, keeps no text, and knows no other crate than the words of `reelgate-flow`.
#![forbid(unsafe_code)]

mod allow;
mod bytes;
mod candidate;
mod checksum;
mod classifier;
mod config_error;
mod custom;
mod families;
mod finding;
mod fingerprint;
mod identifier;
mod keywords;
mod line;
mod mask;
mod ocr;
mod overlap;
mod reader;
mod registry;
mod scanner;
mod table;
pub mod text;

pub use allow::{ALLOWED_WORDS_MAX, AllowList};
pub use classifier::{Classifier, Options, Span, starred};
pub use config_error::ConfigError;
pub use custom::{
    CUSTOM_IDENTIFIERS_MAX, CustomIdentifier, IGNORE_WORDS_MAX, KEYWORDS_MAX, REGEX_CHARS_MAX, SeverityLevel,
};
pub use finding::{Finding, LOCATIONS_MAX, Location, finding_type, severity};
pub use fingerprint::Fingerprinter;
pub use identifier::{Category, Identifier, KeywordRule, Kind, Origin, Severity, SeverityRule};
pub use line::Line;
pub use mask::Mask;
pub use ocr::ON_SCREEN_TEXT;
pub use registry::identifiers;
pub use scanner::Scanner;
