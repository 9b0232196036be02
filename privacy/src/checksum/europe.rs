//! Check digits of Europe. Each function takes the number without separators and in upper case, in the shape of its
//! row in the table. Other bytes make it fail.

use super::digits::{digit, last, repeated, value, weighted};

/// England's NHS number (NHS data dictionary, "NHS NUMBER"): weights 10 to 2, modulus 11.
pub(crate) fn nhs(number: &[u8]) -> bool {
    let check = weighted(number, &[10, 9, 8, 7, 6, 5, 4, 3, 2]).map(|sum| (11 - sum % 11) % 11);
    check.is_some() && check == last(number) && !repeated(number)
}

/// Letters of Spain's DNI, by the number modulo 23 (Ministerio del Interior).
const DNI_LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

/// Spanish DNI: eight digits and a letter.
pub(crate) fn dni(number: &[u8]) -> bool {
    let letter = number.get(..8).and_then(value).map(|n| DNI_LETTERS[(n % 23) as usize]);
    letter.is_some() && letter == number.get(8).copied()
}

/// Spanish NIE: X, Y or Z, which count as 0, 1 and 2, then seven digits and the DNI's letter.
pub(crate) fn nie(number: &[u8]) -> bool {
    let lead = match number.first() {
        Some(b'X') => b'0',
        Some(b'Y') => b'1',
        Some(b'Z') => b'2',
        _ => return false,
    };
    let mut plain = number.to_vec();
    plain[0] = lead;
    dni(&plain)
}

/// Spanish NIF of a person: the DNI, the NIE, or K, L or M with seven digits and the letter.
pub(crate) fn nif(number: &[u8]) -> bool {
    let special = matches!(number.first(), Some(b'K' | b'L' | b'M')) && {
        let letter = number.get(1..8).and_then(value).map(|n| DNI_LETTERS[(n % 23) as usize]);
        letter == number.get(8).copied()
    };
    special || dni(number) || nie(number)
}

/// Spanish tax number of an organisation: a letter, seven digits and a control digit or letter (Orden EHA/451/2008).
pub(crate) fn cif(number: &[u8]) -> bool {
    let (Some(digits), Some(control)) = (number.get(1..8), number.get(8)) else {
        return false;
    };
    let mut sum = 0;
    for (i, b) in digits.iter().enumerate() {
        let Some(d) = digit(*b) else {
            return false;
        };
        let weighted = if i % 2 == 0 { d * 2 } else { d };
        sum += weighted / 10 + weighted % 10;
    }
    let check = (10 - sum % 10) % 10;
    let kind = b"ABCDEFGHJNPQRSUVW".contains(&number[0]);
    kind && (digit(*control) == Some(check) || *control == b"JABCDEFGHI"[check as usize])
}

/// Spanish social security number: province and serial modulo 97 give the last two digits.
pub(crate) fn spain_social_security(number: &[u8]) -> bool {
    let (Some(province), Some(serial), Some(check)) = (
        number.get(..2).and_then(value),
        number.get(2..10).and_then(value),
        number.get(10..12).and_then(value),
    ) else {
        return false;
    };
    let whole =
        if serial < 10_000_000 { province * 10_000_000 + serial } else { province * 100_000_000 + serial };
    (1..=66).contains(&province) && whole % 97 == check
}

/// French NIR (INSEE): thirteen digits, 97 minus the remainder modulo 97; 2A and 2B of Corsica count as 19 and 18.
pub(crate) fn nir(number: &[u8]) -> bool {
    let mut plain = number.to_vec();
    match number.get(5..7) {
        Some(b"2A") => plain[5..7].copy_from_slice(b"19"),
        Some(b"2B") => plain[5..7].copy_from_slice(b"18"),
        _ => {}
    }
    let (Some(body), Some(key)) = (plain.get(..13).and_then(value), plain.get(13..15).and_then(value)) else {
        return false;
    };
    let month = plain.get(3..5).and_then(value).unwrap_or_default();
    let plausible =
        matches!(plain[0], b'1'..=b'4' | b'7' | b'8') && matches!(month, 1..=12 | 20..=42 | 50..=99);
    plausible && 97 - body % 97 == key
}

/// French tax number SPI: the first ten digits modulo 511 are the last three.
pub(crate) fn spi(number: &[u8]) -> bool {
    let (body, key) = (number.get(..10).and_then(value), number.get(10..13).and_then(value));
    matches!(number.first(), Some(b'0'..=b'3')) && key.is_some() && body.map(|body| body % 511) == key
}

/// German tax identification number (section 139b of the tax code): ISO/IEC 7064 MOD 11,10; the first digit is not 0.
pub(crate) fn german_tax(number: &[u8]) -> bool {
    let mut product = 10;
    for b in number.iter().take(10) {
        let Some(d) = digit(*b) else {
            return false;
        };
        let sum = (d + product) % 10;
        product = if sum == 0 { 10 } else { sum } * 2 % 11;
    }
    number.len() == 11 && number[0] != b'0' && last(number) == Some((11 - product) % 10)
}

/// Number of a German identity card or passport: digits and letters, but no vowels and no letters that look like
/// digits.
fn german_document(number: &[u8], leads: &[u8]) -> bool {
    const LETTERS: &[u8] = b"CFGHJKLMNPRTVWXYZ";
    let sound = number.iter().take(9).all(|b| b.is_ascii_digit() || LETTERS.contains(b));
    let leads = number.first().is_some_and(|b| leads.contains(b));
    // If the check digit is written too, it must be correct (ICAO document 9303 part 3: weights 7, 3, 1).
    let check = match number.get(9) {
        None => true,
        Some(written) => {
            let value =
                |b: u8| if b.is_ascii_digit() { u32::from(b - b'0') } else { u32::from(b - b'A') + 10 };
            let sum: u32 = number[..9].iter().zip([7, 3, 1].iter().cycle()).map(|(b, w)| value(*b) * w).sum();
            digit(*written) == Some(sum % 10)
        }
    };
    sound && leads && check
}

/// German identity card.
pub(crate) fn personalausweis(number: &[u8]) -> bool {
    german_document(number, b"LMNPRTVWXYZ")
}

/// German passport.
pub(crate) fn reisepass(number: &[u8]) -> bool {
    german_document(number, b"CFGHJK")
}

/// Italian codice fiscale (D.M. 23 December 1976): a date with a letter for the month, and a check letter. If two
/// people would share a code, letters replace some digits.
pub(crate) fn codice_fiscale(code: &[u8]) -> bool {
    let (Some(body), Some(check)) = (code.get(..15), code.get(15)) else {
        return false;
    };
    let replaceable = |i: usize| code[i].is_ascii_digit() || b"LMNPQRSTUV".contains(&code[i]);
    let digits_sound = [6, 7, 9, 10, 12, 13, 14].into_iter().all(replaceable);
    digits_sound && b"ABCDEHLMPRST".contains(&code[8]) && italian_letter(body) == Some(*check)
}

/// The check letter of Italian codes: the sum modulo 26 of the values of all signs. Signs at odd places have their
/// values in a table.
pub(super) fn italian_letter(code: &[u8]) -> Option<u8> {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let mut sum = 0;
    for (i, b) in code.iter().enumerate() {
        let value = if b.is_ascii_digit() { b - b'0' } else { b.wrapping_sub(b'A') };
        let odd = ODD.get(usize::from(value))?;
        sum += if i % 2 == 0 { *odd } else { u32::from(value) };
    }
    Some(b'A' + (sum % 26) as u8)
}

/// Unique taxpayer reference of the United Kingdom: weights 6 7 8 9 10 5 4 3 2 after the check digit, modulus 11.
pub(crate) fn utr(number: &[u8]) -> bool {
    let sum = number.get(1..).and_then(|rest| weighted(rest, &[6, 7, 8, 9, 10, 5, 4, 3, 2]));
    sum.is_some_and(|sum| b"21987654321"[(sum % 11) as usize] == number[0]) && !repeated(number)
}

/// British national insurance number: prefixes that HMRC uses (National Insurance Manual NIM39110).
pub(crate) fn nino(number: &[u8]) -> bool {
    let [first, second] = match number.get(..2) {
        Some(&[first, second]) => [first, second],
        _ => return false,
    };
    let never = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"].iter().any(|pair| pair[..] == number[..2]);
    !never
        && !b"DFIQUV".contains(&first)
        && !b"DFIOQUV".contains(&second)
        && matches!(number.last(), Some(b'A'..=b'D'))
}
