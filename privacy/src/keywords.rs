//! Keywords near a candidate: the difference between nine digits and a social security number.
//!
//! The rules are those of Macie. A keyword counts within 30 characters before or after the data, in upper or lower
//! case, and a space in it also matches nothing, `_` or `-`. A keyword in the name of the text's element counts at any
//! distance. A keyword must be a whole word (`tel`, not `hotel`); a change from lower to upper case also separates
//! words (`homePhone`). In an element's name the words count, however they are written: `E-Mail` is `email`, and
//! `SSNValue` has the word `ssn`.
//!
//! Joints are removed from keywords and text before one automaton reads the few characters around a candidate. So the
//! automaton has one pattern per keyword; with every spelling as a pattern it would be tens of times larger.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, BuildError};

use crate::identifier::Identifier;
use crate::name_words::NameWords;

/// Longest distance of a keyword from the data, characters.
pub(crate) const DISTANCE_MAX: usize = 30;

/// Most keyword lists of a classifier.
const LISTS_MAX: usize = 256;

/// A set of keyword lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lists([u64; LISTS_MAX / 64]);

impl Lists {
    fn insert(&mut self, list: u8) {
        self.0[usize::from(list / 64)] |= 1 << (list % 64);
    }

    /// Whether `list` is in the set.
    pub fn contains(self, list: u8) -> bool {
        self.0[usize::from(list / 64)] & (1 << (list % 64)) != 0
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self == Lists::default()
    }

    /// The lists that are in either set.
    pub fn or(self, other: Lists) -> Lists {
        Lists(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }
}

/// All keywords of all identifiers, searched at once.
pub(crate) struct Keywords {
    words: AhoCorasick,
    /// For each pattern of `words`: where it may have joints, and the lists it belongs to.
    patterns: Vec<Pattern>,
    /// For each identifier with keywords: the number of its list. Identifiers with equal lists have the same number.
    list_of_id: BTreeMap<&'static str, u8>,
    word_chars_max: usize,
}

#[derive(Default)]
struct Pattern {
    /// Bit `i` is set if a joint may come before byte `i` of the pattern.
    joints: u64,
    lists: Lists,
}

impl Keywords {
    /// Collects the keyword lists of `identifiers`. Fails only if the automaton would be too large.
    ///
    /// # Panics
    /// If there are more than 256 different lists, which is a mistake in the tables.
    pub fn new(identifiers: &[Identifier]) -> Result<Keywords, BuildError> {
        let mut lists: Vec<&'static [&'static str]> = Vec::new();
        let mut list_of_id = BTreeMap::new();
        for identifier in identifiers.iter().filter(|i| !i.keywords.is_empty()) {
            let known = lists.iter().position(|list| *list == identifier.keywords);
            let list = known.unwrap_or_else(|| {
                lists.push(identifier.keywords);
                lists.len() - 1
            });
            let list =
                u8::try_from(list).expect("the tables hold fewer than 256 lists; a test builds them all");
            list_of_id.insert(identifier.kind.id, list);
        }
        let mut by_word: BTreeMap<(Vec<u8>, u64), Lists> = BTreeMap::new();
        for (list, words) in (0u8..).zip(&lists) {
            for word in *words {
                by_word.entry(stripped(word)).or_default().insert(list);
            }
        }
        let word_chars_max = lists.iter().flat_map(|list| list.iter()).map(|word| word.chars().count()).max();
        let words = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(by_word.keys().map(|(pattern, _)| pattern))?;
        let patterns =
            by_word.iter().map(|((_, joints), lists)| Pattern { joints: *joints, lists: *lists }).collect();
        Ok(Keywords { words, patterns, list_of_id, word_chars_max: word_chars_max.unwrap_or(0) })
    }

    /// The list of identifier `id`; `None` if it has no keywords.
    pub fn list(&self, id: &str) -> Option<u8> {
        self.list_of_id.get(id).copied()
    }

    /// The lists with a keyword within 30 characters of bytes `start..end` of `text`.
    pub fn near(&self, text: &str, start: usize, end: usize) -> Lists {
        let reach = DISTANCE_MAX + self.word_chars_max;
        let earliest_end = chars_back(text, start, DISTANCE_MAX);
        let latest_start = chars_forward(text, end, DISTANCE_MAX);
        let before =
            self.found(text, chars_back(text, start, reach), start, |_, hit_end| hit_end >= earliest_end);
        let after =
            self.found(text, end, chars_forward(text, end, reach), |hit_start, _| hit_start <= latest_start);
        before.or(after)
    }

    /// The lists with a keyword in a part of `text`.
    pub fn within(&self, text: &str, start: usize, end: usize) -> Lists {
        self.found(text, start, end, |_, _| true)
    }

    /// The lists with a keyword in an element's name, as it is written or as its words give it.
    pub fn in_name(&self, name: &str, words: &NameWords) -> Lists {
        let written = self.within(name, 0, name.len());
        let hits = self.words.find_overlapping_iter(words.letters());
        let whole = hits.filter(|hit| words.are_whole(hit.start(), hit.end()));
        whole.fold(written, |lists, hit| lists.or(self.patterns[hit.pattern()].lists))
    }

    /// The lists with a keyword in `text[from..to]` at a place that `in_reach` accepts.
    fn found(&self, text: &str, from: usize, to: usize, in_reach: impl Fn(usize, usize) -> bool) -> Lists {
        let bytes = text.as_bytes();
        if from == to {
            return Lists::default();
        }
        let mut letters = Vec::with_capacity(to - from);
        let mut places = Vec::with_capacity(to - from);
        for (i, b) in bytes[from..to].iter().enumerate().filter(|(_, b)| !is_joint(**b)) {
            letters.push(*b);
            places.push(from + i);
        }
        let mut lists = Lists::default();
        for hit in self.words.find_overlapping_iter(&letters) {
            let pattern = &self.patterns[hit.pattern()];
            let places = &places[hit.range()];
            let (Some(start), Some(end)) = (places.first().copied(), places.last().map(|last| last + 1))
            else {
                continue;
            };
            if in_reach(start, end) && joints_fit(places, pattern.joints) && is_whole_word(bytes, start, end)
            {
                lists = lists.or(pattern.lists);
            }
        }
        lists
    }
}

fn is_joint(b: u8) -> bool {
    matches!(b, b' ' | b'_' | b'-')
}

/// A keyword without its joints, and the positions of the joints.
fn stripped(word: &str) -> (Vec<u8>, u64) {
    let (mut letters, mut joints) = (Vec::new(), 0);
    for b in word.bytes() {
        if !is_joint(b) {
            letters.push(b);
        } else if letters.len() < 64 {
            joints |= 1 << letters.len();
        }
    }
    (letters, joints)
}

/// Whether the text has joints only where the keyword has them, and only one at a time.
fn joints_fit(places: &[usize], joints: u64) -> bool {
    places.windows(2).enumerate().all(|(i, pair)| match pair[1] - pair[0] {
        1 => true,
        2 => i + 1 < 64 && joints & (1 << (i + 1)) != 0,
        _ => false,
    })
}

fn is_whole_word(text: &[u8], start: usize, end: usize) -> bool {
    let camel_hump = |left: u8, right: u8| left.is_ascii_lowercase() && right.is_ascii_uppercase();
    let starts = match (crate::bytes::before(text, start), text[start]) {
        (Some(left), first) if left.is_ascii_alphanumeric() => camel_hump(left, first),
        _ => true,
    };
    // A digit may follow a keyword (`phone2`), but no letter. A sign at its end, such as the `#` of `ss#`, ends the
    // word.
    let last = text[end - 1];
    let ends = match crate::bytes::at(text, end) {
        Some(right) if right.is_ascii_alphabetic() && last.is_ascii_alphanumeric() => camel_hump(last, right),
        _ => true,
    };
    starts && ends
}

/// Byte index `count` characters before `at`, or 0.
pub(crate) fn chars_back(text: &str, at: usize, count: usize) -> usize {
    text[..at].char_indices().rev().take(count).last().map_or(at, |(i, _)| i)
}

/// Byte index `count` characters after `at`, or the end of `text`.
fn chars_forward(text: &str, at: usize, count: usize) -> usize {
    text[at..].char_indices().nth(count).map_or(text.len(), |(i, _)| at + i)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::registry::identifiers;

    const SSN: &str = "USA_SOCIAL_SECURITY_NUMBER";
    static KEYWORDS: LazyLock<Keywords> = LazyLock::new(|| Keywords::new(&identifiers()).unwrap());

    fn near(id: &str, text: &str, value: &str, field: &str) -> bool {
        let start = text.find(value).unwrap();
        let in_name = KEYWORDS.in_name(field, &NameWords::of(field));
        let near = KEYWORDS.near(text, start, start + value.len()).or(in_name);
        KEYWORDS.list(id).is_some_and(|list| near.contains(list))
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
    fn a_space_where_the_keyword_has_none_makes_another_word() {
        assert!(!near(SSN, "s sn #1", "#1", ""));
        assert!(!near("PHONE_NUMBER", "he's in t-el #1", "#1", ""));
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
    fn the_words_of_an_element_name_count_however_they_are_written() {
        for name in [
            "userSSN",
            "SSNValue",
            "ssn_2",
            "2ssn",
            "S-S-N",
            "soc.sec",
            "Social%20Security",
            "ｓｓｎ",
            "SSNs",
        ] {
            assert!(near(SSN, "#1", "#1", name), "{name}");
        }
        for name in ["lesson", "ssnippet", "classNumber", "isSnow"] {
            assert!(!near(SSN, "#1", "#1", name), "{name}");
        }
    }

    #[test]
    fn a_keyword_in_a_part_of_a_text_is_a_whole_word_of_the_text() {
        let within = |text: &str, start: usize, end: usize| {
            KEYWORDS.list(SSN).is_some_and(|list| KEYWORDS.within(text, start, end).contains(list))
        };
        assert!(within("my ssn536", 3, 6) && within("mySsn536", 0, 5));
        assert!(!within("lesssn536", 3, 6) && !within("ssn", 0, 0) && !within("ssn", 0, 2));
    }

    #[test]
    fn an_identifier_without_keywords_is_never_near_one() {
        assert!(!near("EMAIL_ADDRESS", "phone #1", "#1", "phone"));
    }
}
