//! Reads ID3v2 tags in front of raw audio (id3v2.2.0, id3v2.3.0, id3v2.4.0 "Main structure" and "Native frames"). The
//! demuxer skips them.

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;
use super::printable::search_bytes;
use super::value::{Damaged, read, utf8_or_latin as latin};
use crate::source::Source;
use crate::unicode::{unicode, utf16};

/// Bytes read of one tag. A longer tag contains pictures.
const TAG_BYTES_MAX: usize = 16 << 20;
/// Bytes of a header, and of a footer.
const HEADER_BYTES: usize = 10;
/// Frames within frames.
const DEPTH_MAX: u32 = 2;
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
        let header = read(source, at, source.size_bytes(), HEADER_BYTES)?;
        let Some(length) = length(&header)? else { return Ok(()) };
        let bytes = read(source, at, at + length, TAG_BYTES_MAX)?;
        if length > TAG_BYTES_MAX as u64 {
            lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
        }
        collect_bytes(&bytes, lines)?;
        at += length;
    }
    Ok(())
}

/// Where the tags in front of the sound end.
pub fn end_of_leading_tags(source: &Source) -> u64 {
    let mut at = 0;
    for _ in 0..TAGS_MAX {
        let header = read(source, at, source.size_bytes(), HEADER_BYTES).unwrap_or_default();
        let Ok(Some(length)) = length(&header) else { break };
        at += length;
    }
    at.min(source.size_bytes())
}

/// Bytes of a tag that begins with this header; `None` if none does.
fn length(header: &[u8]) -> Result<Option<u64>, Damaged> {
    let [b'I', b'D', b'3', _, _, flags, size @ ..] = header else { return Ok(None) };
    let size = size.get(..4).and_then(syncsafe).ok_or(Damaged)?;
    let footer = if flags & 0x10 != 0 { HEADER_BYTES } else { 0 };
    Ok(Some((HEADER_BYTES + footer) as u64 + u64::from(size)))
}

/// Adds the frames of a tag in memory, wherever it was.
pub fn collect_bytes(tag: &[u8], lines: &mut Lines) -> Result<(), Damaged> {
    let [b'I', b'D', b'3', version, _, flags, s0, s1, s2, s3, body @ ..] = tag else { return Err(Damaged) };
    let size = usize::try_from(syncsafe(&[*s0, *s1, *s2, *s3]).ok_or(Damaged)?).map_err(|_| Damaged)?;
    let mut body = body[..body.len().min(size)].to_vec();
    if flags & 0x80 != 0 && *version < 4 {
        body = without_sync_bytes(&body);
    }
    let skipped = if flags & 0x40 != 0 { extended_header(&body, *version).ok_or(Damaged)? } else { 0 };
    frames(body.get(skipped..).ok_or(Damaged)?, *version, 0, lines)
}

fn frames(mut rest: &[u8], version: u8, depth: u32, lines: &mut Lines) -> Result<(), Damaged> {
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
        if is_packed {
            lines.record_gap(Surface::Tags, None, NotSearched::UnknownForm);
        } else if version == 4 && flags & 0x02 != 0 {
            frame(id, (version, depth), &without_sync_bytes(body), lines);
        } else {
            frame(id, (version, depth), body, lines);
        }
        rest = next;
    }
    // Padding is of nulls.
    if rest.iter().any(|byte| *byte != 0) {
        search_bytes(rest, "id3_padding", None, lines);
    }
    Ok(())
}

fn frame(id: &str, (version, depth): (u8, u32), whole: &[u8], lines: &mut Lines) {
    let body = &whole[..whole.len().min(FRAME_BYTES_MAX)];
    let is_text = id.starts_with(['T', 'W']) || matches!(id, "COMM" | "COM" | "USLT" | "ULT");
    if is_text && body.len() < whole.len() {
        lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
    }
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
        "APIC" | "PIC" => attached_picture(*encoding, id == "APIC", rest_of(whole), lines),
        // Chapters and tables of contents have frames of their own behind their times.
        "CHAP" | "CTOC" => embedded(id, version, depth, whole, lines),
        // Owners, e-mail addresses of raters, names of files: texts between numbers, in any encoding.
        _ => search_bytes(whole, name, None, lines),
    }
}

fn rest_of(frame: &[u8]) -> &[u8] {
    frame.get(1..).unwrap_or_default()
}

/// Media type, kind, description, picture.
fn attached_picture(encoding: u8, is_long: bool, rest: &[u8], lines: &mut Lines) {
    let after_type = match is_long {
        true => split(0, rest).1,
        false => rest.get(3..).unwrap_or_default(),
    };
    let (description, picture) = split(encoding, after_type.get(1..).unwrap_or_default());
    lines.add_tag("picture_description", None, &description);
    super::picture::collect(picture, None, lines);
}

/// A frame with frames: an identifier, then times, or flags and a list of identifiers.
fn embedded(id: &str, version: u8, depth: u32, body: &[u8], lines: &mut Lines) {
    let (name, rest) = split(0, body);
    lines.add_tag("chapter_id", None, &name);
    let inner = match id {
        "CHAP" => rest.get(16..),
        _ => {
            let count = rest.get(1).copied().unwrap_or(0);
            let mut after = rest.get(2..).unwrap_or_default();
            for _ in 0..count {
                let (child, next) = split(0, after);
                lines.add_tag("chapter_id", None, &child);
                after = next;
            }
            Some(after)
        }
    };
    let read = inner.filter(|_| depth < DEPTH_MAX).map(|inner| frames(inner, version, depth + 1, lines));
    if !matches!(read, Some(Ok(()))) {
        lines.record_gap(Surface::Tags, None, NotSearched::Damaged);
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
            (b"UFID", b"\x00id"),
        ];
        let (text, ended) = collected(&[tag(3, &frames), tag(4, &frames[1..2])].concat());
        for (field, value) in [("artist", "Ann Lee"), ("device_serial", "C02XG"), ("comment", "hi")] {
            assert!(text.contains(&format!("\"field\":\"{field}\"")) && text.contains(value), "{text}");
        }
        assert_eq!((text.lines().count(), ended), (3, Ok(())));
    }

    #[test]
    fn covers_raters_owners_and_embedded_frames_are_read() {
        let cover = [&b"\x00image/jpeg\0\x03cover of Dan\0"[..], &super::super::samples::jpeg()].concat();
        let inner = b"TIT2\0\0\0\x0c\0\0\x03chapter Eve";
        let chapter = [&b"c1\0"[..], &[0; 16], inner].concat();
        let frames: [(&[u8], &[u8]); 4] = [
            (b"APIC", &cover),
            (b"POPM", b"rater@x.org\0\x80\0\0\0\0"),
            (b"PRIV", b"owner.example\0private text"),
            (b"CHAP", &chapter),
        ];
        let (text, ended) = collected(&tag(3, &frames));
        for value in
            ["cover of Dan", "ann@x.org", "48.858222, 2.294500", "rater@x.org", "private text", "chapter Eve"]
        {
            assert!(text.contains(value), "{value}: {text}");
        }
        assert_eq!(ended, Ok(()));
    }

    #[test]
    fn tags_cut_or_changed_anywhere_never_panic() {
        let frames: [(&[u8], &[u8]); 5] = [
            (b"APIC", b"\x01image/png\0\x03\0d\0\0\x89PNG"),
            (b"CTOC", b"toc\0\x01\x02a\0b\0TIT2\0\0\0\x02\0\0\x03x"),
            (b"CHAP", b"toc\0"),
            (b"TX\x58X", b"\x02\0a\0\0\0b"),
            (b"COMM", b"\x01eng"),
        ];
        for whole in [tag(3, &frames), tag(4, &frames)] {
            for at in 0..whole.len() {
                let _ = collected(&whole[..at]);
                for byte in [0x00, 0x7f, 0xff] {
                    let mut changed = whole.clone();
                    changed[at] = byte;
                    let _ = collected(&changed);
                }
            }
        }
    }

    #[test]
    fn a_packed_frame_is_a_gap() {
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
        assert_eq!(of(b"APIC"), Some(NotSearched::UnknownForm));
    }

    #[test]
    fn a_frame_longer_than_its_tag_is_damaged() {
        let mut bytes = tag(3, &[(b"TIT2", b"\0abc")]);
        bytes[16] = 1; // 65,540 bytes
        assert_eq!(collected(&bytes).1, Err(Damaged));
        assert_eq!(collected(b"\xff\xfb\x90").1, Ok(()));
    }
}
