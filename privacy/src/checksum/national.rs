//! Check digits of national numbers. Each takes the number without separators, letters in upper case, in the shape its
//! row in the table demands; bytes of another class make it fail.

use super::luhn;

/// Value of a digit; `None` for anything else.
fn digit(b: u8) -> Option<u32> {
    b.is_ascii_digit().then(|| u32::from(b - b'0'))
}

/// Sum of the digits of `number` times `weights`; `None` where one is no digit or there are fewer digits than weights.
fn weighted(number: &[u8], weights: &[u32]) -> Option<u32> {
    let digits = number.get(..weights.len())?;
    digits.iter().zip(weights).try_fold(0, |sum, (b, weight)| Some(sum + digit(*b)? * weight))
}

/// The last digit of `number`.
fn last(number: &[u8]) -> Option<u32> {
    number.last().copied().and_then(digit)
}

/// Value of a run of digits, at most 18 of them.
fn value(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0, |sum, b| Some(sum * 10 + u64::from(digit(*b)?)))
}

/// Whether every byte is the same; no authority gives such a number out.
pub(crate) fn repeated(number: &[u8]) -> bool {
    number.iter().all(|b| Some(b) == number.first())
}

/// England's NHS number (NHS data dictionary, "NHS NUMBER"): weights 10 to 2, modulus 11.
pub(crate) fn nhs(number: &[u8]) -> bool {
    let check = weighted(number, &[10, 9, 8, 7, 6, 5, 4, 3, 2]).map(|sum| (11 - sum % 11) % 11);
    check.is_some() && check == last(number) && !repeated(number)
}

/// Australian tax file number (published by the Australian Taxation Office): weights, modulus 11.
pub(crate) fn tfn(number: &[u8]) -> bool {
    let weights: &[u32] = match number.len() {
        8 => &[10, 7, 8, 4, 6, 3, 5, 1],
        _ => &[1, 4, 3, 7, 5, 8, 6, 9, 10],
    };
    weighted(number, weights).is_some_and(|sum| sum % 11 == 0) && !repeated(number)
}

/// Canadian social insurance number: Luhn, and 0 and 8 begin none.
pub(crate) fn sin(number: &[u8]) -> bool {
    !matches!(number.first(), Some(b'0' | b'8')) && luhn(number)
}

/// Indian Aadhaar (UIDAI): Verhoeff's dihedral check, first digit 2 to 9.
pub(crate) fn aadhaar(number: &[u8]) -> bool {
    matches!(number.first(), Some(b'2'..=b'9')) && verhoeff(number) && !repeated(number)
}

/// J. Verhoeff, "Error Detecting Decimal Codes", 1969: the products of the dihedral group of order ten over digits
/// permuted by their place must be 0.
fn verhoeff(number: &[u8]) -> bool {
    const PERMUTATION: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let product = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - 5 + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let mut check = 0;
    for (place, b) in number.iter().rev().enumerate() {
        let Some(mut d) = digit(*b) else {
            return false;
        };
        for _ in 0..place % 8 {
            d = PERMUTATION[d as usize];
        }
        check = product(check, d);
    }
    check == 0
}

/// Two check digits of Brazil (Receita Federal), each modulus 11 over all before it with `weights` ending in 2.
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

/// Letters of Spain's DNI, by the number modulo 23 (Ministerio del Interior).
const DNI_LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

/// Spanish DNI: eight digits and a letter.
pub(crate) fn dni(number: &[u8]) -> bool {
    let letter = number.get(..8).and_then(value).map(|n| DNI_LETTERS[(n % 23) as usize]);
    letter.is_some() && letter == number.get(8).copied()
}

/// Spanish NIE: X, Y or Z stand for 0, 1 and 2 before seven digits, then the DNI's letter.
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

/// Spanish NIF: of a person the DNI, the NIE, or K, L or M before seven digits and the letter.
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

/// French NIR (INSEE): thirteen digits, 97 minus the rest modulo 97; Corsica's 2A and 2B read as 19 and 18.
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

/// French bank account (RIB): bank, branch, account with letters as digits, key modulo 97 (CFONB).
pub(crate) fn rib(number: &[u8]) -> bool {
    let mut plain = Vec::with_capacity(number.len());
    for b in number {
        plain.push(match b {
            b'0'..=b'9' => u64::from(b - b'0'),
            b'A'..=b'I' => u64::from(b - b'A') + 1,
            b'J'..=b'R' => u64::from(b - b'J') + 1,
            b'S'..=b'Z' => u64::from(b - b'S') + 2,
            _ => return false,
        });
    }
    plain.len() == 23 && plain.iter().fold(0, |rest, d| (rest * 10 + d) % 97) == 0
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

/// Letters and digits in the number of a German identity card or passport: no vowels, and none that look like digits.
fn german_document(number: &[u8], leads: &[u8]) -> bool {
    const LETTERS: &[u8] = b"CFGHJKLMNPRTVWXYZ";
    let sound = number.iter().take(9).all(|b| b.is_ascii_digit() || LETTERS.contains(b));
    let leads = number.first().is_some_and(|b| leads.contains(b));
    // Where the check digit is written too, it has to agree (ICAO document 9303 part 3: weights 7, 3, 1).
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

/// Italian codice fiscale (D.M. 23 December 1976): letters for the month, odd and even places summed to a letter. Digits
/// may be replaced by letters where two people would share a code.
pub(crate) fn codice_fiscale(code: &[u8]) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let (Some(body), Some(check)) = (code.get(..15), code.get(15)) else {
        return false;
    };
    let index = |b: u8| if b.is_ascii_digit() { b - b'0' } else { b.wrapping_sub(b'A') };
    let mut sum = 0;
    for (i, b) in body.iter().enumerate() {
        let Some(odd) = ODD.get(usize::from(index(*b))) else {
            return false;
        };
        sum += if i % 2 == 0 { *odd } else { u32::from(index(*b)) };
    }
    let replaceable = |i: usize| code[i].is_ascii_digit() || b"LMNPQRSTUV".contains(&code[i]);
    let digits_sound = [6, 7, 9, 10, 12, 13, 14].into_iter().all(replaceable);
    digits_sound && b"ABCDEHLMPRST".contains(&code[8]) && u32::from(index(*check)) == sum % 26
}

/// Italian bank account (BBAN): the CIN letter over the other 22, places as in the codice fiscale (ABI).
pub(crate) fn italian_account(number: &[u8]) -> bool {
    let mut code = Vec::with_capacity(number.len());
    code.extend_from_slice(number.get(1..).unwrap_or_default());
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let mut sum = 0;
    for (i, b) in code.iter().enumerate() {
        let index = if b.is_ascii_digit() { b - b'0' } else { b.wrapping_sub(b'A') };
        let Some(odd) = ODD.get(usize::from(index)) else {
            return false;
        };
        sum += if i % 2 == 0 { *odd } else { u32::from(index) };
    }
    number.len() == 23 && number[0].is_ascii_uppercase() && u32::from(number[0] - b'A') == sum % 26
}

/// Spanish bank account (CCC): two control digits, each modulus 11 with powers of two.
pub(crate) fn spanish_account(number: &[u8]) -> bool {
    const WEIGHTS: [u32; 10] = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6];
    let control = |digits: &[u8], weights: &[u32]| match weighted(digits, weights).map(|sum| 11 - sum % 11) {
        Some(11) => Some(0),
        Some(10) => Some(1),
        other => other,
    };
    let (Some(bank), Some(account)) = (number.get(..8), number.get(10..20)) else {
        return false;
    };
    let first = control(bank, &WEIGHTS[2..]);
    first.is_some()
        && first == digit(number[8])
        && control(account, &WEIGHTS) == digit(number[9])
        && !repeated(number)
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

/// NIT of an organisation: they begin with 8 or 9.
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
    // A blank stands before the three letters of an organisation; it counts 37 times 13.
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

/// Unique taxpayer reference of the United Kingdom: weights 6 7 8 9 10 5 4 3 2 after the check digit, modulus 11.
pub(crate) fn utr(number: &[u8]) -> bool {
    let sum = number.get(1..).and_then(|rest| weighted(rest, &[6, 7, 8, 9, 10, 5, 4, 3, 2]));
    sum.is_some_and(|sum| b"21987654321"[(sum % 11) as usize] == number[0]) && !repeated(number)
}

/// National insurance number: prefixes that HMRC uses (National Insurance Manual NIM39110).
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

/// Individual taxpayer number of the United States (IRS): begins with 9, group in the ranges in use.
pub(crate) fn itin(number: &[u8]) -> bool {
    let group = number.get(3..5).and_then(value);
    number.first() == Some(&b'9') && matches!(group, Some(50..=65 | 70..=88 | 90..=92 | 94..=99))
}

/// Provider identifier of the United States (45 CFR 162.406): Luhn with 80840 before it.
pub(crate) fn npi(number: &[u8]) -> bool {
    let whole = [b"80840".as_slice(), number].concat();
    matches!(number.first(), Some(b'1' | b'2')) && luhn(&whole)
}

/// Registration with the Drug Enforcement Administration: odd places plus twice the even ones end in the last digit.
pub(crate) fn dea(number: &[u8]) -> bool {
    let sum = number.get(2..).and_then(|digits| weighted(digits, &[1, 2, 1, 2, 1, 2]));
    let registrant = number.first().is_some_and(u8::is_ascii_uppercase);
    registrant && sum.is_some() && sum.map(|sum| sum % 10) == last(number)
}

/// Medicare beneficiary identifier (CMS): no letters that look like digits.
pub(crate) fn mbi(number: &[u8]) -> bool {
    number.first() != Some(&b'0') && !number.iter().any(|b| b"SLOIBZ".contains(b))
}

/// Routing number of a United States bank (ABA): weights 3, 7, 1, and a Federal Reserve district before it.
pub(crate) fn aba(number: &[u8]) -> bool {
    let district = number.get(..2).and_then(value);
    let sum = weighted(number, &[3, 7, 1, 3, 7, 1, 3, 7, 1]);
    matches!(district, Some(1..=12 | 21..=32 | 61..=72 | 80)) && sum.is_some_and(|sum| sum % 10 == 0)
}

/// Vehicle identification number (ISO 3779): no I, O or Q, the last four are digits, letters and digits mixed.
pub(crate) fn vin(number: &[u8]) -> bool {
    let letters = number.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let serial = number.get(13..).is_some_and(|serial| serial.iter().all(u8::is_ascii_digit));
    (2..=13).contains(&letters) && serial && !number.iter().any(|b| b"IOQ".contains(b))
}

/// GS1 check digit (GS1 General Specifications 7.9): weights 3 and 1 from the right.
pub(crate) fn gs1(number: &[u8]) -> bool {
    let mut sum = 0;
    for (i, b) in number.iter().rev().enumerate() {
        let Some(d) = digit(*b) else {
            return false;
        };
        sum += if i % 2 == 1 { d * 3 } else { d };
    }
    sum % 10 == 0 && !repeated(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&[u8]) -> bool;

    /// Published or textbook examples.
    #[test]
    fn known_numbers_pass() {
        let known: &[(Check, &str)] = &[
            (nhs, "9434765919"),
            (tfn, "123456782"),
            (sin, "130692544"),
            (aadhaar, "234123412346"),
            (cpf, "11144477735"),
            (cnpj, "11222333000181"),
            (dni, "12345678Z"),
            (nie, "X1234567L"),
            (nif, "12345678Z"),
            (cif, "A58818501"),
            (nir, "255081416802538"),
            (german_tax, "86095742719"),
            (personalausweis, "T220001293"),
            (reisepass, "C01X00T478"),
            (codice_fiscale, "RSSMRA85T10A562S"),
            (italian_account, "X0542811101000000123456"),
            (spanish_account, "21000418450200051332"),
            (rib, "20041010050500013M02606"),
            (cuit_of_person, "20123456786"),
            (rut, "123456785"),
            (nit_of_organisation, "8001972684"),
            (curp, "BOXW310820HNERXN09"),
            (rfc, "GODE561231GR8"),
            (utr, "1955839661"),
            (nino, "AB123456C"),
            (itin, "912703456"),
            (npi, "1234567893"),
            (dea, "AB1234563"),
            (mbi, "1EG4TE5MK73"),
            (aba, "021000021"),
            (vin, "1HGCM82633A004352"),
            (gs1, "00844588003288"),
        ];
        for (check, number) in known {
            assert!(check(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn every_changed_digit_is_noticed_by_the_checks_that_promise_it() {
        let known: &[(Check, &str)] = &[
            (nhs, "9434765919"),
            (sin, "130692544"),
            (aadhaar, "234123412346"),
            (cpf, "11144477735"),
            (cnpj, "11222333000181"),
            (dni, "12345678Z"),
            (nir, "255081416802538"),
            (german_tax, "86095742719"),
            (spanish_account, "21000418450200051332"),
            (cuit_of_person, "20123456786"),
            (rut, "123456785"),
            (npi, "1234567893"),
            (aba, "021000021"),
        ];
        for (check, number) in known {
            for i in 0..number.len() {
                let mut changed = number.as_bytes().to_vec();
                if changed[i].is_ascii_digit() {
                    changed[i] = if changed[i] == b'9' { b'0' } else { changed[i] + 1 };
                    assert!(!check(&changed), "{number} digit {i}");
                }
            }
        }
    }

    #[test]
    fn nothing_of_another_shape_passes_or_panics() {
        let checks: &[Check] = &[
            nhs,
            tfn,
            sin,
            aadhaar,
            cpf,
            cnpj,
            dni,
            nie,
            nif,
            cif,
            nir,
            spi,
            rib,
            german_tax,
            codice_fiscale,
            italian_account,
            spanish_account,
            spain_social_security,
            rut,
            curp,
            rfc,
            utr,
            nino,
            itin,
            npi,
            dea,
            aba,
            vin,
            gs1,
        ];
        for text in
            ["", "1", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "000000000", "a-b.c", "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"]
        {
            for (i, check) in checks.iter().enumerate() {
                assert!(!check(text.as_bytes()), "check {i} of {text:?}");
            }
        }
    }
}
