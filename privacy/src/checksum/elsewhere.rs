//! Check digits of other countries and of objects.

use super::digits::{digit, repeated, weighted};

/// Australian tax file number (published by the Australian Taxation Office): weights, modulus 11.
pub(crate) fn tfn(number: &[u8]) -> bool {
    let weights: &[u32] = match number.len() {
        8 => &[10, 7, 8, 4, 6, 3, 5, 1],
        _ => &[1, 4, 3, 7, 5, 8, 6, 9, 10],
    };
    weighted(number, weights).is_some_and(|sum| sum % 11 == 0) && !repeated(number)
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
