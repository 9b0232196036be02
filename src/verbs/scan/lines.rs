//! Reads a file as lines, in bounded memory.

use std::io::{self, BufRead, Read};

/// Longest line that is read whole, bytes. A longer one (JSON without line breaks) is split at the ends of words.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Calls `each` with the number, from 1, and the text of every line, without its break. What is not UTF-8 is read as U+FFFD.
pub fn each(mut reader: impl BufRead, mut each: impl FnMut(u64, &str)) -> io::Result<()> {
    let (mut line, mut number) = (Vec::new(), 1);
    let line_break = line_break(&mut reader)?;
    loop {
        let room = (LINE_BYTES_MAX - line.len()) as u64;
        let count = reader.by_ref().take(room).read_until(line_break, &mut line)?;
        if count == 0 && line.is_empty() {
            return Ok(());
        }
        let is_whole = line.ends_with(&[line_break]) || line.len() < LINE_BYTES_MAX;
        let end = if is_whole { line.len() } else { word_end(&line) };
        let text = String::from_utf8_lossy(&line[..end]);
        each(number, text.trim_end_matches(['\r', '\n']));
        number += u64::from(is_whole);
        line.drain(..end);
    }
}

/// What ends a line: a line feed, or a carriage return in a file that begins with lines but without line feeds.
fn line_break(reader: &mut impl BufRead) -> io::Result<u8> {
    let start = reader.fill_buf()?;
    let is_old = start.contains(&b'\r') && !start.contains(&b'\n');
    Ok(if is_old { b'\r' } else { b'\n' })
}

/// Where a long line may be split: after its last space or comma, otherwise at its end.
fn word_end(line: &[u8]) -> usize {
    line.iter().rposition(|byte| matches!(byte, b' ' | b',' | b'\t')).map_or(line.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<(u64, String)> {
        let mut lines = Vec::new();
        each(bytes, |number, text| lines.push((number, text.to_owned()))).unwrap();
        lines
    }

    #[test]
    fn lines_are_numbered_from_one_and_lose_their_breaks() {
        let expected = [(1, "a"), (2, ""), (3, "b\u{fffd}")].map(|(number, text)| (number, text.to_owned()));
        assert_eq!(read(b"a\r\n\nb\xff"), expected);
        assert_eq!(read(b""), []);
    }

    #[test]
    fn lines_may_end_with_carriage_returns_alone() {
        let expected =
            [(1, "1"), (2, "a"), (3, ""), (4, "b")].map(|(number, text)| (number, text.to_owned()));
        assert_eq!(read(b"1\ra\r\rb\r"), expected);
        assert_eq!(read(b"a\rb\n"), [(1, "a\rb".to_owned())]);
    }

    #[test]
    fn a_very_long_line_is_split_between_words_and_keeps_its_number() {
        let text = format!("{} 12345 {}\nnext", "a".repeat(LINE_BYTES_MAX - 8), "b".repeat(LINE_BYTES_MAX));
        let lines = read(text.as_bytes());
        assert_eq!(lines.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 1, 1, 2]);
        assert!(lines[0].1.ends_with(" 12345 "), "split within a word");
        let all: usize = lines.iter().map(|(_, text)| text.len()).sum();
        assert_eq!(all, text.len() - 1, "nothing is lost or read twice");
    }
}
