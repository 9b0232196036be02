//! Reads the tags of raw sound that are not ID3v2: APEv1 and APEv2 at either end, ID3v1 with its extension, and Lyrics3. And finds
//! what is neither a tag nor sound.

use reelgate_flow::facts::Container;
use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;
use super::printable::{Budget, search, search_bytes};
use super::value::{Damaged, Window, read, utf8_or_latin};
use super::{id3, picture};
use crate::source::Source;

/// Tags at the end of a file.
const TAGS_MAX: usize = 16;
/// Bytes read of one tag.
const TAG_BYTES_MAX: usize = 16 << 20;
/// Items read of one tag.
const ITEMS_MAX: usize = 2_000;
/// Bytes of the header and of the footer of APE.
const APE_BYTES: u64 = 32;
/// Bytes of ID3v1, and of its extension in front of it.
const ID3V1_BYTES: u64 = 128;
const EXTENSION_BYTES: u64 = 227;
/// Bytes back from its end in which the first version of Lyrics3 begins.
const LYRICS_BYTES_MAX: u64 = 5_120;
/// Frames of sound read: a day of the shortest.
const FRAMES_MAX: u32 = 10_000_000;
/// Bytes in a row without a frame that are looked through for the next.
const RESYNC_BYTES_MAX: u64 = 4 << 20;

/// Adds the texts of every tag, and of bytes between or behind the frames.
pub fn collect(source: &Source, container: Container, lines: &mut Lines) -> Result<(), Damaged> {
    let mut start = id3::end_of_leading_tags(source);
    let mut window = Window::new(source);
    if let Some(head) = window.array::<32>(start)
        && head.starts_with(b"APETAGEX")
    {
        let size = u64::from(u32::from_le_bytes([head[12], head[13], head[14], head[15]]));
        ape(source, start + APE_BYTES, start + APE_BYTES + size, lines)?;
        start += APE_BYTES + size;
    }
    let mut end = source.size_bytes();
    for _ in 0..TAGS_MAX {
        match tag_before(source, &mut window, start, end, lines)? {
            Some(begin) => end = begin,
            None => break,
        }
    }
    // Frames of FLAC do not say how long they are.
    if container != Container::Flac {
        between_frames(source, container, (start, end), lines);
    }
    Ok(())
}

/// Reads the tag that ends at `end`, and returns where it begins; `None` if there is none.
fn tag_before(
    source: &Source,
    window: &mut Window,
    start: u64,
    end: u64,
    lines: &mut Lines,
) -> Result<Option<u64>, Damaged> {
    let back = |bytes: u64| end.checked_sub(bytes).filter(|at| *at >= start);
    if let Some(at) = back(ID3V1_BYTES)
        && window.get(at, 3) == Some(b"TAG")
    {
        id3v1(&read(source, at, end, ID3V1_BYTES as usize)?, lines);
        return Ok(Some(at));
    }
    if let Some(at) = back(EXTENSION_BYTES)
        && window.get(at, 4) == Some(b"TAG+")
    {
        extension(&read(source, at, end, EXTENSION_BYTES as usize)?, lines);
        return Ok(Some(at));
    }
    if let Some(at) = back(APE_BYTES)
        && let Some(footer) = window.array::<32>(at)
        && footer.starts_with(b"APETAGEX")
    {
        let size = u64::from(u32::from_le_bytes([footer[12], footer[13], footer[14], footer[15]]));
        let items = end.checked_sub(size.max(APE_BYTES)).filter(|items| *items >= start).ok_or(Damaged)?;
        ape(source, items, at, lines)?;
        let has_header = footer[23] & 0x80 != 0;
        return Ok(Some(if has_header { items.saturating_sub(APE_BYTES).max(start) } else { items }));
    }
    if let Some(at) = back(15)
        && let Some(footer) = window.array::<15>(at)
        && footer.ends_with(b"LYRICS200")
    {
        let digits = std::str::from_utf8(&footer[..6]).ok().and_then(|digits| digits.parse::<u64>().ok());
        let begin = digits.and_then(|size| at.checked_sub(size)).filter(|begin| *begin >= start);
        let begin = begin.ok_or(Damaged)?;
        search_bytes(&read(source, begin, at, TAG_BYTES_MAX)?, "lyrics", None, lines);
        return Ok(Some(begin));
    }
    if let Some(at) = back(9)
        && window.get(at, 9) == Some(b"LYRICSEND")
    {
        let from = at.saturating_sub(LYRICS_BYTES_MAX).max(start);
        let bytes = read(source, from, at, LYRICS_BYTES_MAX as usize)?;
        let begin = bytes.windows(11).rposition(|bytes| bytes == b"LYRICSBEGIN").ok_or(Damaged)?;
        search_bytes(&bytes[begin + 11..], "lyrics", None, lines);
        return Ok(Some(from + begin as u64));
    }
    if let Some(at) = back(10)
        && let Some(footer) = window.array::<10>(at)
        && footer.starts_with(b"3DI")
    {
        let size = footer[6..].iter().fold(0u64, |sum, byte| sum << 7 | u64::from(byte & 0x7f));
        let begin = end.checked_sub(size + 20).filter(|begin| *begin >= start).ok_or(Damaged)?;
        id3::collect_bytes(&read(source, begin, end, TAG_BYTES_MAX)?, lines)?;
        return Ok(Some(begin));
    }
    Ok(None)
}

fn id3v1(tag: &[u8], lines: &mut Lines) {
    let parts =
        [(3..33, "title"), (33..63, "artist"), (63..93, "album"), (93..97, "date"), (97..127, "comment")];
    fixed(tag, &parts, lines);
}

fn extension(tag: &[u8], lines: &mut Lines) {
    let parts = [(4..64, "title"), (64..124, "artist"), (124..184, "album"), (185..215, "genre")];
    fixed(tag, &parts, lines);
}

/// Texts of fixed length. Behind a null, some writers leave what was there before.
fn fixed(tag: &[u8], parts: &[(std::ops::Range<usize>, &str)], lines: &mut Lines) {
    for (range, name) in parts {
        let text = utf8_or_latin(tag.get(range.clone()).unwrap_or_default()).replace('\0', " ");
        lines.add_tag(name, None, text.trim());
    }
}

/// The items of an APE tag: size, flags, key, value. Bits 1 and 2 of the flags say whether the value is text.
fn ape(source: &Source, start: u64, end: u64, lines: &mut Lines) -> Result<(), Damaged> {
    let bytes = read(source, start, end, TAG_BYTES_MAX)?;
    if end.saturating_sub(start) > TAG_BYTES_MAX as u64 {
        lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
    }
    let mut rest = &bytes[..];
    for _ in 0..ITEMS_MAX {
        // A tag at the front ends with its footer.
        if rest.len() < 8 || rest.starts_with(b"APETAGEX") {
            return Ok(());
        }
        let (head, after) = rest.split_first_chunk::<8>().ok_or(Damaged)?;
        let size = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let flags = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let key_end = after.iter().take(256).position(|byte| *byte == 0).ok_or(Damaged)?;
        let key = utf8_or_latin(&after[..key_end]);
        let value = after.get(key_end + 1..).and_then(|after| after.get(..size)).ok_or(Damaged)?;
        if flags & 0x06 == 0x02 {
            // A cover: the name of a file, then a picture.
            let name_end = value.iter().take(1_024).position(|byte| *byte == 0);
            let (name, data) = value.split_at(name_end.map_or(0, |end| end + 1));
            lines.add_tag("file_name", None, &utf8_or_latin(name));
            match picture::is_one(data) {
                true => picture::collect(data, None, lines),
                false => search_bytes(value, &key, None, lines),
            }
        } else {
            lines.add_tag(&key, None, &utf8_or_latin(value).replace('\0', "\n"));
        }
        rest = &after[key_end + 1 + size..];
    }
    lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
    Ok(())
}

/// Searches bytes that belong to no frame of sound.
fn between_frames(source: &Source, container: Container, (start, end): (u64, u64), lines: &mut Lines) {
    let length = if container == Container::Adts { adts_bytes } else { mpeg_bytes };
    let mut window = Window::new(source);
    let mut budget = Budget::default();
    let mut frame = |at: u64| {
        let head = window.array::<6>(at).filter(|_| at + 6 <= end)?;
        length(head).map(|length| at + length).filter(|next| *next <= end)
    };
    let mut at = start;
    for _ in 0..FRAMES_MAX {
        if at >= end {
            return;
        }
        if let Some(next) = frame(at) {
            at = next;
            continue;
        }
        // One frame may be chance. Two in a row are not.
        let is_frame = |at: u64, frame: &mut dyn FnMut(u64) -> Option<u64>| {
            frame(at).is_some_and(|next| next + 6 > end || frame(next).is_some())
        };
        let until = end.min(at.saturating_add(RESYNC_BYTES_MAX));
        let next = (at..until).find(|at| is_frame(*at, &mut frame)).unwrap_or(until);
        search(source, (at, next), ("between_sound", None), &mut budget, lines);
        at = next;
    }
    lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
}

/// Bytes of a frame of AAC (ISO/IEC 13818-7, 6.2).
fn adts_bytes(head: [u8; 6]) -> Option<u64> {
    let is_frame = head[0] == 0xff && head[1] & 0xf6 == 0xf0;
    let length = u64::from(head[3] & 0x03) << 11 | u64::from(head[4]) << 3 | u64::from(head[5]) >> 5;
    (is_frame && length >= 7).then_some(length)
}

/// Bytes of a frame of MPEG audio (ISO/IEC 11172-3, 2.4.1.3; 13818-3, 2.4.2.3).
fn mpeg_bytes(head: [u8; 6]) -> Option<u64> {
    const V1L1: [u64; 15] = [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448];
    const V1L2: [u64; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
    const V1L3: [u64; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const V2L1: [u64; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
    const V2L2: [u64; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    if head[0] != 0xff || head[1] & 0xe0 != 0xe0 {
        return None;
    }
    let (version, layer) = ((head[1] >> 3) & 3, (head[1] >> 1) & 3);
    let kbits = match (version, layer) {
        (1, _) | (_, 0) => return None,
        (3, 3) => V1L1,
        (3, 2) => V1L2,
        (3, 1) => V1L3,
        (_, 3) => V2L1,
        _ => V2L2,
    };
    let bits = kbits.get(usize::from(head[2] >> 4)).filter(|kbits| **kbits > 0)? * 1_000;
    let rate = [44_100, 48_000, 32_000].get(usize::from((head[2] >> 2) & 3))?;
    let rate = match version {
        3 => *rate,
        2 => rate / 2,
        _ => rate / 4,
    };
    let padding = u64::from((head[2] >> 1) & 1);
    Some(match layer {
        3 => (12 * bits / rate + padding) * 4,
        1 if version != 3 => 72 * bits / rate + padding,
        _ => 144 * bits / rate + padding,
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn item(key: &[u8], flags: u32, value: &[u8]) -> Vec<u8> {
        [&(value.len() as u32).to_le_bytes()[..], &flags.to_le_bytes(), key, &[0], value].concat()
    }

    fn ape(items: &[Vec<u8>], at_head: bool) -> Vec<u8> {
        let items = items.concat();
        let mark = |flags: u32| {
            let size = items.len() as u32 + 32;
            [
                &b"APETAGEX"[..],
                &2_000u32.to_le_bytes(),
                &size.to_le_bytes(),
                &[0; 4],
                &flags.to_le_bytes(),
                &[0; 8],
            ]
            .concat()
        };
        if at_head {
            return [mark(0xa000_0000), items.clone(), mark(0x8000_0000)].concat();
        }
        [items.clone(), mark(0)].concat()
    }

    /// A frame of 417 bytes, 128 kbit/s at 44.1 kHz.
    fn frame() -> Vec<u8> {
        [&[0xff, 0xfb, 0x90, 0x00][..], &[0x41; 413]].concat()
    }

    fn id3v1_tag() -> Vec<u8> {
        let mut tag = vec![0; 128];
        tag[..3].copy_from_slice(b"TAG");
        tag[33..40].copy_from_slice(b"Bob One");
        tag
    }

    fn file() -> Vec<u8> {
        let lyrics = b"LYRICSBEGININF00012sung by Carol";
        let cover = [&b"of Dan.jpg\0"[..], &samples::jpeg()].concat();
        [
            ape(&[item(b"Front", 0, b"ape at the front")], true),
            frame().repeat(3),
            b"between the frames".to_vec(),
            frame().repeat(3),
            ape(&[item(b"Mail", 0, b"ann@ape.org\0second"), item(b"Cover", 2, &cover)], false),
            [&lyrics[..], format!("{:06}", lyrics.len()).as_bytes(), b"LYRICS200"].concat(),
            id3v1_tag(),
        ]
        .concat()
    }

    fn collected(file: &[u8]) -> (String, bool) {
        samples::collected(|source, lines| collect(source, Container::Mp3, lines), file)
    }

    #[test]
    fn every_tag_at_both_ends_and_text_between_frames_are_read() {
        let (text, is_whole) = collected(&file());
        let expected = [
            ("Front", "ape at the front"),
            ("between_sound", "between the frames"),
            ("Mail", "ann@ape.org"),
            ("file_name", "of Dan.jpg"),
            ("position", "48.858222, 2.294500"),
            ("lyrics", "sung by Carol"),
            ("artist", "Bob One"),
        ];
        samples::assert_lines(&text, &expected);
        assert!(!text.contains("AAAAAA"), "sound is not searched: {text}");
        assert!(is_whole);
    }

    #[test]
    fn a_tag_longer_than_its_file_is_a_gap() {
        let mut bytes = ape(&[item(b"Mail", 0, b"ann@ape.org")], false);
        let at = bytes.len() - 20;
        bytes[at + 1] = 0xff;
        assert!(!collected(&bytes).1);
    }

    #[test]
    fn files_cut_or_changed_anywhere_never_panic() {
        let whole = file();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            collected(&changed);
        }
        for cut in 0..700 {
            collected(&whole[..whole.len() - cut]);
        }
    }
}
