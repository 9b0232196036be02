//! The characters of a caption file: UTF-8, or UTF-16 with a byte-order mark. Every other encoding would have to be guessed, and a
//! wrong guess shows wrong words.

use reelgate_flow::reason::{Code, Fault};

/// The text of a file, without its byte-order mark.
pub fn decode(bytes: &[u8]) -> Result<String, Fault> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => Err(refused("UTF-32")),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, Fault> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| refused(&format!("another byte at {}", error.valid_up_to())))?;
    // What is neither text nor UTF-16 with a mark.
    if text.contains('\0') { Err(refused("zero bytes")) } else { Ok(text.to_owned()) }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Fault> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(refused("UTF-16 that ends within a character"));
    }
    let characters = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
    characters.collect::<Result<String, _>>().map_err(|_| refused("UTF-16 with half a character"))
}

fn refused(found: &str) -> Fault {
    let detail = format!("expected UTF-8, or UTF-16 with a byte-order mark, found {found}");
    Fault::new(Code::CaptionEncoding, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_8_and_utf_16_with_a_mark_are_read_and_nothing_is_guessed() {
        let le: Vec<u8> = "\u{feff}ä漢\u{1f600}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = "\u{feff}ä漢\u{1f600}".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [&le[..], &be, "ä漢\u{1f600}".as_bytes(), "\u{feff}ä漢\u{1f600}".as_bytes()] {
            assert_eq!(decode(bytes).as_deref(), Ok("ä漢\u{1f600}"));
        }
        for bytes in [&b"caf\xe9"[..], &le[..3], b"\xff\xfe\0\xd8", b"\xff\xfe\0\0a\0\0\0", b"a\0b\0"] {
            assert_eq!(decode(bytes).unwrap_err().code, Code::CaptionEncoding, "{bytes:x?}");
        }
    }
}
