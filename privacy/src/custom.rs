//! Custom identifiers, which operators define. They work as in Amazon Macie.
//!
//! The same definition creates the custom data identifier in Macie, so limits and rules are those of Macie (user guide,
//! "Building custom data identifiers"; API `CreateCustomDataIdentifier`): a regular expression, keywords that must come
//! before the match, words that cancel the match, and severities by number of occurrences.

use std::sync::{LazyLock, Mutex};

use aho_corasick::AhoCorasick;
pub use reelgate_flow::custom_identifier::{CustomIdentifier, SeverityLevel};
use regex::{Regex, RegexBuilder};

use crate::candidate::{CandidateReading, Strength};
use crate::config_error::ConfigError;
use crate::identifier::{Category, Kind, Severity};
use crate::keywords::chars_back;
use crate::name_words::NameWords;
use crate::overlap::Match;

/// Most custom identifiers of one classifier.
pub const CUSTOM_IDENTIFIERS_MAX: usize = 100;
/// Most characters of a regular expression.
pub const REGEX_CHARS_MAX: usize = 512;
/// Most keywords of an identifier.
pub const KEYWORDS_MAX: usize = 50;
/// Characters of each keyword.
const KEYWORD_CHARS: std::ops::RangeInclusive<usize> = 3..=90;
/// Most ignore words of an identifier.
pub const IGNORE_WORDS_MAX: usize = 10;
/// Characters of each ignore word.
const IGNORE_WORD_CHARS: std::ops::RangeInclusive<usize> = 4..=90;
/// Characters from the end of a keyword to the end of the match.
const DISTANCE: std::ops::RangeInclusive<u16> = 1..=300;
const NAME_CHARS: std::ops::RangeInclusive<usize> = 1..=128;
/// Most bytes of a compiled expression; the `regex` crate refuses larger ones.
const COMPILED_BYTES_MAX: usize = 4 << 20;

/// A custom identifier, checked and ready.
pub(crate) struct Custom {
    pub kind: Kind,
    pub levels: Vec<SeverityLevel>,
    regex: Regex,
    keywords: Option<AhoCorasick>,
    keyword_chars_max: usize,
    keyword_words: Vec<NameWords>,
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
        let has_none = severity_levels.iter().any(|level| level.severity == Severity::None);
        let from_zero = severity_levels.first().is_some_and(|level| level.occurrences_threshold == 0);
        if !ascending || from_zero || has_none {
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
            keyword_words: keywords.iter().map(|word| NameWords::of(word)).collect(),
            ignore_words: ignore_words.clone(),
            distance: usize::from(*maximum_match_distance),
        })
    }

    /// Whether an element's name, which has these words, has one of the keywords.
    pub fn is_named(&self, name: &str, words: &NameWords) -> bool {
        self.keywords.as_ref().is_some_and(|keywords| keywords.is_match(name))
            || self.keyword_words.iter().any(|keyword| words.contain(keyword))
    }

    /// Adds all matches in `text` to `found`; `named` if a keyword is in the name of its element.
    pub fn find(&self, text: &str, named: bool, found: &mut Vec<Match>) {
        for hit in self.regex.find_iter(text) {
            // An expression such as `\b` matches no character in a text that has some.
            if hit.is_empty() {
                continue;
            }
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

/// Compiles an expression within the limits. An expression that matches an empty text is refused.
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

/// The only copy of a name, which lives as long as the process, so that a `Kind` is cheap to copy and compare. Names
/// come only from the configuration, so there is one copy of each name that was ever configured.
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
