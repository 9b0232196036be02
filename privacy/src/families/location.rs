//! Geographic locations: ISO 6709 strings as cameras write them, and pairs of decimal degrees.
//!
//! ISO 6709 annex H (`+48.8577+002.2950+035/`, the form of QuickTime and 3GPP tags) is specific by itself. A pair of
//! decimals is not, so it needs a keyword or letters for the hemispheres. The point 0, 0 is ignored, because devices
//! without a position write it.

use super::family::{Anchor, Family};
use crate::bytes::{at, before, is_digit, is_word, joined_after, joined_before, run_end};
use crate::candidate::{Candidate, Strength};
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, Severity, SeverityRule};
use crate::mask::Mask;

pub(crate) const FAMILY: Family = Family {
    identifiers,
    anchor: Anchor::Number(|b| b.is_ascii_digit() || b == b'+' || b == b'-'),
    find: |text, start| iso_6709(text, start).or_else(|| decimal_pair(text, start)),
};

const PLACE: Kind = Kind { id: "LATITUDE_LONGITUDE", category: Category::PersonalInformation };

/// Macie's list, and the element names that media containers use.
const KEYWORDS: &[&str] = &[
    "coordinate",
    "coordinates",
    "lat long",
    "latitude longitude",
    "position",
    "lat",
    "lat lon",
    "lat lng",
    "latitude",
    "longitude",
    "gps",
    "geo",
    "location",
    "loci",
    "xyz",
    "iso6709",
];

fn identifiers() -> Vec<Identifier> {
    vec![Identifier {
        kind: PLACE,
        origin: Origin::Macie,
        keyword_rule: KeywordRule::Helps,
        keywords: KEYWORDS,
        validation: "ISO 6709 with fractions, or two decimals within 90 and 180 degrees; not 0, 0",
        severity: SeverityRule::new(Severity::Low, Severity::Medium, Severity::Medium),
        mask: Mask::Shape,
    }]
}

/// A number with a fraction, as it is written in the text.
struct Decimal {
    end: usize,
    signed: bool,
    integer_digits: usize,
    fraction_digits: usize,
    value: f64,
}

fn decimal(text: &[u8], start: usize) -> Option<Decimal> {
    let signed = matches!(at(text, start), Some(b'+' | b'-'));
    let integer = start + usize::from(signed);
    let point = run_end(text, integer, 8, |b| b.is_ascii_digit());
    let end = match at(text, point) {
        Some(b'.') => run_end(text, point + 1, 17, |b| b.is_ascii_digit()),
        _ => return None,
    };
    let value = std::str::from_utf8(&text[start..end]).ok()?.parse().ok()?;
    let decimal =
        Decimal { end, signed, integer_digits: point - integer, fraction_digits: end - point - 1, value };
    (decimal.integer_digits > 0 && decimal.fraction_digits > 0 && !is_digit(at(text, end))).then_some(decimal)
}

fn iso_6709(text: &[u8], start: usize) -> Option<Candidate> {
    if before(text, start).is_some_and(|b| b"+-.".contains(&b)) {
        return None;
    }
    let latitude = decimal(text, start).filter(|d| d.signed)?;
    let longitude = decimal(text, latitude.end).filter(|d| d.signed)?;
    // Degrees; degrees and minutes; or degrees, minutes and seconds. A longitude has one digit more.
    let widths_agree = matches!(latitude.integer_digits, 2 | 4 | 6)
        && longitude.integer_digits == latitude.integer_digits + 1;
    let scale = [1.0, 100.0, 10_000.0].get((latitude.integer_digits / 2).checked_sub(1)?).copied()?;
    if !widths_agree || !on_earth(latitude.value / scale, longitude.value / scale) {
        return None;
    }
    let end = solidus_end(text, longitude.end);
    let closed = end > longitude.end && text[end - 1] == b'/';
    let precise = latitude.fraction_digits >= 4 && longitude.fraction_digits >= 4;
    if is_word(at(text, end)) || joined_after(text, end, b".") {
        return None;
    }
    Some(if closed || precise {
        Candidate::helped(start, end, Strength::Format, PLACE, 98, 95)
    } else {
        Candidate::keyed(start, end, Strength::Format, PLACE, 90)
    })
}

/// End of the optional altitude, reference system and closing `/`.
fn solidus_end(text: &[u8], from: usize) -> usize {
    let mut end = from;
    if matches!(at(text, end), Some(b'+' | b'-')) && is_digit(at(text, end + 1)) {
        end = run_end(text, end + 1, 16, |b| b.is_ascii_digit() || b == b'.');
    }
    let system = run_end(text, end, 24, |b| b.is_ascii_alphanumeric() || b == b'_');
    if text[end..system].starts_with(b"CRS") {
        end = system;
    }
    if at(text, end) == Some(b'/') { end + 1 } else { end }
}

fn decimal_pair(text: &[u8], start: usize) -> Option<Candidate> {
    if before(text, start).is_some_and(|b| b".+-".contains(&b)) || joined_before(text, start, b":") {
        return None;
    }
    let latitude = decimal(text, start)?;
    let (latitude_end, north) = hemisphere(text, latitude.end, b"NSns");
    let (second, named) = joint_end(text, latitude_end)?;
    let longitude = decimal(text, second)?;
    let (end, east) = hemisphere(text, longitude.end, b"EWew");
    let precise = latitude.fraction_digits >= 3 && longitude.fraction_digits >= 3;
    let narrow = latitude.integer_digits <= 2 && longitude.integer_digits <= 3;
    let cut = is_word(at(text, end)) || joined_after(text, end, b".:");
    if !precise || !narrow || cut || !on_earth(latitude.value, longitude.value) {
        return None;
    }
    Some(if (north && east) || named {
        Candidate::helped(start, end, Strength::Format, PLACE, 95, 85)
    } else {
        Candidate::keyed(start, end, Strength::Format, PLACE, 85)
    })
}

/// End of an optional degree sign and an optional letter of `letters`, and whether there is a letter.
fn hemisphere(text: &[u8], from: usize, letters: &[u8]) -> (usize, bool) {
    let degree = if text[from..].starts_with("°".as_bytes()) { from + "°".len() } else { from };
    let letter = run_end(text, degree, 1, |b| b == b' ');
    let present = at(text, letter).is_some_and(|b| letters.contains(&b)) && !is_word(at(text, letter + 1));
    if present { (letter + 1, true) } else { (degree, false) }
}

/// Start of the second number of a pair: after a comma, a semicolon or spaces, and after an optional name of the
/// longitude (`latitude: 22.54 longitude: 113.9`). The flag says whether there is a name.
fn joint_end(text: &[u8], from: usize) -> Option<(usize, bool)> {
    let signs = |b: u8| b" ,;:=[]()\"'".contains(&b);
    let word = run_end(text, from, 6, signs);
    let word_end = run_end(text, word, 12, |b| b.is_ascii_alphabetic());
    let names: &[&[u8]] = &[b"lon", b"lng", b"long", b"longitude", b"longtitude"];
    let named = names.iter().any(|name| name.eq_ignore_ascii_case(&text[word..word_end]));
    let second = if named { run_end(text, word_end, 6, signs) } else { word };
    let parted = text[from..second].iter().any(|b| b", ;".contains(b)) || named;
    (parted && (named || word == word_end)).then_some((second, named))
}

fn on_earth(latitude: f64, longitude: f64) -> bool {
    let origin = latitude == 0.0 && longitude == 0.0;
    latitude.abs() <= 90.0 && longitude.abs() <= 180.0 && !origin
}

#[cfg(test)]
mod tests {
    use crate::families::tests::{found, pieces};

    #[test]
    fn iso_6709_strings_are_found_whole() {
        for text in [
            "+48.8577+002.2950+035/",
            "-15.8355-048.0153/",
            "+4851.462+00217.700/",
            "+27.1281+100.2508+000.000/",
            "+48.8577+002.2950+35.0CRSWGS_84/",
            "+48.8577+002.2950",
        ] {
            assert_eq!(pieces(&format!("at {text} ")), [text]);
        }
    }

    #[test]
    fn a_pair_needs_a_keyword_or_hemispheres() {
        assert_eq!(found("48.8577, 2.2950"), [""; 0]);
        assert_eq!(pieces("position 48.8577, 2.2950"), ["48.8577, 2.2950"]);
        assert_eq!(pieces("geo:48.8577,2.2950"), ["48.8577,2.2950"]);
        assert_eq!(pieces("GPS(48.8577,2.2950,15)"), ["48.8577,2.2950"]);
        assert_eq!(pieces("48.8577° N, 2.2950° W"), ["48.8577° N, 2.2950° W"]);
        assert_eq!(pieces("[latitude: 22.5433] [longitude: 113.9404]"), ["22.5433] [longitude: 113.9404"]);
    }

    #[test]
    fn points_off_the_earth_or_without_a_fix_are_refused() {
        for text in [
            "+00.0000+000.0000/",
            "+91.0000+000.1000/",
            "+48.8577+181.0000/",
            "position 0.0000, 0.0000",
            "gps 148.8577, 2.2950",
            "gps 48.85, 2.29",
            "+1.5+2.5",
            "10.25+12.75/",
            "location 1.2.3.4",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
