//! Country codes and the lengths of their numbers.

use std::ops::RangeInclusive;

use crate::identifier::{Category, Kind};

const fn kind(id: &'static str) -> Kind {
    Kind { id, category: Category::PersonalInformation }
}

/// Numbers of the North American plan; Macie's type without a country.
pub(super) const NORTH_AMERICA: Kind = kind("PHONE_NUMBER");
/// Numbers of countries for which Macie has no type, and of unknown countries.
pub(super) const OTHER: Kind = kind("PHONE_NUMBER_OTHER_COUNTRY");

/// A country code with its type and the lengths of its numbers.
struct Country {
    code: &'static str,
    kind: Kind,
    national_digits: RangeInclusive<usize>,
}

/// Countries that have their own type, or a length to check. Lengths: national numbering plans as notified to
/// the ITU (E.129 presentations).
const COUNTRIES: &[Country] = &[
    Country { code: "1", kind: NORTH_AMERICA, national_digits: 10..=10 },
    Country { code: "7", kind: OTHER, national_digits: 10..=10 },
    Country { code: "33", kind: kind("FRANCE_PHONE_NUMBER"), national_digits: 9..=9 },
    Country { code: "34", kind: kind("SPAIN_PHONE_NUMBER"), national_digits: 9..=9 },
    Country { code: "39", kind: kind("ITALY_PHONE_NUMBER"), national_digits: 6..=11 },
    Country { code: "44", kind: kind("UK_PHONE_NUMBER"), national_digits: 9..=10 },
    Country { code: "49", kind: kind("GERMANY_PHONE_NUMBER"), national_digits: 6..=11 },
    Country { code: "55", kind: kind("BRAZIL_PHONE_NUMBER"), national_digits: 10..=11 },
];

/// Two-digit codes in use (ITU-T E.164 annex).
const TWO_DIGIT_CODES: &[&str] = &[
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48",
    "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81",
    "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
];
/// First two digits of the three-digit codes in use.
const THREE_DIGIT_LEADS: &[&str] = &[
    "21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68", "69", "80",
    "85", "87", "88", "96", "97", "99",
];

/// Most digits of a whole international number (ITU-T E.164 section 6.2.1).
const INTERNATIONAL_DIGITS_MAX: usize = 15;
/// Fewest national digits, if the country's plan is not listed.
const NATIONAL_DIGITS_MIN: usize = 6;

/// All types of this family, each once.
pub(super) fn kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = COUNTRIES.iter().map(|country| country.kind).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// The type of an international number given as digits without prefix; `None` if no country has such a number.
pub(super) fn international(digits: &str) -> Option<Kind> {
    let lead = digits.get(..2)?;
    let code_len = match lead {
        _ if lead.starts_with('1') || lead.starts_with('7') => 1,
        _ if TWO_DIGIT_CODES.contains(&lead) => 2,
        _ if THREE_DIGIT_LEADS.contains(&lead) => 3,
        _ => return None,
    };
    let national = digits.len().checked_sub(code_len)?;
    let known = COUNTRIES.iter().find(|country| country.code == &digits[..code_len]);
    let (kind, lengths) = match known {
        Some(country) => (country.kind, country.national_digits.clone()),
        None => (OTHER, NATIONAL_DIGITS_MIN..=INTERNATIONAL_DIGITS_MAX - code_len),
    };
    lengths.contains(&national).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_country_code_decides_type_and_length() {
        assert_eq!(international("12125550123"), Some(NORTH_AMERICA));
        assert_eq!(international("1212555012"), None);
        assert_eq!(international("33612345678").map(|k| k.id), Some("FRANCE_PHONE_NUMBER"));
        assert_eq!(international("358401234567"), Some(OTHER));
        assert_eq!(international("2101234567"), Some(OTHER));
        assert_eq!(international("899123456"), None);
        assert_eq!(international("4"), None);
        assert_eq!(kinds().len(), 8);
    }
}
