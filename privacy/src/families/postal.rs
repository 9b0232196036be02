//! Postal addresses of the countries that Macie names: a postal code, and a street with a house number shortly before
//! it.
//!
//! There is no model of names, so an address needs three parts: a code of the right form, a word for a kind of street,
//! and a number near that word. An address without such a word (`12 Broadmoor, Lexington`) is not found, as the
//! documentation states.

use super::family::{Anchor, Family};
use crate::bytes::{at, before, is_digit, is_word, joined_after, joined_before, run_end};
use crate::candidate::{Candidate, Strength};
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

pub(crate) const FAMILY: Family =
    Family { identifiers, anchor: Anchor::Number(|b| b.is_ascii_digit() || b.is_ascii_uppercase()), find };

const ADDRESS: Kind = Kind { id: "ADDRESS", category: Category::PersonalInformation };

/// Bytes before the code in which the street must be.
const STREET_BYTES_MAX: usize = 90;
/// Most words between a house number and the kind of its street.
const NAME_WORDS_MAX: usize = 4;

/// Kinds of streets whose number comes before the name, as in `12 Elm Street` and `12 rue de la Paix`.
const NUMBER_FIRST: &[&str] = &[
    "street",
    "st",
    "avenue",
    "ave",
    "av",
    "road",
    "rd",
    "boulevard",
    "blvd",
    "bd",
    "lane",
    "ln",
    "drive",
    "dr",
    "court",
    "ct",
    "place",
    "pl",
    "way",
    "square",
    "sq",
    "terrace",
    "parkway",
    "pkwy",
    "circle",
    "cir",
    "highway",
    "hwy",
    "close",
    "crescent",
    "cres",
    "gardens",
    "grove",
    "hill",
    "mews",
    "row",
    "rue",
    "chemin",
    "impasse",
    "allée",
    "allee",
    "quai",
    "cours",
    "route",
];
/// Kinds of streets whose number comes after the name, as in `via Roma 12`.
const NUMBER_LAST: &[&str] = &[
    "via",
    "viale",
    "piazza",
    "corso",
    "largo",
    "vicolo",
    "calle",
    "avenida",
    "plaza",
    "paseo",
    "carrer",
    "rambla",
    "travesía",
    "ronda",
];
/// Endings of German street names; the number comes after them.
const GERMAN_ENDS: &[&str] = &[
    "straße", "strasse", "str.", "weg", "platz", "allee", "gasse", "damm", "ufer", "ring", "chaussee", "str",
];

const STATES: &str = "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND \
    OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC PR";
const AUSTRALIAN_STATES: &str = "NSW VIC QLD WA SA TAS ACT NT";

fn identifiers() -> Vec<Identifier> {
    vec![Identifier {
        kind: ADDRESS,
        origin: Origin::Macie,
        keyword_rule: KeywordRule::NotNeeded,
        keywords: &[],
        validation: "postal code with its state or place, a word for a street and a house number",
        severity: SeverityRule::RISING,
        mask: Mask::Shape,
    }]
}

/// Reads an address from its postal code.
fn find(text: &[u8], start: usize) -> Option<Candidate> {
    let (from, end) = british_or_canadian(text, start)
        .or_else(|| american_or_australian(text, start))
        .or_else(|| continental(text, start))?;
    let floor = from.saturating_sub(STREET_BYTES_MAX);
    let floor = floor + text[floor..from].iter().position(|b| *b & 0xC0 != 0x80)?;
    let window = std::str::from_utf8(&text[floor..from]).ok()?;
    let street = street_start(window)?;
    Some(Candidate::plain(floor + street, end, Strength::Format, ADDRESS, 85))
}

/// Start and end of a code without a state or place: `SW1A 2AA`, `K1A 0B1`.
fn british_or_canadian(text: &[u8], start: usize) -> Option<(usize, usize)> {
    let outward = run_end(text, start, 5, |b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let inward = text.get(outward + 1..outward + 4)?;
    if at(text, outward) != Some(b' ') || is_word(at(text, outward + 4)) {
        return None;
    }
    let class = |code: &[u8]| -> Vec<u8> {
        code.iter().map(|b| if b.is_ascii_digit() { b'9' } else { b'A' }).collect()
    };
    let capitals = inward.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    let british = [b"A9".as_slice(), b"A99", b"AA9", b"AA99", b"A9A", b"AA9A"]
        .contains(&class(&text[start..outward]).as_slice())
        && class(inward) == b"9AA";
    let canadian = class(&text[start..outward]) == b"A9A" && class(inward) == b"9A9";
    (capitals && (british || canadian)).then_some((start, outward + 4))
}

/// Start and end of a code with its state before it: `IL 62704`, `IL 62704-1234`, `NSW 2000`.
fn american_or_australian(text: &[u8], start: usize) -> Option<(usize, usize)> {
    let end = run_end(text, start, 6, |b| b.is_ascii_digit());
    let states = match end - start {
        5 => STATES,
        4 => AUSTRALIAN_STATES,
        _ => return None,
    };
    before(text, start).filter(|b| *b == b' ')?;
    let letters = text[..start - 1].iter().rev().take(4).take_while(|b| b.is_ascii_uppercase()).count();
    let state = std::str::from_utf8(&text[start - 1 - letters..start - 1]).ok()?;
    if letters < 2 || !states.split(' ').any(|known| known == state) || is_word(at(text, end)) {
        return None;
    }
    let plus_four = run_end(text, end + 1, 5, |b| b.is_ascii_digit());
    let end = if at(text, end) == Some(b'-') && plus_four == end + 5 { plus_four } else { end };
    Some((start - 1 - letters, end))
}

/// Start and end of a code of five digits with its place after it: `10115 Berlin`, `75002 Paris`.
fn continental(text: &[u8], start: usize) -> Option<(usize, usize)> {
    let code = run_end(text, start, 6, |b| b.is_ascii_digit());
    let capital = at(text, code + 1).is_some_and(|b| b.is_ascii_uppercase() || b >= 0xC3);
    let alone = !joined_before(text, start, b".:-/,") && !joined_after(text, code, b".:-/,");
    if code - start != 5 || at(text, code) != Some(b' ') || !capital || !alone {
        return None;
    }
    let end = run_end(text, code + 1, 40, |b| b.is_ascii_alphabetic() || b >= 0x80 || b == b'-');
    Some((start, end))
}

/// Start of the street with its house number in the text before the code. If there are several, the nearest to the
/// code.
fn street_start(window: &str) -> Option<usize> {
    let words: Vec<(usize, &str)> = window
        .split([' ', ',', '\n'])
        .filter(|word| !word.is_empty())
        .map(|word| (word.as_ptr() as usize - window.as_ptr() as usize, word))
        .collect();
    (0..words.len()).rev().find_map(|i| {
        let bare = words[i].1.trim_end_matches('.').to_lowercase();
        let near = |from: usize, to: usize| {
            words.get(from..to.min(words.len()))?.iter().find(|(_, w)| is_house_number(w))
        };
        if NUMBER_FIRST.contains(&bare.as_str())
            && let Some((start, _)) = near(i.saturating_sub(NAME_WORDS_MAX), i)
        {
            return Some(*start);
        }
        let german = GERMAN_ENDS
            .iter()
            .any(|end| words[i].1.to_lowercase().ends_with(end) && words[i].1.len() > end.len());
        let last = if german { near(i + 1, i + 2) } else { near(i + 1, i + 1 + NAME_WORDS_MAX) };
        ((german || NUMBER_LAST.contains(&bare.as_str())) && last.is_some()).then_some(words[i].0)
    })
}

/// `12`, `12a`, `12-14`.
fn is_house_number(word: &str) -> bool {
    let bytes = word.as_bytes();
    let digits = run_end(bytes, 0, 5, |b| b.is_ascii_digit());
    let rest = &bytes[digits..];
    let range = rest.first() == Some(&b'-') && is_digit(rest.get(1).copied()) && rest.len() <= 5;
    digits > 0 && (rest.is_empty() || range || (rest.len() == 1 && rest[0].is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use crate::families::tests::{found, pieces};

    #[test]
    fn addresses_of_several_countries_are_found_from_street_to_code() {
        for address in [
            "742 Evergreen Terrace, Springfield, IL 62704",
            "1600 Pennsylvania Ave NW, Washington, DC 20500-0003",
            "10 Downing Street, London SW1A 2AA",
            "80 Wellington St., Ottawa, ON K1A 0B1",
            "1 Macquarie Street, Sydney NSW 2000",
            "Unter der Linden-Allee 5, 10115 Berlin",
            "Hauptstraße 12a, 80331 München",
            "12 rue de la Paix, 75002 Paris",
            "Via Roma 12, 00184 Roma",
            "Calle Mayor 5, 28013 Madrid",
        ] {
            let text = format!("I live at {address}.");
            assert_eq!(found(&text), ["ADDRESS"], "{address}");
            let piece = &pieces(&text)[0];
            assert!(address.ends_with(piece.as_str()) && piece.len() + 15 > address.len(), "{piece}");
        }
    }

    #[test]
    fn a_code_a_street_or_a_number_alone_is_no_address() {
        for text in [
            "Springfield, IL 62704",
            "742 Evergreen Terrace",
            "the road to London SW1A 2AA",
            "In 12345 Berlin stood a street",
            "10 minutes down the road, 10115 people",
            "Main Street, Springfield, IL 62704",
            "frame 00184 Roma",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
