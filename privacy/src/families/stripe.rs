//! The tracks of a card's magnetic stripe as a card reader outputs them (ISO/IEC 7813): number, an optional name,
//! expiry date and service code.

use super::family::{Anchor, Family};
use crate::bytes::{at, before, is_word, run_end};
use crate::candidate::{Candidate, Strength};
use crate::checksum::luhn;
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

pub(crate) const FAMILY: Family =
    Family { identifiers, anchor: Anchor::Number(|b| b.is_ascii_digit() || b == b'B'), find };

const STRIPE: Kind = Kind { id: "CREDIT_CARD_MAGNETIC_STRIPE", category: Category::FinancialInformation };

/// Macie's list.
const KEYWORDS: &[&str] = &["card data", "iso7813", "mag", "magstripe", "stripe", "swipe"];

/// Digits of the card number.
const NUMBER_LEN: std::ops::RangeInclusive<usize> = 13..=19;
/// Longest name on track 1, bytes.
const NAME_MAX: usize = 26;
/// Digits of expiry date and service code, and bytes that may follow them.
const AFTER_MIN: usize = 7;
const AFTER_MAX: usize = 40;

fn identifiers() -> Vec<Identifier> {
    vec![Identifier {
        kind: STRIPE,
        origin: Origin::Macie,
        keyword_rule: KeywordRule::Required,
        keywords: KEYWORDS,
        validation: "track 1 or 2 of ISO/IEC 7813, Luhn",
        severity: SeverityRule::HIGH,
        mask: Mask::Whole,
    }]
}

fn find(text: &[u8], start: usize) -> Option<Candidate> {
    let first_track = text[start] == b'B';
    let from = start + usize::from(first_track);
    let number = run_end(text, from, *NUMBER_LEN.end() + 1, |b| b.is_ascii_digit());
    if !NUMBER_LEN.contains(&(number - from)) || is_word(before(text, start)) {
        return None;
    }
    let rest = match (first_track, at(text, number)) {
        (true, Some(b'^')) => {
            let name =
                run_end(text, number + 1, NAME_MAX, |b| b.is_ascii_alphabetic() || b" /.-'".contains(&b));
            at(text, name).filter(|b| *b == b'^').map(|_| name + 1)?
        }
        (false, Some(b'=' | b'D')) => number + 1,
        _ => return None,
    };
    let end = run_end(text, rest, AFTER_MAX, |b| b.is_ascii_digit());
    let sound = end - rest >= AFTER_MIN && luhn(&text[from..number]);
    sound.then(|| Candidate::keyed(start, end, Strength::Checksum, STRIPE, 99))
}

#[cfg(test)]
mod tests {
    use crate::families::tests::found;

    #[test]
    fn both_tracks_are_found_near_a_keyword() {
        assert_eq!(found("swipe %B4539578763621486^DOE/JANE^27121011234?"), ["CREDIT_CARD_MAGNETIC_STRIPE"]);
        assert_eq!(found("magstripe ;4539578763621486=27121011234?"), ["CREDIT_CARD_MAGNETIC_STRIPE"]);
        assert_eq!(found("%B4539578763621486^DOE/JANE^27121011234?"), [""; 0]);
        assert_eq!(found("swipe %B4539578763621487^DOE/JANE^27121011234?"), [""; 0]);
    }
}
