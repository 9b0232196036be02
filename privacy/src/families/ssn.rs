//! United States social security numbers.
//!
//! Ranges: Social Security Administration, numbers issued since the randomisation of 2011: area 001 to 899 without 666,
//! group 01 to 99, serial 0001 to 9999. The dashed form is specific enough without a keyword; nine bare digits are not.

use super::family::{Anchor, Family};
use crate::bytes::{at, is_word, joined_after, joined_before, number, run_end};
use crate::candidate::{Candidate, Strength};
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

pub(crate) const FAMILY: Family =
    Family { identifiers, anchor: Anchor::Number(|b| b.is_ascii_digit()), find };

const SSN: Kind = Kind { id: "USA_SOCIAL_SECURITY_NUMBER", category: Category::PersonalInformation };

/// Macie's list, and words that people use.
const KEYWORDS: &[&str] = &["social security", "ss#", "ssn", "social security number", "ssns", "soc sec"];

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
    let separator = match (first_end - start, at(text, first_end)) {
        (9, _) => None,
        (3, Some(b @ (b'-' | b' '))) => Some(b),
        _ => return None,
    };
    let (digits, end) = match separator {
        None => (text[start..first_end].to_vec(), first_end),
        Some(separator) => separated(text, start, separator)?,
    };
    let cut =
        is_word(at(text, end)) || joined_before(text, start, b".:-/") || joined_after(text, end, b".:-/");
    if cut || !issued(&digits) {
        return None;
    }
    Some(match separator {
        Some(b'-') => Candidate::helped(start, end, Strength::Format, SSN, 95, 60),
        _ => Candidate::keyed(start, end, Strength::Format, SSN, 90),
    })
}

/// The digits and the end of a number `ddd-dd-dddd`.
fn separated(text: &[u8], start: usize, separator: u8) -> Option<(Vec<u8>, usize)> {
    let form = text.get(start..start + 11)?;
    let apart = form[3] == separator && form[6] == separator;
    let digits = [&form[..3], &form[4..6], &form[7..]].concat();
    (apart && digits.iter().all(u8::is_ascii_digit)).then_some((digits, start + 11))
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
