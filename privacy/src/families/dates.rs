//! Dates about a person: the date of birth, and the expiry date of a card. Both need a keyword, because media files are
//! full of other dates.

use super::family::{Anchor, Family};
use crate::bytes::{at, before, is_digit, is_word, joined_after, joined_before, number, run_end};
use crate::candidate::{Candidate, Strength};
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

pub(crate) const BIRTH: Family = Family {
    identifiers: birth_identifiers,
    anchor: Anchor::Number(|b| b.is_ascii_digit()),
    find: |text, start| numeric(text, start).or_else(|| in_words(text, start)),
};

pub(crate) const EXPIRY: Family = Family {
    identifiers: expiry_identifiers,
    anchor: Anchor::Number(|b| b.is_ascii_digit()),
    find: find_expiry,
};

const DATE_OF_BIRTH: Kind = Kind { id: "DATE_OF_BIRTH", category: Category::PersonalInformation };
const EXPIRATION: Kind = Kind { id: "CREDIT_CARD_EXPIRATION", category: Category::FinancialInformation };

/// Macie's list, and the same in other languages.
const BIRTH_KEYWORDS: &[&str] = &[
    "bday",
    "b-day",
    "birth date",
    "birthday",
    "date of birth",
    "dob",
    "birthdate",
    "born",
    "date de naissance",
    "né le",
    "née le",
    "geboren",
    "geburtsdatum",
    "geburtstag",
    "fecha de nacimiento",
    "nacido",
    "data di nascita",
    "nato il",
    "data de nascimento",
];

/// Macie's list, and the words printed on cards.
const EXPIRY_KEYWORDS: &[&str] = &[
    "exp d",
    "exp m",
    "exp y",
    "expiration",
    "expiry",
    "exp",
    "exp date",
    "exp month",
    "exp year",
    "expires",
    "expiration date",
    "expiry date",
    "good thru",
    "valid thru",
    "valid until",
];

/// Months as people write them, by their first letters, in English, French, German, Spanish, Italian and Portuguese.
const MONTHS: &[&str] = &[
    "jan", "ene", "gen", "feb", "fév", "fev", "mar", "mär", "apr", "avr", "abr", "may", "mai", "mag", "jun",
    "juin", "giu", "jul", "juil", "lug", "aug", "aoû", "ago", "sep", "set", "oct", "okt", "ott", "out",
    "nov", "dec", "déc", "dez", "dic",
];

/// Years in which a living person may have been born.
const YEARS: std::ops::RangeInclusive<u32> = 1900..=2029;

fn birth_identifiers() -> Vec<Identifier> {
    vec![Identifier {
        kind: DATE_OF_BIRTH,
        origin: Origin::Macie,
        keyword_rule: KeywordRule::Required,
        keywords: BIRTH_KEYWORDS,
        validation: "a date from 1900 on, in digits or with the month's name",
        severity: SeverityRule::RISING,
        mask: Mask::Shape,
    }]
}

fn expiry_identifiers() -> Vec<Identifier> {
    vec![Identifier {
        kind: EXPIRATION,
        origin: Origin::Macie,
        keyword_rule: KeywordRule::Required,
        keywords: EXPIRY_KEYWORDS,
        validation: "month and year, 2020 to 2049",
        severity: SeverityRule::RISING,
        mask: Mask::Shape,
    }]
}

fn birth(start: usize, end: usize) -> Candidate {
    Candidate::keyed(start, end, Strength::Format, DATE_OF_BIRTH, 85)
}

/// Three numbers, separated by the same sign of `/`, `-` and `.`.
fn numeric(text: &[u8], start: usize) -> Option<Candidate> {
    let first = run_end(text, start, 4, |b| b.is_ascii_digit());
    let sign = at(text, first).filter(|b| b"/-.".contains(b))?;
    let second = run_end(text, first + 1, 2, |b| b.is_ascii_digit());
    if at(text, second) != Some(sign) {
        return None;
    }
    let end = run_end(text, second + 1, 4, |b| b.is_ascii_digit());
    let parts =
        [start..first, first + 1..second, second + 1..end].map(|part| (part.len(), number(&text[part])));
    let [(first_len, Some(a)), (_, Some(b)), (last_len, Some(c))] = parts else {
        return None;
    };
    let day_and_month =
        |a: u32, b: u32| (1..=31).contains(&a.max(b)) && (1..=12).contains(&a.min(b)) && a.min(b) > 0;
    let sound = match (first_len, last_len) {
        (4, 1..=2) => YEARS.contains(&a) && day_and_month(b, c),
        (1..=2, 4) => YEARS.contains(&c) && day_and_month(a, b),
        (1..=2, 2) => day_and_month(a, b),
        _ => false,
    };
    let alone =
        !is_word(at(text, end)) && !joined_after(text, end, b"/-.:") && !joined_before(text, start, b"/-.:");
    (sound && alone).then(|| birth(start, end))
}

/// `12 March 1985`, `March 12, 1985`, `12. März 1985`, `1er mars 1985`: found from the year.
fn in_words(text: &[u8], start: usize) -> Option<Candidate> {
    let end = run_end(text, start, 5, |b| b.is_ascii_digit());
    let year = number(&text[start..end]).filter(|year| YEARS.contains(year) && end - start == 4)?;
    if is_word(at(text, end)) || joined_after(text, end, b"/-.:") || year == 0 {
        return None;
    }
    let gap = |b: &u8| matches!(b, b' ' | b',' | b'.' | b'-');
    let back = |from: usize, accept: &dyn Fn(&u8) -> bool| {
        from - text[..from].iter().rev().take(12).take_while(|b| accept(b)).count()
    };
    let letters = |b: &u8| b.is_ascii_alphabetic() || *b >= 0x80;
    let digits = |b: &u8| b.is_ascii_digit();
    // Read backwards from the year: a gap, then a day and a month in either order, or with `de` between them.
    let mut from = start;
    let (mut day, mut month) = (None, None);
    for _ in 0..4 {
        let word_end = back(from, &gap);
        let by_digit = back(word_end, &digits);
        let by_letter = back(word_end, &letters);
        if by_digit < word_end {
            day = number(&text[by_digit..word_end]).filter(|day| (1..=31).contains(day));
            from = by_digit;
            day?;
        } else if is_month(&text[by_letter..word_end]) {
            month = Some(());
            from = by_letter;
        } else if matches!(&text[by_letter..word_end], b"de" | b"of" | b"st" | b"nd" | b"rd" | b"th" | b"er")
        {
            from = by_letter;
        } else {
            return None;
        }
        if day.is_some() && month.is_some() {
            return (!is_word(before(text, from))).then(|| birth(from, end));
        }
    }
    None
}

fn is_month(word: &[u8]) -> bool {
    let Ok(word) = std::str::from_utf8(word) else {
        return false;
    };
    let word = word.to_lowercase();
    word.chars().count() >= 3 && MONTHS.iter().any(|month| word.starts_with(month))
}

/// `12/25`, `12-2025`.
fn find_expiry(text: &[u8], start: usize) -> Option<Candidate> {
    let form = text.get(start..start + 5)?;
    let month = number(&form[..2]).filter(|month| (1..=12).contains(month));
    let parted = matches!(form[2], b'/' | b'-');
    let end = run_end(text, start + 3, 5, |b| b.is_ascii_digit());
    let year = number(&text[start + 3..end]);
    let sound = matches!((end - start - 3, year), (2, Some(20..=49)) | (4, Some(2020..=2049)));
    let alone =
        !is_word(at(text, end)) && !joined_after(text, end, b"/-.:") && !joined_before(text, start, b"/-.:");
    (month.is_some() && parted && sound && alone && !is_digit(before(text, start)))
        .then(|| Candidate::keyed(start, end, Strength::Loose, EXPIRATION, 75))
}

#[cfg(test)]
mod tests {
    use crate::families::tests::{found, pieces};

    #[test]
    fn a_date_near_a_word_for_birth_is_one() {
        for date in [
            "12/03/1985",
            "1985-03-12",
            "12.3.1985",
            "3-12-85",
            "12 March 1985",
            "March 12, 1985",
            "12th of March 1985",
            "12. März 1985",
            "12 de marzo de 1985",
            "1er mars 1985",
        ] {
            assert_eq!(
                (found(&format!("born {date}, ok")), pieces(&format!("DOB: {date}"))),
                (vec!["DATE_OF_BIRTH"], vec![date.to_owned()])
            );
            assert_eq!(found(date), [""; 0], "{date}");
        }
    }

    #[test]
    fn dates_that_cannot_be_and_longer_chains_are_refused() {
        for text in [
            "born 1985-13-32",
            "born 32/01/1985",
            "dob 1885-01-01",
            "dob 1.2.3",
            "dob 1985-03-12-7",
            "dob 0/0/1985",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn month_and_year_near_a_word_for_expiry_are_one() {
        assert_eq!(found("expiry 12/27"), ["CREDIT_CARD_EXPIRATION"]);
        assert_eq!(found("valid thru 09-2027"), ["CREDIT_CARD_EXPIRATION"]);
        for text in ["12/27", "expiry 13/27", "expiry 12/99", "expiry 12/27/1", "expiry 1/12/27"] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
