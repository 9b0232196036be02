//! Text that was read in a picture: letters that look like digits.
//!
//! Text recognition confuses 0 with O, 1 with l and I, 5 with S, and 8 with B. Replacing these letters by digits would
//! also make numbers out of words. So a corrected number counts only if a check digit proves it, and with less
//! confidence.

use crate::candidate::Strength;
use crate::overlap::Match;
use crate::reader::{Around, Reader};

/// The [`surface`](reelgate_flow::place::TextPlace::surface) of text that was read in a picture.
pub const ON_SCREEN_TEXT: &str = "on_screen_text";

/// Highest confidence of a number that was corrected.
const CONFIDENCE: u8 = 60;

/// Adds the corrected numbers to `matches` and returns `text` with them; `None` if nothing was corrected.
pub(crate) fn corrected(
    reader: &Reader,
    text: &str,
    around: Around<'_>,
    matches: &mut Vec<Match>,
) -> Option<String> {
    let mut corrected = None;
    for variant in [digits_in_number_words(text), digits_between_digits(text)].into_iter().flatten() {
        for m in reader.read(&variant, around) {
            let place = m.start..m.end;
            let changed = variant.as_bytes()[place.clone()] != text.as_bytes()[place.clone()];
            let free = matches.iter().all(|known| m.end <= known.start || known.end <= m.start);
            if m.strength == Strength::Checksum && changed && free {
                let whole: &mut String = corrected.get_or_insert_with(|| text.to_owned());
                whole.replace_range(place.clone(), &variant[place]);
                let mut reading = m.reading;
                reading.confidence = reading.confidence.min(CONFIDENCE);
                matches.push(Match { reading, ..m });
            }
        }
    }
    matches.sort_by_key(|m| m.start);
    corrected
}

fn as_digit(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b),
        b'O' | b'o' => Some(b'0'),
        b'l' | b'I' => Some(b'1'),
        b'S' | b's' => Some(b'5'),
        b'B' => Some(b'8'),
        _ => None,
    }
}

/// The text in which words of digits and digit-like letters, with at least one digit, become digits; `None` if nothing
/// changes.
fn digits_in_number_words(text: &str) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let words = bytes.chunk_by_mut(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric());
    for word in words {
        if word.iter().any(u8::is_ascii_digit) && word.iter().all(|b| as_digit(*b).is_some()) {
            word.iter_mut().for_each(|b| *b = as_digit(*b).unwrap_or(*b));
        }
    }
    different(text, bytes)
}

/// The text in which one or two digit-like letters between two digits become digits; for numbers that have real letters
/// too. `None` if nothing changes.
fn digits_between_digits(text: &str) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let mut last_digit: Option<usize> = None;
    for i in 0..bytes.len() {
        if !bytes[i].is_ascii_digit() {
            continue;
        }
        if let Some(from) = last_digit.filter(|from| (2..=3).contains(&(i - from)))
            && bytes[from + 1..i].iter().all(|b| as_digit(*b).is_some())
        {
            bytes[from + 1..i].iter_mut().for_each(|b| *b = as_digit(*b).unwrap_or(*b));
        }
        last_digit = Some(i);
    }
    different(text, bytes)
}

/// The changed text, or `None` if it is the same. ASCII letters were only replaced by digits, so the bytes are still
/// valid UTF-8 and every place keeps its index.
fn different(text: &str, changed: Vec<u8>) -> Option<String> {
    (text.as_bytes() != changed).then(|| String::from_utf8(changed).ok()).flatten()
}
