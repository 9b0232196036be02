//! Finds places in a text of any length, in bounded memory. Windows overlap by more than the length of any value.

use std::io::{self, Read};

use reelgate_privacy::{Classifier, Span};

use crate::exit::Failure;

/// About how many bytes of a window are its own: it reports the places that begin in them.
const BODY_BYTES: usize = 1 << 20;
/// Bytes around them on either side, so that a value at the border is classified in its context.
const MARGIN_BYTES: usize = 4_096;

/// Calls `each` with every place in order, in characters from the beginning of the text. Bytes that are not UTF-8 count as
/// U+FFFD, one for each sequence that is no character.
pub fn each(
    classifier: &Classifier,
    mut reader: impl Read,
    mut each: impl FnMut(Span) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut window = Window::default();
    loop {
        let at_end = window.fill(&mut reader).map_err(|error| Failure::Usage(format!("read: {error}")))?;
        let text = &window.text;
        let end = if at_end { text.len() } else { text.floor_char_boundary(text.len() - MARGIN_BYTES) };
        let own = chars(&text[..window.body])..chars(&text[..end]);
        for span in classifier.spans(text) {
            if own.contains(&span.start) {
                let (start, end) = (window.first_char + span.start, window.first_char + span.end);
                each(Span { start, end, ..span })?;
            }
        }
        if at_end {
            return Ok(());
        }
        window.advance_to(end);
    }
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// A part of the text.
#[derive(Default)]
struct Window {
    text: String,
    /// Characters of the file before it.
    first_char: usize,
    /// Where its own bytes begin.
    body: usize,
    /// First bytes of a character whose last bytes are not read yet.
    pending: Vec<u8>,
}

impl Window {
    /// Reads until there is a body with a margin after it; returns true at the end of the file.
    fn fill(&mut self, reader: &mut impl Read) -> io::Result<bool> {
        let mut buffer = [0; 1 << 16];
        while self.text.len() < self.body + BODY_BYTES + MARGIN_BYTES {
            let count = match reader.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.pending.extend_from_slice(&buffer[..count]);
            let whole = if count == 0 { self.pending.len() } else { whole_chars(&self.pending) };
            self.text.push_str(&String::from_utf8_lossy(&self.pending[..whole]));
            self.pending.drain(..whole);
            if count == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Moves the window: its own bytes begin at `end`.
    fn advance_to(&mut self, end: usize) {
        let keep = self.text.floor_char_boundary(end.saturating_sub(MARGIN_BYTES));
        self.first_char += chars(&self.text[..keep]);
        self.text.drain(..keep);
        self.body = end - keep;
    }
}

/// How many bytes there are before an incomplete last character (RFC 3629: the first byte gives the length).
fn whole_chars(bytes: &[u8]) -> usize {
    for (back, byte) in bytes.iter().rev().take(3).enumerate() {
        let length = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => return bytes.len(),
        };
        return if length > back + 1 { bytes.len() - back - 1 } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a few bytes at a time, so that characters are split.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(buffer.len()).min(8_191);
            let (now, later) = self.0.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    #[test]
    fn windows_find_the_same_places_as_one_scan_of_the_whole_text() {
        let classifier = Classifier::new();
        let mut text = String::new();
        let mut at = 0;
        while text.len() < 3 * BODY_BYTES {
            text += if at % 7 == 0 {
                "grüße 🎬 pay with card 4539 5787 6362 1486\n"
            } else {
                "la la lá 12 34\n"
            };
            at += 1;
        }
        // A value across the border of two windows.
        text.insert_str(text.floor_char_boundary(BODY_BYTES - 9), " j.doe@example-mail.net ");
        let mut found = Vec::new();
        each(&classifier, Slow(text.as_bytes()), |span| {
            found.push(span);
            Ok(())
        })
        .unwrap();
        assert!(found.len() > 1_000);
        assert_eq!(found, classifier.spans(&text));
    }

    #[test]
    fn invalid_bytes_count_as_a_character_and_are_not_dropped_at_the_end() {
        for (bytes, whole) in [
            (&b"ab"[..], 2),
            (b"a\xc3", 1),
            (b"a\xe2\x82", 1),
            (b"\xf0\x9f\x8e\xac", 4),
            (b"\x80\x80\x80", 3),
            (b"\xff", 1),
        ] {
            assert_eq!(whole_chars(bytes), whole, "{bytes:?}");
        }
        let mut window = Window::default();
        assert!(window.fill(&mut &b"a\xc3"[..]).unwrap());
        assert_eq!(window.text, "a\u{fffd}");
    }
}
