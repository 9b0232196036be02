//! Identifiers that operators define. The classifier and Amazon Macie search with the same definition, so its meaning and its
//! limits are Macie's (user guide, "Building custom data identifiers"; API `CreateCustomDataIdentifier`).

use alloc::string::String;
use alloc::vec::Vec;

use crate::asset::Severity;

/// The definition of one identifier.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct CustomIdentifier {
    /// Name, 1 to 128 characters; the id of its findings.
    pub name: String,
    /// The form of a value: a regular expression of at most 512 characters, without look-around.
    pub regex: String,
    /// One of these words, in any case, must come before the match or be in the name of its element. Empty: no word is
    /// needed. At most 50, of 3 to 90 characters.
    #[cfg_attr(feature = "serde", serde(default))]
    pub keywords: Vec<String>,
    /// A match that contains one of these words, in this case, is dropped. At most 10, of 4 to 90 characters.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ignore_words: Vec<String>,
    /// Most characters from the end of a keyword to the end of the match, 1 to 300; default 50.
    #[cfg_attr(feature = "serde", serde(default = "default_distance"))]
    pub maximum_match_distance: u16,
    /// Severities by number of occurrences, thresholds ascending. Empty: medium from one occurrence.
    #[cfg_attr(feature = "serde", serde(default))]
    pub severity_levels: Vec<SeverityLevel>,
}

/// The severity from a number of occurrences.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct SeverityLevel {
    /// Least number of occurrences, 1 or more.
    pub occurrences_threshold: u64,
    /// Severity from this number on; not [`Severity::None`].
    pub severity: Severity,
}

#[cfg(feature = "serde")]
fn default_distance() -> u16 {
    50
}
