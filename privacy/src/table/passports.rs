//! Passports.
//!
//! Shapes: ICAO document 9303 lets each state choose its numbers; these are the forms they print (PRADO, the register
//! of documents of the Council of the European Union, and the states' own pages).

use super::row::Row;
use crate::candidate::Strength;
use crate::checksum::national::{reisepass, repeated};
use crate::identifier::{Severity, SeverityRule};

const PASSPORT: Row = Row {
    strength: Strength::Format,
    severity: SeverityRule::new(Severity::Medium, Severity::High, Severity::High),
    ..Row::COMMON
};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "CANADA_PASSPORT_NUMBER",
        validation: Some("2 letters and 6 digits, or a letter, 6 digits and 2 letters"),
        keywords: &[
            "passeport",
            "passeport#",
            "passport",
            "passport#",
            "passportno",
            "passportno#",
            "passport number",
        ],
        shapes: &["AA999999", "A999999AA"],
        ..PASSPORT
    },
    Row {
        id: "FRANCE_PASSPORT_NUMBER",
        validation: Some("2 digits, 2 letters, 5 digits"),
        keywords: &[
            "numéro de passeport",
            "passeport",
            "passeport #",
            "passeport n °",
            "passeport non",
            "passport",
        ],
        shapes: &["99AA99999"],
        ..PASSPORT
    },
    Row {
        id: "GERMANY_PASSPORT_NUMBER",
        validation: Some("letters and digits of a passport, its check digit where written"),
        keywords: &[
            "ausstellungsdatum",
            "ausstellungsort",
            "passport",
            "passports",
            "passnummer",
            "reisepass",
            "reisepass nr",
            "reisepassnummer",
        ],
        shapes: &["A########", "A########9"],
        check: |number| number[1..].iter().any(u8::is_ascii_digit) && reisepass(number),
        ..PASSPORT
    },
    Row {
        id: "ITALY_PASSPORT_NUMBER",
        validation: Some("2 letters and 7 digits"),
        keywords: &[
            "italian passport number",
            "passaporto",
            "passaporto italiana",
            "passaporto numero",
            "passport number",
            "repubblica italiana passaporto",
        ],
        shapes: &["AA9999999", "AA 9999999"],
        ..PASSPORT
    },
    Row {
        id: "SPAIN_PASSPORT_NUMBER",
        validation: Some("3 letters and 6 digits"),
        keywords: &[
            "españa pasaporte",
            "libreta pasaporte",
            "número pasaporte",
            "pasaporte",
            "passport",
            "passport book",
            "passport no",
            "passport number",
            "spain passport",
        ],
        shapes: &["AAA999999"],
        ..PASSPORT
    },
    Row {
        id: "UK_PASSPORT_NUMBER",
        validation: Some("9 digits, not all the same"),
        keywords: &[
            "british passport",
            "hm passport",
            "uk passport",
            "united kingdom passport",
            "passportid",
        ],
        shapes: &["999999999"],
        check: |number| !repeated(number),
        ..PASSPORT
    },
    Row {
        id: "USA_PASSPORT_NUMBER",
        validation: Some("9 digits, or a letter and 8 digits"),
        keywords: &["passport", "passport#", "passport no", "passport number", "travel document"],
        shapes: &["999999999", "A99999999"],
        check: |number| !repeated(number),
        strength: Strength::Loose,
        ..PASSPORT
    },
];
