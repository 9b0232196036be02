//! Small functions over bytes that the families share: neighbours, runs of digits, boundaries.
//!
//! All of them are about ASCII. A byte of a multi-byte character is never a letter or a digit here, so a number right
//! next to Chinese or Arabic text counts as separate from it.

/// The byte before `at`.
pub(crate) fn before(text: &[u8], at: usize) -> Option<u8> {
    at.checked_sub(1).and_then(|i| text.get(i)).copied()
}

/// The byte at `at`.
pub(crate) fn at(text: &[u8], at: usize) -> Option<u8> {
    text.get(at).copied()
}

/// Whether `byte` is an ASCII digit.
pub(crate) fn is_digit(byte: Option<u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_digit())
}

/// Whether `byte` is an ASCII letter or digit.
pub(crate) fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric())
}

/// End of the run of bytes from `start` that `accept`s, at most `len_max` long.
pub(crate) fn run_end(text: &[u8], start: usize, len_max: usize, accept: impl Fn(u8) -> bool) -> usize {
    let limit = text.len().min(start.saturating_add(len_max));
    let mut end = start.min(limit);
    while end < limit && accept(text[end]) {
        end += 1;
    }
    end
}

/// Longest sign between two groups of a number, bytes: ` - `.
const GAP_BYTES_MAX: usize = 3;

/// End of what parts two groups of a number at `start`: up to three of the signs that people write there. `start` if there
/// is none.
pub(crate) fn gap_end(text: &[u8], start: usize) -> usize {
    run_end(text, start, GAP_BYTES_MAX, |b| {
        matches!(b, b' ' | b'-' | b'.' | b'_' | b'/' | b'+' | b'|' | b'\t')
    })
}

/// Whether one of `joints` joins a number before `start` to what starts there, as in `0.`4539 or `12:`34.
pub(crate) fn joined_before(text: &[u8], start: usize, joints: &[u8]) -> bool {
    before(text, start).is_some_and(|b| joints.contains(&b))
        && start.checked_sub(2).is_some_and(|i| text[i].is_ascii_digit())
}

/// Whether one of `joints` joins what ends at `end` to another number.
pub(crate) fn joined_after(text: &[u8], end: usize, joints: &[u8]) -> bool {
    at(text, end).is_some_and(|b| joints.contains(&b)) && is_digit(at(text, end + 1))
}

/// Value of a run of ASCII digits; `None` if it is empty, has another byte, or is above `u32::MAX`.
pub(crate) fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u32, |sum, b| {
        let digit = b.is_ascii_digit().then(|| u32::from(b - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_joins_a_number_to_its_neighbour() {
        assert!(joined_before(b"0.4539", 2, b"."));
        assert!(!joined_before(b"a.4539", 2, b"."));
        assert!(joined_after(b"12.5", 2, b"."));
        assert!(!joined_after(b"12. ", 2, b"."));
    }

    #[test]
    fn a_gap_between_groups_has_at_most_three_signs() {
        assert_eq!(gap_end(b"12 - 34", 2), 5);
        assert_eq!(gap_end(b"12.34", 2), 3);
        assert_eq!(gap_end(b"12    34", 2), 5);
        assert_eq!(gap_end(b"12:34", 2), 2);
    }

    #[test]
    fn a_number_too_long_for_its_type_is_refused() {
        assert_eq!(number(b"4294967295"), Some(u32::MAX));
        assert_eq!(number(b"4294967296"), None);
        assert_eq!(number(b""), None);
    }
}
