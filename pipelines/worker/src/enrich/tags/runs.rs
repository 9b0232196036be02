//! Runs of characters that people can read, in UTF-8 or UTF-16, between any bytes.

use super::super::lines::cut;

/// Characters of the shortest run that is kept: an e-mail address has no fewer.
pub const RUN_MIN: usize = 6;
/// Bytes of one line. A longer run becomes several, which overlap so that no value is torn.
const LINE_BYTES: usize = 8 << 10;
pub const OVERLAP_BYTES: usize = 256;
/// Characters of UTF-16 in a row that are not ASCII.
const FOREIGN_MAX: usize = 24;

/// Overlapping parts of a long text.
pub fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let piece = cut(text, LINE_BYTES);
        rest = (piece.len() < text.len()).then(|| {
            let next = cut(text, LINE_BYTES - OVERLAP_BYTES).len();
            &text[next..]
        });
        Some(piece)
    })
}

/// A run of text and the bytes that it takes.
pub struct Run {
    pub start: usize,
    pub end: usize,
    pub text: String,
}

/// The runs of at least `shortest` visible characters. The time is linear in the number of bytes.
pub fn runs(bytes: &[u8], shortest: usize) -> impl Iterator<Item = Run> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            let found = [utf8, wide_le, wide_be].into_iter().map(|read| read(&bytes[start..]));
            let longest = found.max_by_key(|(text, _)| text.chars().count());
            let Some((text, used)) = longest.filter(|(text, _)| text.chars().count() >= shortest) else {
                at += 1;
                continue;
            };
            at += used;
            if text.chars().filter(|c| !c.is_whitespace()).count() >= shortest {
                return Some(Run { start, end: at, text });
            }
        }
        None
    })
}

fn is_readable(c: char) -> bool {
    let odd = matches!(c, '\u{fffd}' | '\u{e000}'..='\u{f8ff}') || c > '\u{3ffff}';
    !odd && (!c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

/// The text at the start of these bytes, and its bytes.
fn utf8(bytes: &[u8]) -> (String, usize) {
    let mut text = String::new();
    let mut at = 0;
    while let Some(first) = bytes.get(at) {
        let length = match first {
            0x00..=0x7f => 1,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => break,
        };
        let Some(c) = bytes.get(at..at + length).and_then(|bytes| std::str::from_utf8(bytes).ok()) else {
            break;
        };
        if !c.chars().all(is_readable) {
            break;
        }
        text.push_str(c);
        at += length;
    }
    (text, at)
}

fn wide_le(bytes: &[u8]) -> (String, usize) {
    wide(bytes, u16::from_le_bytes)
}

fn wide_be(bytes: &[u8]) -> (String, usize) {
    wide(bytes, u16::from_be_bytes)
}

/// UTF-16 of the alphabets of Europe and the Near East, and full-width forms. It begins with ASCII, and has some regularly:
/// otherwise any table of numbers would be text.
fn wide(bytes: &[u8], order: fn([u8; 2]) -> u16) -> (String, usize) {
    let mut text = String::new();
    let (mut used, mut foreign) = (0, 0);
    for unit in bytes.chunks_exact(2).map(|unit| order([unit[0], unit[1]])) {
        let is_ascii = matches!(unit, 0x09 | 0x0a | 0x0d | 0x20..=0x7e);
        let is_kept = is_ascii || matches!(unit, 0xa0..=0x6ff | 0x2010..=0x2044 | 0xff01..=0xff5e);
        foreign = if is_ascii { 0 } else { foreign + 1 };
        let Some(c) = char::from_u32(unit.into()).filter(|_| is_kept && foreign <= FOREIGN_MAX) else {
            break;
        };
        if used == 0 && !is_ascii {
            break;
        }
        text.push(c);
        used += 2;
    }
    // A single letter of another alphabet behind ASCII is the next number of a table.
    if foreign == 1 && text.ends_with(|last| last > 'ÿ') {
        text.pop();
        used -= 2;
    }
    (text, used)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(bytes: &[u8]) -> Vec<String> {
        runs(bytes, RUN_MIN).map(|run| run.text).collect()
    }

    #[test]
    fn text_between_bytes_is_found_in_every_encoding_and_at_every_offset() {
        let wide =
            |order: fn(u16) -> [u8; 2]| "jane@x.org".encode_utf16().flat_map(order).collect::<Vec<_>>();
        for text in [b"jane@x.org".to_vec(), wide(u16::to_le_bytes), wide(u16::to_be_bytes)] {
            for before in 0..4 {
                let bytes = [&[0x01, 0x80, 0x02, 0xff][..before], &text, &[0x01, 0x02]].concat();
                assert_eq!(texts(&bytes), ["jane@x.org"], "{before} {text:?}");
            }
        }
        assert_eq!(texts("\u{1}grüße an 東京都\u{1}".as_bytes()), ["grüße an 東京都"]);
        assert!(texts(b"short\x01\xff\xfe\x02        \n\n\n\n").is_empty());
    }
}
