//! Check digits.

mod accounts;
mod americas;
mod digits;
mod elsewhere;
mod europe;
pub(crate) mod national;

/// Luhn check (ISO/IEC 7812-1 annex B) over ASCII digits. Any other byte in `digits` fails.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let mut sum = 0u32;
    for (i, b) in digits.iter().rev().enumerate() {
        if !b.is_ascii_digit() {
            return false;
        }
        let digit = u32::from(b - b'0');
        let weighted = if i % 2 == 1 { digit * 2 } else { digit };
        sum += if weighted > 9 { weighted - 9 } else { weighted };
    }
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// Mod-97 check of an IBAN without separators (ISO 13616-1 clause 6, ISO/IEC 7064 MOD 97-10): the first four
/// characters move to the end, letters count as 10 to 35, and the remainder must be 1.
pub(crate) fn mod97(iban: &[u8]) -> bool {
    if iban.len() < 5 {
        return false;
    }
    let mut rest = 0u32;
    for b in iban[4..].iter().chain(&iban[..4]) {
        rest = match b {
            b'0'..=b'9' => rest * 10 + u32::from(b - b'0'),
            b'A'..=b'Z' | b'a'..=b'z' => rest * 100 + u32::from(b.to_ascii_uppercase() - b'A') + 10,
            _ => return false,
        } % 97;
    }
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_accepts_a_card_and_refuses_every_single_digit_change() {
        let good = b"4539578763621486";
        assert!(luhn(good));
        for i in 0..good.len() {
            let mut bad = *good;
            bad[i] = if bad[i] == b'9' { b'0' } else { bad[i] + 1 };
            assert!(!luhn(&bad), "digit {i}");
        }
        assert!(!luhn(b""));
        assert!(!luhn(b"45x9"));
    }

    #[test]
    fn mod97_accepts_published_examples_and_refuses_swapped_digits() {
        assert!(mod97(b"GB29NWBK60161331926819"));
        assert!(mod97(b"de89370400440532013000"));
        assert!(!mod97(b"GB29NWBK60161331926891"));
        assert!(!mod97(b"GB2"));
        assert!(!mod97(b"GB29-NWBK"));
    }
}
