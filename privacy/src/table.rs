//! Identifiers that consist of a shape, a check and a keyword: one row each.
//!
//! More than a hundred of them look like "nine digits". All of them need a keyword; otherwise they would match nearly
//! every number. They are cheap, because a place is read only once and compared with the shapes of its length by two
//! masks. Checks and keywords come after that.

use crate::bytes::{at, before, gap_end, is_word, joined_after, joined_before};
use crate::identifier::Identifier;

mod beyond;
mod finance;
mod health;
mod licences;
mod national;
mod passports;
mod row;

pub(crate) use row::Row;

/// All rows. If two rows fit one place equally well, the earlier is reported.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    [finance::ROWS, health::ROWS, national::ROWS, passports::ROWS, licences::ROWS, beyond::ROWS]
        .into_iter()
        .flatten()
}

/// The identifiers that the rows add to the registry.
pub(crate) fn identifiers() -> Vec<Identifier> {
    rows().filter_map(Row::identifier).collect()
}

/// Most letters and digits that are read in one place.
const LEN_MAX: usize = 32;
/// Most groups that are read in one place.
const GROUPS_MAX: usize = 8;
/// Most letters of a group without digits: longer groups are words.
const LETTERS_MAX: usize = 6;

/// A shape of a row, as masks. Bit `i` is for the letter or digit `i`.
pub(crate) struct Form {
    pub row: &'static Row,
    /// The row's keyword list.
    pub list: u8,
    digits: u32,
    letters: u32,
    breaks: u32,
}

/// The rows, by length.
pub(crate) struct Table {
    by_len: Vec<Vec<Form>>,
}

impl Table {
    /// A table of the rows whose id has a keyword list, as `list` returns it.
    pub fn new(list: impl Fn(&str) -> Option<u8>) -> Table {
        let mut by_len: Vec<Vec<Form>> = (0..=LEN_MAX).map(|_| Vec::new()).collect();
        for (row, list) in rows().filter_map(|row| Some((row, list(row.id)?))) {
            for shape in row.shapes {
                let mut form = Form { row, list, digits: 0, letters: 0, breaks: 0 };
                let mut len = 0;
                for sign in shape.bytes() {
                    match sign {
                        b' ' => form.breaks |= 1 << len,
                        b'9' => form.digits |= 1 << len,
                        b'A' => form.letters |= 1 << len,
                        _ => {}
                    }
                    len += usize::from(sign != b' ');
                }
                by_len[len].push(form);
            }
        }
        Table { by_len }
    }

    /// Calls `each` for every form that fits the text at `start`, with the end of the match and its letters and digits.
    /// The caller must still test check, keyword, and what is right before `start`.
    pub fn fitting(&self, text: &[u8], start: usize, mut each: impl FnMut(&Form, usize, &[u8])) {
        if joined_before(text, start, b".:-/,") {
            return;
        }
        let place = GroupedSigns::read(text, start);
        for (len, end) in place.ends[..place.groups].iter().rev().copied() {
            if self.by_len[len].is_empty() || joined_after(text, end, b".:-/,") {
                continue;
            }
            let mask = u32::MAX >> (LEN_MAX - len);
            let breaks = place.breaks & mask;
            let shown = &place.signs[..len];
            for form in &self.by_len[len] {
                let parted = breaks == 0 || breaks == form.breaks;
                if parted && form.digits & !place.digits == 0 && form.letters & place.digits == 0 {
                    each(form, end, shown);
                }
            }
        }
    }
}

/// Groups of letters and digits, as they are written in a text.
struct GroupedSigns {
    /// Letters in upper case.
    signs: [u8; LEN_MAX],
    digits: u32,
    breaks: u32,
    /// For each group: the number of signs up to its end, and its end in the text.
    ends: [(usize, usize); GROUPS_MAX],
    groups: usize,
}

impl GroupedSigns {
    fn read(text: &[u8], start: usize) -> GroupedSigns {
        let mut place =
            GroupedSigns { signs: [0; LEN_MAX], digits: 0, breaks: 0, ends: [(0, 0); GROUPS_MAX], groups: 0 };
        let (mut i, mut len) = (start, 0);
        loop {
            let (group_start, group_len) = (i, len);
            while let Some(b) = at(text, i).filter(u8::is_ascii_alphanumeric) {
                if len == LEN_MAX {
                    return place;
                }
                place.signs[len] = b.to_ascii_uppercase();
                place.digits |= u32::from(b.is_ascii_digit()) << len;
                (i, len) = (i + 1, len + 1);
            }
            let group = &text[group_start..i];
            let prose = group_len > 0
                && group.iter().all(u8::is_ascii_alphabetic)
                && (group.len() > LETTERS_MAX || group.iter().any(u8::is_ascii_lowercase));
            if group.is_empty() || prose {
                return place;
            }
            place.ends[place.groups] = (len, i);
            place.groups += 1;
            let next = gap_end(text, i);
            let parted = next > i && is_word(at(text, next));
            if !parted || len == LEN_MAX || place.groups == GROUPS_MAX {
                return place;
            }
            place.breaks |= 1 << len;
            i = next;
        }
    }
}

/// Start of a group of a few capitals right before the number at `start`, as in `AB 12 34 56 C`.
pub(crate) fn capitals_before(text: &[u8], start: usize) -> Option<usize> {
    before(text, start).filter(|b| matches!(b, b' ' | b'-'))?;
    let end = start - 1;
    let letters =
        text[..end].iter().rev().take(LETTERS_MAX + 1).take_while(|b| b.is_ascii_uppercase()).count();
    let from = end - letters;
    ((1..=LETTERS_MAX).contains(&letters) && !is_word(before(text, from))).then_some(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{found, pieces};

    #[test]
    fn every_shape_uses_only_its_signs_and_fits_the_table() {
        for row in rows() {
            assert!(!row.shapes.is_empty() && !row.keywords.is_empty(), "{}", row.id);
            for shape in row.shapes {
                let len = shape.bytes().filter(|b| *b != b' ').count();
                assert!((3..=LEN_MAX).contains(&len), "{} {shape}", row.id);
                assert!(shape.bytes().all(|b| b"9A# ".contains(&b)), "{} {shape}", row.id);
            }
        }
    }

    /// A number of this shape that the row's check accepts. There are so many that random numbers hit one.
    fn example(row: &Row, shape: &str, numbers: &mut u64) -> String {
        let mut below = |bound: u64| {
            *numbers =
                numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*numbers >> 33) % bound
        };
        for _ in 0..4_000_000 {
            let sign = |sign: char| match sign {
                '9' => (b'0' + below(10) as u8) as char,
                'A' => (b'A' + below(26) as u8) as char,
                '#' if below(2) == 0 => (b'0' + below(10) as u8) as char,
                '#' => (b'A' + below(26) as u8) as char,
                other => other,
            };
            let mut number: Vec<u8> = shape.chars().map(sign).map(|c| c as u8).collect();
            if row.id.contains("HEALTH_INSURANCE") && shape.len() > 19 {
                number[..2].copy_from_slice(b"80"); // numbers of the scheme's cards begin with 80
            }
            let bare: Vec<u8> = number.iter().copied().filter(|b| *b != b' ').collect();
            if (row.check)(&bare) {
                return String::from_utf8(number).unwrap();
            }
        }
        panic!("no number of the shape {shape:?} passes the check of {}", row.id)
    }

    #[test]
    fn every_row_is_reported_and_every_shape_near_every_keyword_is_found() {
        let mut numbers = 1;
        let mut hidden = Vec::new();
        for row in rows() {
            let mut met = false;
            for shape in row.shapes {
                for keyword in row.keywords {
                    let number = example(row, shape, &mut numbers);
                    let ids = found(&format!("{keyword} {number}"));
                    assert!(!ids.is_empty(), "{}: {keyword} {number}", row.id);
                    met |= ids.contains(&row.id);
                }
            }
            hidden.extend((!met).then_some(row.id));
        }
        assert_eq!(hidden, [""; 0], "these ids are never reported, because others replace them");
    }

    /// Examples of rows, each near one of its keywords.
    #[test]
    fn numbers_are_found_near_their_keyword_and_nowhere_else() {
        for (text, number, id) in [
            ("NHS number 943 476 5919.", "943 476 5919", "UK_NHS_NUMBER"),
            ("nino: AB 12 34 56 C", "AB 12 34 56 C", "UK_NATIONAL_INSURANCE_NUMBER"),
            ("national insurance number ab123456c", "ab123456c", "UK_NATIONAL_INSURANCE_NUMBER"),
            ("my TFN is 123 456 782", "123 456 782", "AUSTRALIA_TAX_FILE_NUMBER"),
            ("SIN 130-692-544", "130-692-544", "CANADA_SOCIAL_INSURANCE_NUMBER"),
            ("aadhaar 2341 2341 2346", "2341 2341 2346", "INDIA_AADHAAR_NUMBER"),
            ("CPF: 111.444.777-35", "111.444.777-35", "BRAZIL_CPF_NUMBER"),
            ("CNPJ 11.222.333/0001-81", "11.222.333/0001-81", "BRAZIL_CNPJ_NUMBER"),
            ("DNI 12345678Z", "12345678Z", "SPAIN_DNI_NUMBER"),
            ("NIE X1234567L", "X1234567L", "SPAIN_NIE_NUMBER"),
            ("codice fiscale RSSMRA85T10A562S", "RSSMRA85T10A562S", "ITALY_NATIONAL_IDENTIFICATION_NUMBER"),
            (
                "numéro insee 2 55 08 14 168 025 38",
                "2 55 08 14 168 025 38",
                "FRANCE_NATIONAL_IDENTIFICATION_NUMBER",
            ),
            ("steuer-id 86 095 742 719", "86 095 742 719", "GERMANY_TAX_IDENTIFICATION_NUMBER"),
            ("curp BOXW310820HNERXN09", "BOXW310820HNERXN09", "MEXICO_CURP_NUMBER"),
            ("RUT 12.345.678-5", "12.345.678-5", "CHILE_RUT_NUMBER"),
            ("cuil 20-12345678-6", "20-12345678-6", "ARGENTINA_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER"),
            ("npi 1234567893", "1234567893", "USA_NATIONAL_PROVIDER_IDENTIFIER"),
            ("DEA number AB1234563", "AB1234563", "US_DRUG_ENFORCEMENT_AGENCY_NUMBER"),
            ("mbi 1EG4-TE5-MK73", "1EG4-TE5-MK73", "USA_MEDICARE_BENEFICIARY_IDENTIFIER"),
            ("itin 912-70-3456", "912-70-3456", "USA_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER"),
            ("routing number 021000021", "021000021", "USA_BANK_ROUTING_NUMBER"),
            ("VIN 1HGCM82633A004352", "1HGCM82633A004352", "VEHICLE_IDENTIFICATION_NUMBER"),
            ("passport 123456789", "123456789", "USA_PASSPORT_NUMBER"),
            ("reisepass C01X00T47", "C01X00T47", "GERMANY_PASSPORT_NUMBER"),
            ("driver's license A1234567", "A1234567", "DRIVERS_LICENSE"),
            ("driving licence MORGA 657054 SM9IJ", "MORGA 657054 SM9IJ", "UK_DRIVERS_LICENSE"),
            ("PAN ABCPE1234F", "ABCPE1234F", "INDIA_PERMANENT_ACCOUNT_NUMBER"),
            ("bank account 123456789012", "123456789012", "BANK_ACCOUNT_NUMBER"),
            ("CVV 123", "123", "CREDIT_CARD_SECURITY_CODE"),
        ] {
            assert_eq!((found(text), pieces(text)), (vec![id], vec![number.to_owned()]), "{text}");
            assert!(!found(number).contains(&id), "{number} without a keyword");
        }
    }

    #[test]
    fn no_number_is_found_inside_a_longer_one() {
        for text in [
            "cpf 1.111.444.777-35",
            "cpf 111.444.777-35-1",
            "passport 123456789-12",
            "npi 0.1234567893",
            "ssn x536904399",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_wrong_check_digit_or_a_grouping_of_no_country_is_refused() {
        for text in [
            "cpf 111.444.777-36",
            "nhs 943 476 5918",
            "aadhaar 2341 2341 2345",
            "cpf 11.144.477.735",
            "dni 12345678A",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
