//! Phone numbers: international, North American, and national numbers near a keyword.
//!
//! Numbers with a country code (ITU-T E.164) and North American numbers with separators (NANPA: area and exchange
//! start with 2 to 9) are specific by themselves. Other national numbers have no specific shape, so they need a
//! keyword, and dates, times and postal codes are excluded first.

use super::family::{Anchor, Family};
use crate::bytes::{at, before, is_word, joined_after, joined_before};
use crate::candidate::{Candidate, Strength};
use crate::identifier::{Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

mod plan;
mod shape;

use plan::{NORTH_AMERICA, OTHER};
use shape::{Shape, extension_end};

pub(crate) const FAMILY: Family =
    Family { identifiers, anchor: Anchor::Number(|b| b.is_ascii_digit() || b == b'+' || b == b'('), find };

/// Macie's list, and words that people write near a number.
const KEYWORDS: &[&str] = &[
    "cell",
    "contact",
    "fax",
    "fax number",
    "mobile",
    "phone",
    "phone number",
    "tel",
    "telephone",
    "telephone number",
    "answer",
    "answering",
    "call",
    "call me",
    "cellphone",
    "dial",
    "hotline",
    "my number",
    "office",
    "phones",
    "ring",
    "sms",
    "telefon",
    "telefone",
    "telefono",
    "text me",
    "voicemail",
    "your number",
];

/// Digits of a national number that needs a keyword.
const NATIONAL_DIGITS: std::ops::RangeInclusive<usize> = 6..=13;
/// Digits of such a number if it is written without separators.
const RUN_DIGITS: std::ops::RangeInclusive<usize> = 7..=12;
/// Fewest digits of an international number without separators and without a keyword: `+44100000` is an offset.
const INTERNATIONAL_RUN_DIGITS_MIN: usize = 9;

fn identifiers() -> Vec<Identifier> {
    let row = |kind: Kind| Identifier {
        kind,
        origin: if kind == OTHER { Origin::Reelgate } else { Origin::Macie },
        keyword_rule: KeywordRule::Helps,
        keywords: KEYWORDS,
        validation: "country code and length, or North American form, or a national form with a keyword",
        severity: SeverityRule::RISING,
        mask: Mask::KeepLast(2),
    };
    plan::kinds().into_iter().map(row).collect()
}

fn find(text: &[u8], start: usize) -> Option<Candidate> {
    let whole = Shape::read(text, start)?;
    (1..=whole.groups.len()).rev().find_map(|count| {
        let shape = whole.first(count);
        let extension = extension_end(text, shape.end());
        let end = extension.unwrap_or(shape.end());
        let joined = joined_before(text, start, b".:-/") || joined_after(text, end, b".:-/");
        let continues = is_word(at(text, end)) || (!shape.plus && before(text, start) == Some(b'+'));
        if joined || continues || shape.like_a_date_or_time() {
            return None;
        }
        international(&shape, end).or_else(|| north_american(&shape, end, extension.is_some())).or_else(
            || {
                national(&shape, end)
                    .filter(|_| !in_a_list(text, start, end) && !in_a_chain(text, start, &whole, count))
            },
        )
    })
}

/// `+33 6 12 34 56 78`, `0044-20-7946-0958`.
fn international(shape: &Shape, end: usize) -> Option<Candidate> {
    let digits = shape.digits();
    let number = if shape.plus { digits.as_str() } else { digits.strip_prefix("00")? };
    let kind = plan::international(number)?;
    let dots_sound = !shape.parted_by(b'.') || (shape.evenly_parted() && shape.groups.len() >= 3);
    if !dots_sound || shape.parted_by(b'/') {
        return None;
    }
    let written_as_run = shape.groups.len() == 1;
    let is_specific = if shape.plus {
        !written_as_run || number.len() >= INTERNATIONAL_RUN_DIGITS_MIN
    } else {
        shape.groups.len() >= 3
    };
    Some(if is_specific {
        Candidate::helped(shape.start, end, Strength::Format, kind, 95, 80)
    } else {
        Candidate::keyed(shape.start, end, Strength::Format, kind, 85)
    })
}

/// `212-555-0123`, `(212) 555-0123`, `1.212.555.0123`, each with or without an extension.
fn north_american(shape: &Shape, end: usize, has_extension: bool) -> Option<Candidate> {
    let groups = match shape.groups.as_slice() {
        [one, rest @ ..] if one.digits == "1" && !shape.plus => rest,
        all => all,
    };
    let [area, exchange, line] = groups else {
        return None;
    };
    let widths = [area, exchange, line].map(|group| group.digits.len());
    if widths != [3, 3, 4] || shape.plus || shape.parted_by(b'/') {
        return None;
    }
    let assigned = [area, exchange].iter().all(|group| group.digits.as_bytes()[0] >= b'2');
    let signs = !shape.parted_by(b' ') || area.in_parentheses;
    Some(if (assigned && signs) || has_extension {
        Candidate::helped(shape.start, end, Strength::Format, NORTH_AMERICA, 90, 70)
    } else {
        Candidate::keyed(shape.start, end, Strength::Loose, NORTH_AMERICA, 75)
    })
}

/// `0431 19 97 94`, `(022) 0793-176`, `2546712361`: only near a keyword.
fn national(shape: &Shape, end: usize) -> Option<Candidate> {
    let widths = shape.widths();
    let digits = shape.digits();
    let repeated = digits.bytes().all(|b| digits.bytes().next() == Some(b));
    if shape.plus || repeated || !NATIONAL_DIGITS.contains(&digits.len()) {
        return None;
    }
    let sound = match widths.as_slice() {
        // Ten digits that start with 1 are seconds since 1970, and no North American area code starts with 1.
        [width] => RUN_DIGITS.contains(width) && !(*width == 10 && digits.starts_with('1')),
        [4, 4, 4]
            if shape
                .groups
                .iter()
                .all(|group| group.digits.starts_with("19") || group.digits.starts_with("20")) =>
        {
            false
        }
        [2, 2, 2] => shape.parted_by(b' ') && shape.evenly_parted(),
        // These are a postal code of the United States and a social security number.
        [5, 4] | [3, 2, 4] => false,
        widths => grouped_as_a_number(shape, widths),
    };
    let kind = if north_american_run(&digits) { NORTH_AMERICA } else { OTHER };
    sound.then(|| Candidate::keyed(shape.start, end, Strength::Loose, kind, 65))
}

/// Whether the digits are ten, with a possible area code and exchange.
fn north_american_run(digits: &str) -> bool {
    let digits = digits.as_bytes();
    digits.len() == 10 && digits[0] >= b'2' && digits[3] >= b'2'
}

fn grouped_as_a_number(shape: &Shape, widths: &[usize]) -> bool {
    let enough = widths.iter().sum::<usize>() > *NATIONAL_DIGITS.start();
    let first_only_short = widths[1..].iter().all(|width| (2..=8).contains(width)) && widths[0] <= 8;
    // Only a trunk zero distinguishes a number with dots from a version or a decimal, and with a slash from a date or a
    // ratio.
    let trunk = shape.groups[0].digits.starts_with('0') && widths[0] >= 2;
    let dots_sound = !shape.parted_by(b'.') || (trunk && widths.len() >= 3);
    let stroke_sound = !shape.parted_by(b'/') || (trunk && shape.groups[1].separator == Some(b'/'));
    let parentheses_lead = shape.groups[1..].iter().all(|group| !group.in_parentheses);
    enough && first_only_short && parentheses_lead && shape.evenly_parted() && dots_sound && stroke_sound
}

/// Whether a group of digits comes before the number, or three or more digits come after it. Then the whole is a card,
/// an account or a list of years, and only a number with a specific shape is taken out of it.
fn in_a_chain(text: &[u8], start: usize, whole: &Shape, count: usize) -> bool {
    let continues = whole.groups.get(count).is_some_and(|next| next.digits.len() >= 3);
    continues || joined_before(text, start, b" ")
}

/// Whether a comma joins the digits to other numbers, as in `12,345,678`, or a percent sign follows.
fn in_a_list(text: &[u8], start: usize, end: usize) -> bool {
    joined_before(text, start, b",") || joined_after(text, end, b",") || at(text, end) == Some(b'%')
}

#[cfg(test)]
mod tests {
    use crate::families::tests::{found, pieces};

    #[test]
    fn international_numbers_need_no_keyword() {
        for (number, id) in [
            ("+33 6 12 34 56 78", "FRANCE_PHONE_NUMBER"),
            ("+33612345678", "FRANCE_PHONE_NUMBER"),
            ("+44 (0)20 7946 0958", "UK_PHONE_NUMBER"),
            ("+1-203-305-2492x5662", "PHONE_NUMBER"),
            ("+1 (212) 555-0123", "PHONE_NUMBER"),
            ("001-668-040-8670x1711", "PHONE_NUMBER"),
            ("+358 40 123 4567", "PHONE_NUMBER_OTHER_COUNTRY"),
            ("+49.30.1234567", "GERMANY_PHONE_NUMBER"),
        ] {
            let text = format!("see {number}, then");
            assert_eq!((found(&text), pieces(&text)), (vec![id], vec![number.to_owned()]));
        }
    }

    #[test]
    fn north_american_numbers_need_signs_or_a_keyword() {
        for number in
            ["212-555-0123", "(212) 555-0123", "(212)555-0123", "212.555.0123", "1-212-555-0123 ext. 12"]
        {
            assert_eq!(pieces(&format!("see {number} then")), [number]);
        }
        assert_eq!(found("212 555 0123"), [""; 0]);
        assert_eq!(found("112-555-0123"), [""; 0]);
        assert_eq!(pieces("call 212 555 0123"), ["212 555 0123"]);
    }

    #[test]
    fn national_numbers_need_a_keyword() {
        for number in [
            "0431 19 97 94",
            "(022) 0793-176",
            "2546712361",
            "92 34 70",
            "02.27.96.63.08",
            "481 7531",
            "030/1234567",
            "030/123 45 67",
        ] {
            assert_eq!(found(number), [""; 0], "{number}");
            assert_eq!(pieces(&format!("{number} office")), [number]);
            assert_eq!(pieces(&format!("Phone: {number}.")), [number]);
        }
    }

    #[test]
    fn dates_times_and_codes_are_no_numbers_even_near_a_keyword() {
        for text in [
            "call 2023-05-09",
            "call 2023-05-09 11-48-30",
            "call 20230509 114830",
            "call 09.05.2023",
            "call 11.48.30",
            "call 00:01:02,345",
            "call 1700000000",
            "call 12345-6789",
            "call 12,345,678",
            "call 3.14159265",
            "call 12345678%",
            "call 1.20.30.40.50",
            "call 555",
            "call 12-05-23",
            "call 0x12345678",
            "call 11111111",
            "call 1984 1985 2001",
            "call 6011 7672 3764 2130",
            "call ES17 2654 2750 4394 5923 1207",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn offsets_and_codes_without_a_country_are_no_international_numbers() {
        for text in ["2023-05-09T12:41:46+0100", "+44100", "+12.3456789", "1+33612345678", "+8912345678"] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
