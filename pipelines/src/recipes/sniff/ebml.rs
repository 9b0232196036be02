//! Matroska and WebM: the document type in the EBML header (RFC 8794, section 11.2).

use reelgate_flow::reason::{Code, Fault};

const MAGIC: [u8; 4] = [0x1A, 0x45, 0xDF, 0xA3];
const DOC_TYPE: u64 = 0x4282;

/// Whether the upload begins as Matroska or WebM. EBML of another document type is refused.
pub fn matches(prefix: &[u8]) -> Result<bool, Fault> {
    let Some(rest) = prefix.strip_prefix(&MAGIC) else { return Ok(false) };
    match doc_type(rest) {
        Some(b"matroska" | b"webm") => Ok(true),
        _ => Err(Fault::new(
            Code::UnsupportedContainer,
            "EBML whose document type is neither matroska nor webm",
        )),
    }
}

/// The document type in the header's elements. Every step moves forward; a length past the end finds nothing.
fn doc_type(bytes: &[u8]) -> Option<&[u8]> {
    let (header_bytes, mut rest) = number(bytes, false)?;
    // If the header's length is unknown or too large, the bytes that exist are searched.
    rest = usize::try_from(header_bytes).ok().and_then(|length| rest.get(..length)).unwrap_or(rest);
    while !rest.is_empty() {
        let (id, after_id) = number(rest, true)?;
        let (length, after_length) = number(after_id, false)?;
        let (value, after) = after_length.split_at_checked(usize::try_from(length).ok()?)?;
        if id == DOC_TYPE {
            return Some(value.trim_ascii_end().split(|byte| *byte == 0).next().unwrap_or_default());
        }
        rest = after;
    }
    None
}

/// A variable-size integer of 1 to 8 bytes (RFC 8794, section 4); an id keeps its length marker.
fn number(bytes: &[u8], keep_marker: bool) -> Option<(u64, &[u8])> {
    let first = *bytes.first()?;
    let length = usize::try_from(first.leading_zeros()).ok()? + 1;
    let (own, rest) = bytes.split_at_checked(length)?;
    if length > 8 {
        return None;
    }
    let marker = 0x80_u8 >> (length - 1);
    let head = if keep_marker { first } else { first & !marker };
    let value = own.iter().skip(1).fold(u64::from(head), |value, byte| (value << 8) | u64::from(*byte));
    Some((value, rest))
}
