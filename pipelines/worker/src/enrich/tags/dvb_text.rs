//! Decodes text of digital television: the character tables of EN 300 468, Annex A, and the strings of ATSC (A/65, 6.10).

use encoding_rs::Encoding;

use crate::unicode::utf16;

/// Text that is written in a form that is not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownForm;

/// Decodes one text by the table that its first bytes name.
pub fn decode(bytes: &[u8]) -> Result<String, UnknownForm> {
    let text = match bytes {
        [] => String::new(),
        [0x20..=0xff, ..] => without_table(bytes),
        // Tables 0x01 to 0x0b are parts 5 to 15 of ISO 8859.
        [table @ 0x01..=0x0b, rest @ ..] => part_of_8859(u16::from(table + 4), rest)?,
        [0x10, high, low, rest @ ..] => part_of_8859(u16::from_be_bytes([*high, *low]), rest)?,
        [0x11, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0x12, rest @ ..] => with(encoding_rs::EUC_KR, rest)?,
        [0x13, rest @ ..] => with(encoding_rs::GBK, rest)?,
        [0x14, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0x15, rest @ ..] => String::from_utf8(rest.to_vec()).map_err(|_| UnknownForm)?,
        _ => return Err(UnknownForm),
    };
    Ok(without_control_codes(&text))
}

/// Emphasis is removed. A line break is a space: it may be anywhere in a value.
fn without_control_codes(text: &str) -> String {
    let shown = |c: char| match c {
        '\u{86}' | '\u{87}' | '\u{e086}' | '\u{e087}' | '\0' => None,
        '\u{8a}' | '\u{e08a}' | '\n' | '\r' => Some(' '),
        c => Some(c),
    };
    text.chars().filter_map(shown).collect()
}

fn part_of_8859(part: u16, bytes: &[u8]) -> Result<String, UnknownForm> {
    // The control codes of DVB are at 0x80 to 0x9f, where these tables have others.
    let plain: Vec<u8> = bytes.iter().map(|byte| if matches!(byte, 0x8a) { b' ' } else { *byte }).collect();
    let plain: Vec<u8> = plain.into_iter().filter(|byte| !(0x80..0xa0).contains(byte)).collect();
    let encoding = match part {
        1 => encoding_rs::WINDOWS_1252,
        9 => encoding_rs::WINDOWS_1254,
        11 => encoding_rs::WINDOWS_874,
        2..=15 => Encoding::for_label(format!("iso-8859-{part}").as_bytes()).ok_or(UnknownForm)?,
        _ => return Err(UnknownForm),
    };
    with(encoding, &plain)
}

fn with(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, UnknownForm> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(|text| text.into_owned()).ok_or(UnknownForm)
}

/// Text without a table is ISO 6937, but many broadcasters write UTF-8.
fn without_table(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => iso_6937(bytes),
    }
}

/// ISO 6937: ASCII, accents in front of their letters, and signs. A sign that is not in the table becomes a replacement.
fn iso_6937(bytes: &[u8]) -> String {
    const ACCENTS: [char; 16] = [
        '\u{fffd}', '\u{300}', '\u{301}', '\u{302}', '\u{303}', '\u{304}', '\u{306}', '\u{307}', '\u{308}',
        '\u{308}', '\u{30a}', '\u{327}', '\u{332}', '\u{30b}', '\u{328}', '\u{30c}',
    ];
    const SIGNS: [(u8, char); 36] = [
        (0xa0, ' '),
        (0xa1, '¡'),
        (0xa2, '¢'),
        (0xa3, '£'),
        (0xa4, '€'),
        (0xa5, '¥'),
        (0xa7, '§'),
        (0xa9, '\''),
        (0xaa, '"'),
        (0xab, '«'),
        (0xb0, '°'),
        (0xb1, '±'),
        (0xb2, '²'),
        (0xb3, '³'),
        (0xb4, '×'),
        (0xb5, 'µ'),
        (0xb6, '¶'),
        (0xb7, '·'),
        (0xb8, '÷'),
        (0xb9, '\''),
        (0xba, '"'),
        (0xbb, '»'),
        (0xbf, '¿'),
        (0xd0, '-'),
        (0xd3, '©'),
        (0xe1, 'Æ'),
        (0xe9, 'Ø'),
        (0xea, 'Œ'),
        (0xe8, 'Ł'),
        (0xf1, 'æ'),
        (0xf2, 'đ'),
        (0xf3, 'ð'),
        (0xf8, 'ł'),
        (0xf9, 'ø'),
        (0xfa, 'œ'),
        (0xfb, 'ß'),
    ];
    let mut text = String::with_capacity(bytes.len());
    let mut accent = None;
    for byte in bytes {
        match byte {
            0xc1..=0xcf => accent = Some(ACCENTS[usize::from(byte & 0x0f)]),
            0x86 | 0x87 => {}
            0x8a => text.push(' '),
            0x00..=0x7f => text.push(char::from(*byte)),
            _ => {
                let known = SIGNS.iter().find(|(sign, _)| sign == byte);
                text.push(known.map_or(char::REPLACEMENT_CHARACTER, |(_, c)| *c));
            }
        }
        if !matches!(byte, 0xc1..=0xcf) {
            text.extend(accent.take());
        }
    }
    text
}

/// The texts of a structure of ATSC: strings with a language, in segments. Texts that are packed are in unknown form.
pub fn multiple_strings(bytes: &[u8]) -> Result<Vec<String>, UnknownForm> {
    let (count, mut rest) = bytes.split_first().ok_or(UnknownForm)?;
    let mut texts = Vec::new();
    for _ in 0..*count {
        let segments = *rest.get(3).ok_or(UnknownForm)?;
        rest = &rest[4..];
        let mut text = String::new();
        for _ in 0..segments {
            let [packing, mode, length, after @ ..] = rest else { return Err(UnknownForm) };
            let (body, next) = after.split_at_checked(usize::from(*length)).ok_or(UnknownForm)?;
            match (packing, mode) {
                (0, 0x3f) => text.push_str(&utf16(body, u16::from_be_bytes)),
                // The mode is the upper byte of each character.
                (0, mode) if *mode <= 0x33 => {
                    let unit = |byte: &u8| u32::from(*mode) << 8 | u32::from(*byte);
                    text.extend(body.iter().filter_map(|byte| char::from_u32(unit(byte))));
                }
                _ => return Err(UnknownForm),
            }
            rest = next;
        }
        texts.push(text);
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_annex_a_is_decoded() {
        for (bytes, text) in [
            (&b"plain"[..], "plain"),
            (b"Caf\xc2e \xa4 \xfb", "Cafe\u{301} € ß"),
            ("Straße".as_bytes(), "Straße"),
            (b"\x01\xb4\xd0", "Да"),
            (b"\x05Gr\xfc\xdfe", "Grüße"),
            (b"\x0b\xa4", "€"),
            (b"\x10\x00\x02\xb1", "ą"),
            (b"\x10\x00\x01a\x8ab\x86\x87", "a b"),
            (b"\x11\x00A\x20\xac", "A€"),
            (b"\x12\xc7\xd1", "한"),
            (b"\x13\xd6\xd0", "中"),
            (b"\x15\xe6\x9d\xb1", "東"),
            (b"\xc1", ""),
        ] {
            assert_eq!(decode(bytes).as_deref(), Ok(text), "{bytes:x?}");
        }
        for bytes in [&b"\x1f\x01huffman"[..], b"\x15\xff", b"\x10\x00", b"\x10\x00\x40a", b"\x08x"] {
            let decoded = decode(bytes);
            assert!(decoded.is_err() || bytes[0] == 8, "{bytes:x?} {decoded:?}");
        }
    }

    #[test]
    fn strings_of_atsc_are_decoded_and_packed_ones_are_unknown() {
        let strings = b"\x01eng\x02\x00\x00\x02hi\x00\x3f\x02\x20\xac";
        assert_eq!(multiple_strings(strings), Ok(vec!["hi€".to_owned()]));
        assert_eq!(multiple_strings(b"\x01eng\x01\x01\x00\x02hi"), Err(UnknownForm));
        for length in 0..strings.len() {
            assert!(multiple_strings(&strings[..length]).is_err());
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_unknown_and_never_panic() {
        for first in 0..=255u8 {
            for second in 0..=255u8 {
                let _ = decode(&[first, second, 0xc3, first]);
                let _ = multiple_strings(&[1, 0, 0, 0, 1, first, second, 2, 0, 0]);
            }
        }
    }
}
