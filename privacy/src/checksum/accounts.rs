//! Check digits of domestic bank accounts.

use super::digits::{digit, repeated, value, weighted};
use super::europe::italian_letter;

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

/// Italian bank account (BBAN): the CIN letter over the other 22 (ABI).
pub(crate) fn italian_account(number: &[u8]) -> bool {
    let account = number.get(1..).filter(|account| account.len() == 22);
    account.and_then(italian_letter).is_some_and(|letter| number.first() == Some(&letter))
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

/// Routing number of a United States bank (ABA): weights 3, 7, 1, and a Federal Reserve district before it.
pub(crate) fn aba(number: &[u8]) -> bool {
    let district = number.get(..2).and_then(value);
    let sum = weighted(number, &[3, 7, 1, 3, 7, 1, 3, 7, 1]);
    matches!(district, Some(1..=12 | 21..=32 | 61..=72 | 80)) && sum.is_some_and(|sum| sum % 10 == 0)
}
