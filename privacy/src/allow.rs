//! Allow lists: known values that must not be reported. They work as in Amazon Macie (user guide,
//! "Defining sensitive data exceptions with allow lists").

use std::collections::HashSet;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::config_error::ConfigError;
use crate::custom::compiled;

/// Most words of one list.
pub const ALLOWED_WORDS_MAX: usize = 100_000;
/// Characters of each word.
const WORD_CHARS: std::ops::RangeInclusive<usize> = 1..=90;

/// Values that are not reported, by any identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowList {
    /// These values, in upper or lower case. At most 100,000 values of 1 to 90 characters.
    Words(Vec<String>),
    /// Values that this regular expression matches as a whole. The expression has at most 512 characters.
    Regex(String),
}

/// The name of an allow list's expression in errors.
const NAME: &str = "an allow list";

/// Compiles an expression within the limits; it must match a value as a whole.
fn whole(regex: &str) -> Result<Regex, ConfigError> {
    let refused = |error| ConfigError::AllowedRegex { error: Box::new(error) };
    compiled(NAME, regex).map_err(refused)?;
    Regex::new(&format!(r"\A(?:{regex})\z"))
        .map_err(|error| refused(ConfigError::Regex { name: NAME.to_owned(), error: Box::new(error) }))
}

/// All allow lists, checked and compiled.
#[derive(Default)]
pub(crate) struct Allowed {
    words: HashSet<String>,
    expressions: Vec<Regex>,
}

impl Allowed {
    /// Checks the lists against Macie's limits.
    pub fn new(lists: &[AllowList]) -> Result<Allowed, ConfigError> {
        let mut allowed = Allowed::default();
        for list in lists {
            match list {
                AllowList::Words(words) => {
                    let odd = words
                        .iter()
                        .map(|word| word.chars().count())
                        .find(|chars| !WORD_CHARS.contains(chars));
                    if let Some(found) = odd.or((words.len() > ALLOWED_WORDS_MAX).then_some(words.len())) {
                        return Err(ConfigError::AllowedWords { found });
                    }
                    allowed.words.extend(words.iter().map(|word| word.to_lowercase()));
                }
                AllowList::Regex(regex) => {
                    allowed.expressions.push(whole(regex)?);
                }
            }
        }
        Ok(allowed)
    }

    /// Whether there is no allowed value.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.expressions.is_empty()
    }

    /// Whether `value` is on a list.
    pub fn holds(&self, value: &str) -> bool {
        self.words.contains(&value.to_lowercase()) || self.expressions.iter().any(|e| e.is_match(value))
    }
}
