//! Reads the text encodings of user data boxes.

use super::value::{Damaged, plain_text};
use crate::unicode::unicode;

/// QuickTime international text: a list of length, language and text (QuickTime File Format, "User data text
/// strings"). Languages below 0x400 use Macintosh scripts, others UTF-8 or UTF-16.
pub fn international(body: &[u8]) -> Result<Vec<String>, Damaged> {
    let mut rest = body;
    let mut texts = Vec::new();
    while let [a, b, c, d, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*a, *b]));
        if length == 0 {
            break; // some writers end the list with a length of 0
        }
        let language = u16::from_be_bytes([*c, *d]);
        let bytes = after.get(..length).ok_or(Damaged)?;
        texts.push(if language < 0x400 { mac_or_utf8(bytes) } else { unicode(bytes) });
        rest = &after[length..];
    }
    Ok(texts)
}

/// Text after version, flags and language of 3GPP (TS 26.244, 8.2): null-terminated, in UTF-8 or in UTF-16 with a byte
/// order mark. Returns the bytes after it too.
pub fn of_3gpp(body: &[u8]) -> Result<(String, &[u8]), Damaged> {
    string(body.get(6..).ok_or(Damaged)?)
}

/// A null-terminated string, and the bytes after it.
pub fn string(bytes: &[u8]) -> Result<(String, &[u8]), Damaged> {
    if bytes.starts_with(&[0xfe, 0xff]) || bytes.starts_with(&[0xff, 0xfe]) {
        let units = bytes.chunks_exact(2).position(|unit| unit == [0, 0]);
        let end = units.map_or(bytes.len(), |units| units * 2);
        return Ok((unicode(&bytes[..end]), bytes.get(end + 2..).unwrap_or_default()));
    }
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    Ok((String::from_utf8_lossy(&bytes[..end]).into_owned(), bytes.get(end + 1..).unwrap_or_default()))
}

/// Text of a Macintosh language. Many writers store UTF-8 there. From other encodings, only ASCII is kept.
fn mac_or_utf8(bytes: &[u8]) -> String {
    if let Some(text) = plain_text(bytes) {
        return text.to_owned();
    }
    bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn international_text_is_read_in_all_its_languages() {
        let body = b"\x00\x02\x15\xc7hi\x00\x03\x00\x00abc\x00\x00\x00\x00";
        assert_eq!(international(body).unwrap(), ["hi", "abc"]);
        assert_eq!(international(b"\x00\x09\x15\xc7hi"), Err(Damaged));
    }

    #[test]
    fn text_of_3gpp_ends_at_its_null_in_both_encodings() {
        assert_eq!(of_3gpp(b"\0\0\0\0\x15\xc7name\0rest").unwrap(), ("name".to_owned(), &b"rest"[..]));
        let wide = b"\0\0\0\0\x15\xc7\xfe\xff\0h\0i\0\0!";
        assert_eq!(of_3gpp(wide).unwrap(), ("hi".to_owned(), &b"!"[..]));
        assert_eq!(of_3gpp(b"\0\0\0").unwrap_err(), Damaged);
    }
}
