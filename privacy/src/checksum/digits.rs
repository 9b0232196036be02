//! Values of digits, from which check digits are computed.

/// Value of a digit; `None` for any other byte.
pub(crate) fn digit(b: u8) -> Option<u32> {
    b.is_ascii_digit().then(|| u32::from(b - b'0'))
}

/// Sum of the digits of `number` times `weights`; `None` if a byte is no digit or there are fewer digits than weights.
pub(crate) fn weighted(number: &[u8], weights: &[u32]) -> Option<u32> {
    let digits = number.get(..weights.len())?;
    digits.iter().zip(weights).try_fold(0, |sum, (b, weight)| Some(sum + digit(*b)? * weight))
}

/// The last digit of `number`.
pub(crate) fn last(number: &[u8]) -> Option<u32> {
    number.last().copied().and_then(digit)
}

/// Value of a run of at most 18 digits.
pub(crate) fn value(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0, |sum, b| Some(sum * 10 + u64::from(digit(*b)?)))
}

/// Whether all bytes are equal. No authority issues such a number.
pub(crate) fn repeated(number: &[u8]) -> bool {
    number.iter().all(|b| Some(b) == number.first())
}
