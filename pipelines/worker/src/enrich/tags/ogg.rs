//! Reads the header packets of every stream of an Ogg file (RFC 3533), also of those that begin later: comments and their
//! pictures. What lies between the pages is searched.

use std::collections::BTreeMap;

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;
use super::printable::{Budget, search, search_bytes};
use super::value::{Damaged, Window};
use super::vorbis;
use crate::source::Source;

/// Pages read: a day of the smallest.
const PAGES_MAX: u32 = 10_000_000;
/// Streams of which header packets are read.
const STREAMS_MAX: usize = 1_000;
/// Bytes of the header packets of one stream. Pictures are in comments.
const HEADER_BYTES_MAX: usize = 16 << 20;
/// Bytes of all header packets in memory.
const TOTAL_BYTES_MAX: usize = 64 << 20;
/// Header packets of a stream of unknown kind that are searched.
const UNKNOWN_PACKETS: usize = 3;
/// Bytes between pages that are looked through for the next.
const RESYNC_BYTES_MAX: u64 = 4 << 20;

/// The header packets of one stream so far.
#[derive(Default)]
struct Stream {
    packets: Vec<Vec<u8>>,
    /// The packet that is not complete yet.
    open: Vec<u8>,
    is_full: bool,
}

impl Stream {
    /// How many packets are headers, by the first of them.
    fn headers(&self) -> usize {
        match self.packets.first().map(Vec::as_slice) {
            None => 1,
            Some(first) if first.starts_with(b"OpusHead") || first.starts_with(b"Speex   ") => 2,
            Some(first) if first.starts_with(b"\x01vorbis") || first.starts_with(b"\x80theora") => 2,
            // A count of zero means that it is unknown.
            Some(first) if first.starts_with(b"\x7fFLAC") => match first.get(7..9) {
                Some([high, low]) if (*high, *low) != (0, 0) => {
                    1 + usize::from(u16::from_be_bytes([*high, *low]))
                }
                _ => UNKNOWN_PACKETS,
            },
            // The directory of a file has a packet for each stream.
            Some(first) if first.starts_with(b"fishead\0") => STREAMS_MAX,
            Some(_) => UNKNOWN_PACKETS,
        }
    }

    fn wants_more(&self) -> bool {
        !self.is_full && self.packets.len() < self.headers()
    }
}

/// Adds every comment of every stream.
pub fn collect(source: &Source, lines: &mut Lines) -> Result<(), Damaged> {
    let mut window = Window::new(source);
    let mut budget = Budget::default();
    let mut streams: BTreeMap<(u32, u32), Stream> = BTreeMap::new();
    // A serial number may be used again after the end of its stream.
    let mut generations: BTreeMap<u32, u32> = BTreeMap::new();
    let (mut at, mut bytes) = (0, 0);
    for _ in 0..PAGES_MAX {
        if at >= source.size_bytes() {
            return finish(streams, lines);
        }
        let Some(page) = Page::read(&mut window, at) else {
            let until = source.size_bytes().min(at + RESYNC_BYTES_MAX);
            let next = (at + 1..until).find(|at| window.get(*at, 4) == Some(b"OggS")).unwrap_or(until);
            search(source, (at, next), ("between_pages", None), &mut budget, lines);
            at = next;
            continue;
        };
        if page.is_first && generations.len() < STREAMS_MAX {
            *generations.entry(page.serial).or_default() += 1;
        } else if page.is_first {
            lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
        }
        if let Some(generation) = generations.get(&page.serial) {
            let stream = streams.entry((page.serial, *generation)).or_default();
            if stream.wants_more() {
                bytes += page.add_to(&mut window, stream);
            }
            if bytes > TOTAL_BYTES_MAX {
                lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
                return finish(streams, lines);
            }
        }
        at = page.end;
    }
    lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
    finish(streams, lines)
}

/// One page: where its packets are.
struct Page {
    serial: u32,
    is_first: bool,
    body: u64,
    end: u64,
    segments: Vec<u8>,
}

impl Page {
    fn read(window: &mut Window, at: u64) -> Option<Self> {
        let head = window.array::<27>(at)?;
        if !head.starts_with(b"OggS\0") {
            return None;
        }
        let segments = window.get(at + 27, usize::from(head[26]))?.to_vec();
        let body = at + 27 + segments.len() as u64;
        let end = body + segments.iter().map(|length| u64::from(*length)).sum::<u64>();
        let serial = u32::from_le_bytes([head[14], head[15], head[16], head[17]]);
        Some(Self { serial, is_first: head[5] & 0x02 != 0, body, end, segments })
    }

    /// Adds the parts of packets in the page to the headers of its stream. Returns how many bytes they have.
    fn add_to(&self, window: &mut Window, stream: &mut Stream) -> usize {
        let (mut at, mut added) = (self.body, 0);
        for length in &self.segments {
            if !stream.wants_more() {
                break;
            }
            let Some(part) = window.get(at, usize::from(*length)) else { break };
            stream.open.extend_from_slice(part);
            added += part.len();
            at += u64::from(*length);
            if stream.open.len() > HEADER_BYTES_MAX {
                stream.is_full = true;
            } else if *length < 255 {
                stream.packets.push(std::mem::take(&mut stream.open));
            }
        }
        added
    }
}

fn finish(streams: BTreeMap<(u32, u32), Stream>, lines: &mut Lines) -> Result<(), Damaged> {
    let mut ended = Ok(());
    for stream in streams.into_values() {
        if stream.is_full {
            lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
        }
        if headers(&stream.packets, lines).is_err() {
            ended = Err(Damaged);
        }
    }
    ended
}

fn headers(packets: &[Vec<u8>], lines: &mut Lines) -> Result<(), Damaged> {
    let Some((first, rest)) = packets.split_first() else { return Ok(()) };
    let is_flac = first.starts_with(b"\x7fFLAC");
    for packet in rest {
        let comments = [&b"\x03vorbis"[..], b"OpusTags", b"\x81theora"].into_iter();
        if let Some(comments) = comments.filter_map(|head| packet.strip_prefix(head)).next() {
            vorbis::collect(comments, None, lines)?;
        } else if first.starts_with(b"Speex   ") {
            vorbis::collect(packet, None, lines)?;
        } else if is_flac {
            let (kind, block) =
                (packet.first().map_or(0, |kind| kind & 0x7f), packet.get(4..).unwrap_or_default());
            match kind {
                0 | 3 => {}
                4 => vorbis::collect(block, None, lines)?,
                6 => vorbis::block_picture(block, None, lines)?,
                _ => search_bytes(block, "application_data", None, lines),
            }
        } else {
            search_bytes(packet, "stream_header", None, lines);
        }
    }
    if !is_flac {
        search_bytes(first.get(8..).unwrap_or_default(), "stream_header", None, lines);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{base64, block, comments};
    use super::*;
    use crate::corpus::source;

    /// Pages with one packet, which may need several.
    fn pages(serial: u32, is_first: bool, packet: &[u8]) -> Vec<u8> {
        let mut lacing = vec![255; packet.len() / 255];
        lacing.push((packet.len() % 255) as u8);
        let mut bytes = Vec::new();
        let mut rest = packet;
        for (index, segments) in lacing.chunks(255).enumerate() {
            let length = segments.iter().map(|length| usize::from(*length)).sum();
            let (body, next) = rest.split_at(length);
            let flags = if is_first && index == 0 { 2 } else { u8::from(index > 0) };
            bytes.extend([b"OggS\0", &[flags][..], &[0; 8], &serial.to_le_bytes(), &[0; 8]].concat());
            bytes.push(segments.len() as u8);
            bytes.extend([segments, body].concat());
            rest = next;
        }
        bytes
    }

    fn file() -> Vec<u8> {
        let picture = format!("METADATA_BLOCK_PICTURE={}", base64(&block()));
        let tags = |texts: &[&str]| [b"OpusTags".to_vec(), comments(texts)].concat();
        let flac = [&b"\x7fFLAC\x01\0\0\x01fLaC\0\0\0\x22"[..], &[0; 34]].concat();
        [
            pages(1, true, b"OpusHead\x01\x02"),
            pages(2, true, &flac),
            pages(
                1,
                false,
                &tags(&["ARTIST=Ann Lee", &picture, &format!("LONG={}", "word ".repeat(20_000))]),
            ),
            pages(2, false, &[&b"\x84\0\0\0"[..], &comments(&["ARTIST=Flac Fred"])].concat()),
            pages(1, false, b"sound has no text at all"),
            b"between two pages".to_vec(),
            pages(1, true, b"OpusHead\x01\x02"),
            pages(1, false, &tags(&["ARTIST=Second Sue"])),
            b"behind the last page".to_vec(),
        ]
        .concat()
    }

    fn collected(file: &[u8]) -> (String, bool) {
        let mut lines = Lines::default();
        let ended = collect(&source(file), &mut lines);
        // One comment of the sample is longer than a line.
        let gaps = lines.reports().into_iter().flat_map(|report| report.gaps);
        let is_whole = ended.is_ok() && gaps.into_iter().all(|gap| gap.why == NotSearched::LimitReached);
        (String::from_utf8(lines.jsonl).unwrap(), is_whole)
    }

    #[test]
    fn comments_of_every_stream_and_bytes_between_pages_are_read() {
        let (text, is_whole) = collected(&file());
        for value in [
            "Ann Lee",
            "cover of Dan",
            "48.858222, 2.294500",
            "Flac Fred",
            "Second Sue",
            "between two pages",
            "behind the last page",
        ] {
            assert!(text.contains(value), "{value}");
        }
        assert!(is_whole && !text.contains("no text at all"));
    }

    #[test]
    fn files_cut_or_changed_anywhere_never_panic() {
        let whole = [
            pages(1, true, b"\x01vorbis\x01"),
            pages(1, false, &[b"\x03vorbis".to_vec(), comments(&["A=b"])].concat()),
            pages(2, true, b"fishead\0"),
            pages(2, false, b"fisbone\0"),
        ]
        .concat();
        for at in 0..whole.len() {
            collected(&whole[..at]);
            for byte in 0..=255 {
                let mut changed = whole.clone();
                changed[at] = byte;
                collected(&changed);
            }
        }
    }
}
