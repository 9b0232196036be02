//! United States social security numbers.
//!
//! Ranges: Social Security Administration, numbers issued since the randomisation of 2011: area 001 to 899 without 666,
//! group 01 to 99, serial 0001 to 9999. The dashed form is specific enough without a keyword; nine bare digits are not.

use super::family::{Anchor, Family};
use crate::bytes::{at, gap_end, is_word, joined_after, joined_before, number, run_end};
use crate::candidate::{Candidate, Strength};
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

pub(crate) const FAMILY: Family =
    Family { identifiers, anchor: Anchor::Number(|b| b.is_ascii_digit()), find };

const SSN: Kind = Kind { id: "USA_SOCIAL_SECURITY_NUMBER", category: Category::PersonalInformation };

/// Macie's list, and words that people use.
const KEYWORDS: &[&str] = &["social security", "ss#", "ssn", "social security number", "ssns", "soc sec"];

/// Words right before a number with dashes that is no social security number, unless a keyword is near as well.
const OTHER_WORDS: &[&str] = &[
    "build", "catalog", "episode", "final", "frame", "invoice", "isbn", "item", "issn", "model", "order",
    "part", "points", "reel", "record", "result", "results", "scene", "score", "scored", "scores", "serial",
    "sku", "slate", "take", "ticket", "tracking", "version", "won",
];
/// Letters of the longest of these words.
const OTHER_WORD_MAX: usize = 8;

/// Numbers that were printed in advertisements and are void.
const VOIDED: &[&[u8]] = &[b"078051120", b"219099999", b"457555462"];

fn identifiers() -> Vec<Identifier> {
    vec![Identifier {
        kind: SSN,
        origin: Origin::Macie,
        keyword_rule: KeywordRule::Helps,
        keywords: KEYWORDS,
        validation: "issued ranges; dashed without keyword, spaced or bare with one",
        severity: SeverityRule::HIGH,
        mask: Mask::Shape,
    }]
}

fn find(text: &[u8], start: usize) -> Option<Candidate> {
    let first_end = run_end(text, start, 10, |b| b.is_ascii_digit());
    let (digits, sign, end) = match first_end - start {
        9 => (text[start..first_end].to_vec(), &text[..0], first_end),
        3 => parted(text, start, first_end)?,
        _ => return None,
    };
    let cut =
        is_word(at(text, end)) || joined_before(text, start, b".:-/") || joined_after(text, end, b".:-/");
    if cut || !issued(&digits) {
        return None;
    }
    Some(match sign {
        b"-" if !follows_other_word(text, start) => {
            Candidate::helped(start, end, Strength::Format, SSN, 95, 60)
        }
        _ => Candidate::keyed(start, end, Strength::Format, SSN, 90),
    })
}

/// The digits, the sign between the groups, and the end of a number `ddd-dd-dddd`, whose first group ends at `first_end`.
fn parted(text: &[u8], start: usize, first_end: usize) -> Option<(Vec<u8>, &[u8], usize)> {
    let group = |from: usize, len: usize| {
        let end = run_end(text, from, len + 1, |b| b.is_ascii_digit());
        (end == from + len).then_some(end)
    };
    let second = gap_end(text, first_end);
    let second_end = group(second, 2).filter(|_| second > first_end)?;
    let third = gap_end(text, second_end);
    let end = group(third, 4)?;
    let sign = &text[first_end..second];
    let digits = [&text[start..first_end], &text[second..second_end], &text[third..end]].concat();
    (sign == &text[second_end..third]).then_some((digits, sign, end))
}

/// Whether the word right before `start` says that the number is something else, such as the parts of a score.
fn follows_other_word(text: &[u8], start: usize) -> bool {
    const SIGNS_MAX: usize = 4;
    let is_sign = |b: &&u8| b" :=#.\"'".contains(b);
    let signs = text[..start].iter().rev().take(SIGNS_MAX).take_while(is_sign).count();
    let end = start - signs;
    let letters =
        text[..end].iter().rev().take(OTHER_WORD_MAX + 1).take_while(|b| b.is_ascii_alphabetic()).count();
    let word = &text[end - letters..end];
    OTHER_WORDS.iter().any(|other| other.as_bytes().eq_ignore_ascii_case(word))
}

fn issued(digits: &[u8]) -> bool {
    let [area, group, serial] = [0..3, 3..5, 5..9].map(|part| digits.get(part).and_then(number));
    let in_ranges = matches!(area, Some(1..=665 | 667..=899)) && group != Some(0) && serial != Some(0);
    let repeated = digits.iter().all(|d| *d == digits[0]);
    in_ranges && !repeated && !VOIDED.contains(&digits)
}

#[cfg(test)]
mod tests {
    use crate::families::tests::found;

    const SSN: &str = "USA_SOCIAL_SECURITY_NUMBER";

    #[test]
    fn the_dashed_form_needs_no_keyword_and_the_others_do() {
        assert_eq!(found("536-90-4399"), [SSN]);
        assert_eq!(found("536904399"), [""; 0]);
        assert_eq!(found("536 90 4399"), [""; 0]);
        assert_eq!(found("my SSN is 536904399"), [SSN]);
        assert_eq!(found("social-security 536 90 4399"), [SSN]);
        for sign in [".", "_", "/", " - "] {
            let number = ["536", "90", "4399"].join(sign);
            assert_eq!(found(&format!("ssn {number}")), [SSN], "{sign:?}");
            assert_eq!(found(&number), [""; 0], "{sign:?}");
        }
        assert_eq!(found("ssn536904399"), [SSN]);
    }

    #[test]
    fn a_word_that_says_what_else_the_number_is_outweighs_its_dashes() {
        for text in ["score 145-82-6719", "Final: 145-82-6719", "order #145-82-6719", "scores=145-82-6719"] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        for text in ["score of SSN 145-82-6719", "the score, 145-82-6719", "underscore 145-82-6719"] {
            assert_eq!(found(text), [SSN], "{text}");
        }
        assert!(super::OTHER_WORDS.iter().all(|word| word.len() <= super::OTHER_WORD_MAX));
    }

    #[test]
    fn numbers_never_issued_are_refused() {
        for digits in
            ["000-12-3456", "666-12-3456", "900-12-3456", "536-00-3456", "536-12-0000", "078-05-1120"]
        {
            assert_eq!(found(&format!("ssn {digits}")), [""; 0], "{digits}");
        }
    }

    #[test]
    fn longer_chains_and_words_are_refused() {
        for text in
            ["1-536-90-4399", "536-90-4399-1", "536-90-43991", "536-90-4399a", "v536-90-4399", "536-90 4399"]
        {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
