//! Reads ID3v2 tags in front of raw audio (id3v2.2.0, id3v2.3.0, id3v2.4.0 "Main structure" and "Native frames"). The
//! demuxer skips them.

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;
use super::value::{Damaged, read};
use crate::source::Source;
use crate::unicode::{unicode, utf16};

/// Bytes read of one tag. A longer tag contains pictures.
const TAG_BYTES_MAX: usize = 16 << 20;
/// Consecutive tags: as many as the demuxer skips.
const TAGS_MAX: usize = 8;
/// Bytes read of one frame with text.
const FRAME_BYTES_MAX: usize = 64 << 10;

/// Names for frames with text of people. Other frames keep their identifiers.
const NAMES: [(&str, &str); 16] = [
    ("TIT2", "title"),
    ("TT2", "title"),
    ("TPE1", "artist"),
    ("TP1", "artist"),
    ("TALB", "album"),
    ("TAL", "album"),
    ("TCOM", "composer"),
    ("TCOP", "copyright"),
    ("TENC", "encoded_by"),
    ("TEXT", "lyricist"),
    ("TOWN", "owner"),
    ("TPUB", "publisher"),
    ("COMM", "comment"),
    ("COM", "comment"),
    ("USLT", "lyrics"),
    ("ULT", "lyrics"),
];

/// Adds the text frames of every tag in front of the sound.
pub fn collect(source: &Source, lines: &mut Lines) -> Result<(), Damaged> {
    let mut at = 0;
    for _ in 0..TAGS_MAX {
        let header = read(source, at, source.size_bytes(), 10)?;
        let [b'I', b'D', b'3', version, _, flags, size @ ..] = &header[..] else { return Ok(()) };
        let size = syncsafe(size).ok_or(Damaged)?;
        let end = at + 10 + u64::from(size);
        let mut body = read(source, at + 10, end, TAG_BYTES_MAX)?;
        if flags & 0x80 != 0 && *version < 4 {
            body = without_sync_bytes(&body);
        }
        let skipped = if flags & 0x40 != 0 { extended_header(&body, *version).ok_or(Damaged)? } else { 0 };
        frames(body.get(skipped..).ok_or(Damaged)?, *version, lines)?;
        at = end + if flags & 0x10 != 0 { 10 } else { 0 };
    }
    Ok(())
}

fn frames(mut rest: &[u8], version: u8, lines: &mut Lines) -> Result<(), Damaged> {
    let (id_bytes, header_bytes) = if version == 2 { (3, 6) } else { (4, 10) };
    while rest.len() > header_bytes && rest[0] != 0 {
        let (header, after) = rest.split_at(header_bytes);
        let id = std::str::from_utf8(&header[..id_bytes]).map_err(|_| Damaged)?;
        let size = match version {
            2 => Some(u32::from_be_bytes([0, header[3], header[4], header[5]])),
            3 => Some(u32::from_be_bytes([header[4], header[5], header[6], header[7]])),
            _ => syncsafe(&header[4..8]),
        };
        let size = size.and_then(|size| usize::try_from(size).ok()).ok_or(Damaged)?;
        let (mut body, next) = after.split_at_checked(size).ok_or(Damaged)?;
        let flags = header.get(9).copied().unwrap_or(0);
        let is_packed = (version == 3 && flags & 0xc0 != 0) || (version == 4 && flags & 0x0c != 0);
        if version == 4 && flags & 0x01 != 0 {
            body = body.get(4..).ok_or(Damaged)?; // the length of the data
        }
        if is_packed
            && (matches!(id.as_bytes()[0], b'T' | b'W') || NAMES.iter().any(|(known, _)| *known == id))
        {
            lines.record_gap(Surface::Tags, None, NotSearched::UnknownForm);
        } else if !is_packed {
            frame(id, &body[..body.len().min(FRAME_BYTES_MAX)], lines);
        }
        rest = next;
    }
    Ok(())
}

fn frame(id: &str, body: &[u8], lines: &mut Lines) {
    let name = NAMES.iter().find(|(known, _)| *known == id).map_or(id, |(_, name)| *name);
    let Some((encoding, rest)) = body.split_first() else { return };
    match id {
        // Frames with a description by the user. Their names are one letter followed only by X.
        _ if matches!(id.trim_end_matches('X'), "T" | "W") => {
            let (description, value) = split(*encoding, rest);
            // An address is always in ISO 8859-1, even if its description is not.
            let value = if id.starts_with('W') { latin(value) } else { decode(*encoding, value) };
            lines.add_tag(if description.is_empty() { id } else { &description }, None, &value);
        }
        "COMM" | "COM" | "USLT" | "ULT" => {
            let (description, value) = split(*encoding, rest.get(3..).unwrap_or_default());
            lines.add_tag(name, None, &description);
            lines.add_tag(name, None, &decode(*encoding, value));
        }
        id if id.starts_with('T') => lines.add_tag(name, None, &decode(*encoding, rest).replace('\0', "\n")),
        id if id.starts_with('W') => lines.add_tag(name, None, &latin(body)),
        _ => {}
    }
}

/// A null-terminated string, and the bytes after it.
fn split(encoding: u8, bytes: &[u8]) -> (String, &[u8]) {
    if matches!(encoding, 1 | 2) {
        let end = bytes.chunks_exact(2).position(|unit| unit == [0, 0]).map_or(bytes.len(), |unit| unit * 2);
        return (decode(encoding, &bytes[..end]), bytes.get(end + 2..).unwrap_or_default());
    }
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    (decode(encoding, &bytes[..end]), bytes.get(end + 1..).unwrap_or_default())
}

fn decode(encoding: u8, bytes: &[u8]) -> String {
    match encoding {
        0 => latin(bytes),
        2 => utf16(bytes, u16::from_be_bytes),
        _ => unicode(bytes),
    }
}

/// ISO 8859-1, whose code points equal those of Unicode. Many writers store UTF-8 and declare ISO 8859-1.
fn latin(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

fn extended_header(body: &[u8], version: u8) -> Option<usize> {
    let size = body.get(..4)?;
    match version {
        3 => usize::try_from(u32::from_be_bytes(size.try_into().ok()?)).ok()?.checked_add(4),
        _ => usize::try_from(syncsafe(size)?).ok(),
    }
}

/// A number of four bytes with seven bits each.
fn syncsafe(bytes: &[u8]) -> Option<u32> {
    let is_safe = bytes.len() == 4 && bytes.iter().all(|byte| byte & 0x80 == 0);
    is_safe.then(|| bytes.iter().fold(0, |sum, byte| sum << 7 | u32::from(*byte)))
}

/// Reverses the unsynchronisation: removes each null after 0xff.
fn without_sync_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if *byte != 0 || kept.last() != Some(&0xff) {
            kept.push(*byte);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::source;

    fn tag(version: u8, frames: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (id, value) in frames {
            body.extend(*id);
            body.extend((value.len() as u32).to_be_bytes());
            body.extend([0, 0]);
            body.extend(*value);
        }
        body.extend([0; 20]);
        [&b"ID3"[..], &[version, 0, 0, 0, 0, (body.len() >> 7) as u8, body.len() as u8 & 0x7f], &body]
            .concat()
    }

    fn collected(file: &[u8]) -> (String, Result<(), Damaged>) {
        let mut lines = Lines::default();
        let ended = collect(&source(file), &mut lines);
        (String::from_utf8(lines.jsonl).unwrap(), ended)
    }

    #[test]
    fn text_comments_and_user_text_are_read_in_their_encodings() {
        let frames: [(&[u8], &[u8]); 4] = [
            (b"TPE1", b"\x03Ann Lee"),
            (b"TX\x58X", b"\x00device_serial\0C02XG"),
            (b"COMM", b"\x01eng\xff\xfe\0\0\xff\xfeh\0i\0"),
            (b"APIC", b"\x00image"),
        ];
        let (text, ended) = collected(&[tag(3, &frames), tag(4, &frames[1..2])].concat());
        for (field, value) in [("artist", "Ann Lee"), ("device_serial", "C02XG"), ("comment", "hi")] {
            assert!(text.contains(&format!("\"field\":\"{field}\"")) && text.contains(value), "{text}");
        }
        assert_eq!((text.lines().count(), ended), (3, Ok(())));
    }

    #[test]
    fn a_packed_frame_with_text_is_a_gap() {
        let of = |id: &[u8]| {
            let mut bytes = tag(3, &[(id, b"packed")]);
            bytes[19] = 0x80; // compressed
            let mut lines = Lines::default();
            collect(&source(&bytes), &mut lines).unwrap();
            lines.reports()[0].gaps.first().map(|gap| gap.why)
        };
        assert_eq!(
            (of(b"TIT2"), of(b"COMM")),
            (Some(NotSearched::UnknownForm), Some(NotSearched::UnknownForm))
        );
        assert_eq!(of(b"APIC"), None);
    }

    #[test]
    fn a_frame_longer_than_its_tag_is_damaged() {
        let mut bytes = tag(3, &[(b"TIT2", b"\0abc")]);
        bytes[16] = 1; // 65,540 bytes
        assert_eq!(collected(&bytes).1, Err(Damaged));
        assert_eq!(collected(b"\xff\xfb\x90").1, Ok(()));
    }
}
