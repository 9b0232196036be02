//! Start codes, which separate the units of H.264 and the headers of MPEG-2.

/// Positions behind the start codes `00 00 01` of a stream.
pub fn after_start_codes(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(window) = bytes.get(at..at + 3) {
            match window {
                [0, 0, 1] => {
                    at += 3;
                    return Some(at);
                }
                [_, _, 2..=255] => at += 3,
                _ => at += 1,
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_codes_are_found_wherever_they_begin() {
        let bytes = [0, 0, 0, 1, 9, 2, 0, 0, 1, 7, 0, 1, 0, 0, 1];
        assert_eq!(after_start_codes(&bytes).collect::<Vec<_>>(), [4, 9, 15]);
        assert_eq!(after_start_codes(&[0, 0]).count(), 0);
    }
}
