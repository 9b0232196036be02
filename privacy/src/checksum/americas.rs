//! Check digits of the Americas. Each function takes the number without separators and in upper case, in the shape of
//! its row in the table. Other bytes make it fail.

use super::digits::{digit, last, repeated, value, weighted};
use super::luhn;

/// Canadian social insurance number: Luhn; the first digit is not 0 or 8.
pub(crate) fn sin(number: &[u8]) -> bool {
    !matches!(number.first(), Some(b'0' | b'8')) && luhn(number)
}

/// Two check digits of Brazil (Receita Federal), each modulus 11 over all digits before it; `weights` end in 2.
fn brazil(number: &[u8], weights: &[u32]) -> bool {
    let check = |weights: &[u32]| match weighted(number, weights).map(|sum| sum % 11) {
        Some(0 | 1) => Some(0),
        rest => rest.map(|rest| 11 - rest),
    };
    let at = |i: usize| number.get(i).copied().and_then(digit);
    let first = check(&weights[1..]);
    first.is_some()
        && first == at(weights.len() - 1)
        && check(weights) == at(weights.len())
        && !repeated(number)
}

/// Brazilian CPF of a person.
pub(crate) fn cpf(number: &[u8]) -> bool {
    brazil(number, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])
}

/// Brazilian CNPJ of an organisation.
pub(crate) fn cnpj(number: &[u8]) -> bool {
    brazil(number, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
}

/// Argentine CUIT and CUIL: weights 5 4 3 2 7 6 5 4 3 2, modulus 11.
fn cuit(number: &[u8]) -> bool {
    let check = weighted(number, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]).map(|sum| (11 - sum % 11) % 11);
    check.is_some() && check == last(number)
}

/// CUIT or CUIL of a person.
pub(crate) fn cuit_of_person(number: &[u8]) -> bool {
    matches!(number.get(..2), Some(b"20" | b"23" | b"24" | b"25" | b"26" | b"27")) && cuit(number)
}

/// CUIT of an organisation.
pub(crate) fn cuit_of_organisation(number: &[u8]) -> bool {
    matches!(number.get(..2), Some(b"30" | b"33" | b"34")) && cuit(number)
}

/// Chilean RUT: weights 2 to 7 from the right, modulus 11, K for ten.
pub(crate) fn rut(number: &[u8]) -> bool {
    let Some((check, body)) = number.split_last() else {
        return false;
    };
    let mut sum = 0;
    for (i, b) in (0u32..).zip(body.iter().rev()) {
        let Some(d) = digit(*b) else {
            return false;
        };
        sum += d * (i % 6 + 2);
    }
    let expected = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        digit => b'0' + digit as u8,
    };
    *check == expected && !repeated(body)
}

/// Colombian NIT (DIAN): prime weights from the right, modulus 11.
fn nit(number: &[u8]) -> bool {
    let check = weighted(number, &[41, 37, 29, 23, 19, 17, 13, 7, 3]).map(|sum| match sum % 11 {
        rest @ 0..=1 => rest,
        rest => 11 - rest,
    });
    check.is_some() && check == last(number) && !repeated(number)
}

/// NIT of a person.
pub(crate) fn nit_of_person(number: &[u8]) -> bool {
    !matches!(number.first(), Some(b'8' | b'9')) && nit(number)
}

/// NIT of an organisation: begins with 8 or 9.
pub(crate) fn nit_of_organisation(number: &[u8]) -> bool {
    matches!(number.first(), Some(b'8' | b'9')) && nit(number)
}

/// Mexican CURP (RENAPO): 37 characters by value, weights 18 to 2, modulus 10; date and sex in their places.
pub(crate) fn curp(code: &[u8]) -> bool {
    let mut sum = 0;
    for (i, b) in (0u32..).zip(code.iter().take(17)) {
        let value = match b {
            b'0'..=b'9' => u32::from(b - b'0'),
            b'A'..=b'N' => u32::from(b - b'A') + 10,
            b'O'..=b'Z' => u32::from(b - b'A') + 11,
            _ => return false,
        };
        sum += value * (18 - i);
    }
    let sound = six_digit_date(code.get(4..10)) && matches!(code.get(10), Some(b'H' | b'M' | b'X'));
    sound && last(code) == Some((10 - sum % 10) % 10)
}

/// Mexican RFC (SAT): a date after the letters, and a check character of modulus 11.
pub(crate) fn rfc(code: &[u8]) -> bool {
    let date = code.len().checked_sub(9).and_then(|from| code.get(from..from + 6));
    let Some((check, body)) = code.split_last() else {
        return false;
    };
    // An organisation has three letters with a leading blank, which counts 37 times 13.
    let mut sum = if body.len() == 11 { 37 * 13 } else { 0 };
    for (i, b) in (0u32..).zip(body.iter().rev()) {
        let value = match b {
            b'0'..=b'9' => u32::from(b - b'0'),
            b'A'..=b'N' => u32::from(b - b'A') + 10,
            b'O'..=b'Z' => u32::from(b - b'A') + 11,
            _ => return false,
        };
        sum += value * (i + 2);
    }
    let expected = match 11 - sum % 11 {
        11 => b'0',
        10 => b'A',
        digit => b'0' + digit as u8,
    };
    six_digit_date(date) && *check == expected
}

/// `yymmdd`.
fn six_digit_date(date: Option<&[u8]>) -> bool {
    let part = |range: std::ops::Range<usize>| date.and_then(|date| date.get(range)).and_then(value);
    part(0..2).is_some()
        && part(2..4).is_some_and(|month| (1..=12).contains(&month))
        && part(4..6).is_some_and(|day| (1..=31).contains(&day))
}

/// Individual taxpayer number of the United States (IRS): begins with 9, group in the ranges in use.
pub(crate) fn itin(number: &[u8]) -> bool {
    let group = number.get(3..5).and_then(value);
    number.first() == Some(&b'9') && matches!(group, Some(50..=65 | 70..=88 | 90..=92 | 94..=99))
}

/// Provider identifier of the United States (45 CFR 162.406): Luhn over the number with the prefix 80840.
pub(crate) fn npi(number: &[u8]) -> bool {
    let whole = [b"80840".as_slice(), number].concat();
    matches!(number.first(), Some(b'1' | b'2')) && luhn(&whole)
}

/// Registration with the Drug Enforcement Administration: the digits at odd places plus twice
/// those at even places; the sum ends in the last digit.
pub(crate) fn dea(number: &[u8]) -> bool {
    let sum = number.get(2..).and_then(|digits| weighted(digits, &[1, 2, 1, 2, 1, 2]));
    let registrant = number.first().is_some_and(u8::is_ascii_uppercase);
    registrant && sum.is_some() && sum.map(|sum| sum % 10) == last(number)
}

/// Medicare beneficiary identifier (CMS): no letters that look like digits.
pub(crate) fn mbi(number: &[u8]) -> bool {
    number.first() != Some(&b'0') && !number.iter().any(|b| b"SLOIBZ".contains(b))
}
