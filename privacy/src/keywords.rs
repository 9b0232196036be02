//! Keywords near a candidate: the difference between nine digits and a social security number.
//!
//! Rules are Macie's: a keyword counts within 30 characters before or after the data, in any case, and a space in it
//! also matches nothing, `_` or `-`. The name of the element that holds the text counts at any distance. A keyword has
//! to be a word of its own (`tel`, not `hotel`), where a change from lower to upper case also parts words (`homePhone`).

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, BuildError};

use crate::identifier::Identifier;

/// Greatest distance of a keyword from the data, characters.
pub(crate) const DISTANCE_MAX: usize = 30;

/// All keywords of all identifiers, searched at once.
pub(crate) struct Keywords {
    words: AhoCorasick,
    /// For each pattern of `words`: the list it belongs to.
    list_of_word: Vec<usize>,
    /// For each identifier with keywords: its list. Identifiers that share a list share its number.
    list_of_id: BTreeMap<&'static str, usize>,
    word_bytes_max: usize,
}

impl Keywords {
    /// Gathers the keyword lists of `identifiers`. Fails only where the automaton would be too large.
    pub fn new(identifiers: &[Identifier]) -> Result<Keywords, BuildError> {
        let mut lists: Vec<&'static [&'static str]> = Vec::new();
        let mut list_of_id = BTreeMap::new();
        for identifier in identifiers.iter().filter(|i| !i.keywords.is_empty()) {
            let known = lists.iter().position(|list| *list == identifier.keywords);
            let list = known.unwrap_or_else(|| {
                lists.push(identifier.keywords);
                lists.len() - 1
            });
            list_of_id.insert(identifier.kind.id, list);
        }
        let mut spelled = Vec::new();
        let mut list_of_word = Vec::new();
        for (number, list) in lists.iter().enumerate() {
            for form in list.iter().flat_map(|word| spellings(word)) {
                spelled.push(form);
                list_of_word.push(number);
            }
        }
        let word_bytes_max = spelled.iter().map(String::len).max().unwrap_or(0);
        let words = AhoCorasick::builder().ascii_case_insensitive(true).build(&spelled)?;
        Ok(Keywords { words, list_of_word, list_of_id, word_bytes_max })
    }

    /// Whether a keyword of identifier `id` stands near bytes `start..end` of `text`, or in `field`.
    pub fn near(&self, id: &str, text: &str, start: usize, end: usize, field: &str) -> bool {
        let Some(list) = self.list_of_id.get(id).copied() else {
            return false;
        };
        if self.found(list, field.as_bytes()) {
            return true;
        }
        let from = chars_back(text, start, DISTANCE_MAX + self.word_bytes_max);
        let to = chars_forward(text, end, DISTANCE_MAX + self.word_bytes_max);
        let earliest_end = chars_back(text, start, DISTANCE_MAX);
        let latest_start = chars_forward(text, end, DISTANCE_MAX);
        let window = &text.as_bytes()[from..to];
        self.words.find_overlapping_iter(window).any(|hit| {
            let (hit_start, hit_end) = (from + hit.start(), from + hit.end());
            let in_reach = (hit_end <= start && hit_end >= earliest_end)
                || (hit_start >= end && hit_start <= latest_start);
            in_reach
                && self.list_of_word[hit.pattern()] == list
                && is_word_of_its_own(text.as_bytes(), hit_start, hit_end)
        })
    }

    fn found(&self, list: usize, text: &[u8]) -> bool {
        self.words.find_overlapping_iter(text).any(|hit| {
            self.list_of_word[hit.pattern()] == list && is_word_of_its_own(text, hit.start(), hit.end())
        })
    }
}

/// Every way a keyword may be written: each space as itself, nothing, `_` or `-`.
fn spellings(word: &str) -> Vec<String> {
    let mut forms = vec![String::new()];
    for c in word.chars() {
        if c != ' ' {
            forms.iter_mut().for_each(|form| form.push(c));
            continue;
        }
        forms =
            forms.iter().flat_map(|form| ["", " ", "_", "-"].map(|joint| format!("{form}{joint}"))).collect();
    }
    forms
}

fn is_word_of_its_own(text: &[u8], start: usize, end: usize) -> bool {
    let camel_hump = |left: u8, right: u8| left.is_ascii_lowercase() && right.is_ascii_uppercase();
    let starts = match (crate::bytes::before(text, start), text[start]) {
        (Some(left), first) if left.is_ascii_alphanumeric() => camel_hump(left, first),
        _ => true,
    };
    // A digit may follow (`phone2`), a letter may not, and a sign such as the `#` of `ss#` ends a word by itself.
    let last = text[end - 1];
    let ends = match crate::bytes::at(text, end) {
        Some(right) if right.is_ascii_alphabetic() && last.is_ascii_alphanumeric() => camel_hump(last, right),
        _ => true,
    };
    starts && ends
}

/// Byte index `count` characters before `at`, or 0.
fn chars_back(text: &str, at: usize, count: usize) -> usize {
    text[..at].char_indices().rev().take(count).last().map_or(at, |(i, _)| i)
}

/// Byte index `count` characters after `at`, or the end of `text`.
fn chars_forward(text: &str, at: usize, count: usize) -> usize {
    text[at..].char_indices().nth(count).map_or(text.len(), |(i, _)| at + i)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::identifiers;

    const SSN: &str = "USA_SOCIAL_SECURITY_NUMBER";

    fn near(id: &str, text: &str, value: &str, field: &str) -> bool {
        let keywords = Keywords::new(&identifiers()).unwrap();
        let start = text.find(value).unwrap();
        keywords.near(id, text, start, start + value.len(), field)
    }

    #[test]
    fn a_keyword_counts_up_to_thirty_characters_away_on_both_sides() {
        let gap = |n: usize| "é".repeat(n);
        assert!(near(SSN, &format!("ssn{}#1", gap(29)), "#1", ""));
        assert!(near(SSN, &format!("ssn{}#1", gap(30)), "#1", ""));
        assert!(!near(SSN, &format!("ssn{}#1", gap(31)), "#1", ""));
        assert!(near(SSN, &format!("#1{}ssn", gap(30)), "#1", ""));
        assert!(!near(SSN, &format!("#1{}ssn", gap(31)), "#1", ""));
    }

    #[test]
    fn a_space_in_a_keyword_also_matches_nothing_and_joints() {
        for word in ["Social Security", "socialsecurity", "SOCIAL_SECURITY", "social-security"] {
            assert!(near(SSN, &format!("{word} #1"), "#1", ""), "{word}");
        }
        assert!(!near(SSN, "social  security #1", "#1", ""));
    }

    #[test]
    fn a_keyword_inside_another_word_does_not_count() {
        assert!(!near("PHONE_NUMBER", "hotel #1", "#1", ""));
        assert!(!near("PHONE_NUMBER", "telly #1", "#1", ""));
        assert!(near("PHONE_NUMBER", "tel#1", "#1", ""));
    }

    #[test]
    fn the_element_name_counts_at_any_distance() {
        let far = format!("{}#1", " ".repeat(400));
        assert!(near("PHONE_NUMBER", &far, "#1", "homePhone"));
        assert!(!near("PHONE_NUMBER", &far, "#1", "homephony"));
    }

    #[test]
    fn an_identifier_without_keywords_is_never_near_one() {
        assert!(!near("EMAIL_ADDRESS", "phone #1", "#1", "phone"));
    }
}
