//! Custom identifiers, as operators write them, with the meaning Amazon Macie gives them.
//!
//! The same definition creates the custom data identifier in Macie, so limits and rules are Macie's (user guide, "Building
//! custom data identifiers"; API `CreateCustomDataIdentifier`): a regular expression, words that have to come before the
//! match, words that cancel it, and severities by number of occurrences.

use std::sync::{LazyLock, Mutex};

use aho_corasick::AhoCorasick;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::candidate::{CandidateReading, Strength};
use crate::config_error::ConfigError;
use crate::identifier::{Category, Kind, Severity};
use crate::keywords::chars_back;
use crate::overlap::Match;

/// Custom identifiers of one classifier.
pub const CUSTOM_IDENTIFIERS_MAX: usize = 100;
/// Characters of a regular expression.
pub const REGEX_CHARS_MAX: usize = 512;
/// Keywords of an identifier, and characters of each.
pub const KEYWORDS_MAX: usize = 50;
const KEYWORD_CHARS: std::ops::RangeInclusive<usize> = 3..=90;
/// Ignore words of an identifier, and characters of each.
pub const IGNORE_WORDS_MAX: usize = 10;
const IGNORE_WORD_CHARS: std::ops::RangeInclusive<usize> = 4..=90;
/// Characters from the end of a keyword to the end of the match.
const DISTANCE: std::ops::RangeInclusive<u16> = 1..=300;
const NAME_CHARS: std::ops::RangeInclusive<usize> = 1..=128;
/// Bytes a compiled expression may take; the `regex` crate refuses larger ones.
const COMPILED_BYTES_MAX: usize = 4 << 20;

/// An identifier of the operator's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomIdentifier {
    /// Name, 1 to 128 characters; the id of its findings.
    pub name: String,
    /// What a value looks like: at most 512 characters of what the `regex` crate reads, without look-around.
    pub regex: String,
    /// Words of which one has to come before the match, or be in the element's name, in any case. Empty: none needed. At
    /// most 50, of 3 to 90 characters.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Words that cancel a match which contains one, in this case. At most 10, of 4 to 90 characters.
    #[serde(default)]
    pub ignore_words: Vec<String>,
    /// Characters from the end of a keyword to the end of the match, at most; 1 to 300.
    #[serde(default = "default_distance")]
    pub maximum_match_distance: u16,
    /// Severities by count, thresholds ascending. Empty: Medium from one on.
    #[serde(default)]
    pub severity_levels: Vec<SeverityLevel>,
}

/// From how many occurrences a severity holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeverityLevel {
    /// Least number of occurrences, 1 or more.
    pub occurrences_threshold: u64,
    /// Severity from there on.
    pub severity: Severity,
}

fn default_distance() -> u16 {
    50
}

/// A custom identifier, checked and ready.
pub(crate) struct Custom {
    pub kind: Kind,
    pub levels: Vec<SeverityLevel>,
    regex: Regex,
    keywords: Option<AhoCorasick>,
    keyword_chars_max: usize,
    ignore_words: Vec<String>,
    distance: usize,
}

impl Custom {
    /// Checks a definition against Macie's limits.
    pub fn new(definition: &CustomIdentifier) -> Result<Custom, ConfigError> {
        let CustomIdentifier { name, regex, keywords, ignore_words, maximum_match_distance, severity_levels } =
            definition;
        if !NAME_CHARS.contains(&name.chars().count()) {
            return Err(ConfigError::NameLength { chars: name.chars().count() });
        }
        let sized = |words: &[String], chars: &std::ops::RangeInclusive<usize>| {
            words.iter().map(|word| word.chars().count()).find(|count| !chars.contains(count))
        };
        let too_many = keywords.len() > KEYWORDS_MAX;
        if let Some(chars) = sized(keywords, &KEYWORD_CHARS).or(too_many.then_some(keywords.len())) {
            return Err(ConfigError::Keywords { name: name.clone(), found: chars });
        }
        let too_many = ignore_words.len() > IGNORE_WORDS_MAX;
        if let Some(chars) =
            sized(ignore_words, &IGNORE_WORD_CHARS).or(too_many.then_some(ignore_words.len()))
        {
            return Err(ConfigError::IgnoreWords { name: name.clone(), found: chars });
        }
        if !DISTANCE.contains(maximum_match_distance) {
            return Err(ConfigError::Distance { name: name.clone(), found: *maximum_match_distance });
        }
        let ascending =
            severity_levels.windows(2).all(|two| two[0].occurrences_threshold < two[1].occurrences_threshold);
        if !ascending || severity_levels.first().is_some_and(|level| level.occurrences_threshold == 0) {
            return Err(ConfigError::SeverityLevels { name: name.clone() });
        }
        let searched = (!keywords.is_empty())
            .then(|| AhoCorasick::builder().ascii_case_insensitive(true).build(keywords))
            .transpose()
            .map_err(|_| ConfigError::Keywords { name: name.clone(), found: keywords.len() })?;
        Ok(Custom {
            kind: Kind { id: interned(name), category: Category::CustomIdentifier },
            levels: match severity_levels.as_slice() {
                [] => vec![SeverityLevel { occurrences_threshold: 1, severity: Severity::Medium }],
                levels => levels.to_vec(),
            },
            regex: compiled(name, regex)?,
            keywords: searched,
            keyword_chars_max: keywords.iter().map(|word| word.chars().count()).max().unwrap_or(0),
            ignore_words: ignore_words.clone(),
            distance: usize::from(*maximum_match_distance),
        })
    }

    /// Everything it finds in `text`, which belongs to the element `field`.
    pub fn find(&self, text: &str, field: &str, found: &mut Vec<Match>) {
        let named = self.keywords.as_ref().is_some_and(|keywords| keywords.is_match(field));
        for hit in self.regex.find_iter(text) {
            let ignored = self.ignore_words.iter().any(|word| hit.as_str().contains(word.as_str()));
            if !ignored && (named || self.after_keyword(text, hit.start(), hit.end())) {
                let reading = CandidateReading { kind: self.kind, confidence: 100 };
                found.push(Match { start: hit.start(), end: hit.end(), strength: Strength::Format, reading });
            }
        }
    }

    fn after_keyword(&self, text: &str, start: usize, end: usize) -> bool {
        let Some(keywords) = &self.keywords else {
            return true;
        };
        let earliest_end = chars_back(text, end, self.distance);
        let from = chars_back(text, earliest_end, self.keyword_chars_max);
        from < start
            && keywords.find_overlapping_iter(&text[from..start]).any(|hit| from + hit.end() >= earliest_end)
    }
}

/// An expression within the limits that matches something, and not nothing.
pub(crate) fn compiled(name: &str, regex: &str) -> Result<Regex, ConfigError> {
    let chars = regex.chars().count();
    if !(1..=REGEX_CHARS_MAX).contains(&chars) {
        return Err(ConfigError::RegexLength { name: name.to_owned(), chars });
    }
    let compiled = RegexBuilder::new(regex).size_limit(COMPILED_BYTES_MAX).build();
    let compiled =
        compiled.map_err(|error| ConfigError::Regex { name: name.to_owned(), error: Box::new(error) })?;
    if compiled.is_match("") {
        return Err(ConfigError::RegexMatchesNothing { name: name.to_owned() });
    }
    Ok(compiled)
}

/// The one lasting copy of a name, so that a kind stays a word that is cheap to copy and compare. Names come from the
/// configuration only: there are as many copies as different names were ever configured.
fn interned(name: &str) -> &'static str {
    static NAMES: LazyLock<Mutex<Vec<&'static str>>> = LazyLock::new(Mutex::default);
    let mut names = NAMES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(known) = names.iter().find(|known| **known == name) {
        return known;
    }
    let lasting: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.push(lasting);
    lasting
}
