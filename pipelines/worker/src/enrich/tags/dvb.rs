//! Reads the tables of an MPEG transport stream: names of services, providers and networks, events and their descriptions (EN 300
//! 468), texts of the program map (ISO/IEC 13818-1), and the tables of ATSC (A/65). Streams that no program lists are searched.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;
use super::dvb_tables::Tables;
use super::printable::{add_text, search_bytes};
use super::value::{Damaged, Window};
use crate::source::Source;

/// Bytes of a packet; each may have four more in front, or sixteen behind.
const PACKET: usize = 188;
const STRIDES: [(u64, u64); 3] = [(188, 0), (192, 4), (204, 0)];
/// Bytes in which the first packet begins.
const START_BYTES_MAX: u64 = 4_096;
/// Different sections read. The schedule of a week has fewer.
const SECTIONS_MAX: usize = 100_000;
/// Bytes of a section.
const SECTION_BYTES_MAX: usize = 4_096 + 3;
/// Bytes kept at once of a stream that no program lists, and how many of them are kept for what comes next.
const KEPT_BYTES_MAX: usize = 1 << 20;
const OVERLAP_BYTES: usize = 1 << 10;
/// Streams that no program lists and that are searched.
const UNLISTED_MAX: usize = 64;
const NULL_PID: u16 = 0x1fff;

/// Adds every text of the tables and what unlisted streams have.
pub fn collect(source: &Source, lines: &mut Lines) -> Result<(), Damaged> {
    let mut packets = Packets::new(source).ok_or(Damaged)?;
    let mut reader =
        SectionReader { tables: Tables::default(), open: BTreeMap::new(), seen: HashSet::new(), lines };
    let mut pids = BTreeSet::new();
    while let Some(packet) = packets.next() {
        pids.insert(packet.pid);
        reader.packet(&packet);
    }
    reader.tables.finish(reader.lines);
    pids.retain(|pid| !reader.tables.is_listed(*pid));
    if pids.len() > UNLISTED_MAX {
        reader.lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
    }
    let unlisted: BTreeSet<u16> = pids.into_iter().take(UNLISTED_MAX).collect();
    if !unlisted.is_empty() {
        let tables = std::mem::take(&mut reader.tables);
        search_unlisted(source, &unlisted, &tables, lines);
    }
    Ok(())
}

/// One packet: which stream it belongs to, and its parts.
struct Packet<'a> {
    pid: u16,
    begins: bool,
    is_scrambled: bool,
    /// Private data in front of the payload.
    private: &'a [u8],
    payload: &'a [u8],
}

struct Packets<'a> {
    window: Window<'a>,
    at: u64,
    stride: u64,
    end: u64,
}

impl<'a> Packets<'a> {
    fn new(source: &'a Source) -> Option<Self> {
        let mut window = Window::new(source);
        let mut is_sync = |at: u64| window.get(at, 1) == Some(&[0x47]);
        let end = source.size_bytes();
        let mut starts = (0..START_BYTES_MAX.min(end)).flat_map(|at| STRIDES.map(|stride| (at, stride)));
        let (at, (stride, _)) = starts.find(|(at, (stride, skipped))| {
            (0..4).all(|n| is_sync(at + skipped + n * stride) || at + skipped + n * stride >= end)
        })?;
        let skipped = STRIDES.iter().find(|(known, _)| *known == stride).map_or(0, |(_, skipped)| *skipped);
        Some(Self { window, at: at + skipped, stride, end })
    }

    /// The next packet. Where the stream lost its rhythm, the next sync byte begins one.
    fn next(&mut self) -> Option<Packet<'_>> {
        while self.at < self.end && self.window.get(self.at, 1)? != [0x47] {
            self.at += 1;
        }
        let at = self.at;
        self.at += self.stride;
        let bytes = self.window.get(at, PACKET)?;
        let pid = u16::from_be_bytes([bytes[1] & 0x1f, bytes[2]]);
        let control = bytes[3] >> 4 & 3;
        let mut payload = &bytes[4..];
        let mut private = &[][..];
        if control & 2 != 0 {
            let (length, rest) = payload.split_first()?;
            let (adaptation, after) = rest.split_at_checked(usize::from(*length)).unwrap_or((rest, &[]));
            private = private_data(adaptation).unwrap_or_default();
            payload = after;
        }
        if control & 1 == 0 {
            payload = &[];
        }
        Some(Packet {
            pid,
            begins: bytes[1] & 0x40 != 0,
            is_scrambled: bytes[3] & 0xc0 != 0,
            private,
            payload,
        })
    }
}

/// Private data of an adaptation field (13818-1, 2.4.3.4), behind clocks and a splice count.
fn private_data(field: &[u8]) -> Option<&[u8]> {
    let flags = *field.first()?;
    let clocks = [(0x10, 6), (0x08, 6), (0x04, 1)];
    let before: usize = clocks.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, bytes)| bytes).sum();
    let rest = field.get(1 + before..).filter(|_| flags & 0x02 != 0)?;
    let (length, data) = rest.split_first()?;
    data.get(..usize::from(*length))
}

struct SectionReader<'a> {
    tables: Tables,
    /// Sections that are not complete yet, by their stream.
    open: BTreeMap<u16, Vec<u8>>,
    seen: HashSet<u64>,
    lines: &'a mut Lines,
}

impl SectionReader<'_> {
    fn packet(&mut self, packet: &Packet) {
        if !packet.private.is_empty() && self.is_new(packet.private) {
            search_bytes(packet.private, "private_data", None, self.lines);
        }
        if !self.tables.has_sections(packet.pid) || packet.is_scrambled {
            return;
        }
        let mut payload = packet.payload;
        if packet.begins {
            let Some((pointer, rest)) = payload.split_first() else { return };
            let (end, begin) = rest.split_at_checked(usize::from(*pointer)).unwrap_or((rest, &[]));
            self.append(packet.pid, end);
            self.open.insert(packet.pid, Vec::new());
            payload = begin;
        }
        self.append(packet.pid, payload);
    }

    fn append(&mut self, pid: u16, bytes: &[u8]) {
        let Some(open) = self.open.get_mut(&pid) else { return };
        open.extend_from_slice(bytes);
        let mut whole = std::mem::take(open);
        let mut at = 0;
        // Stuffing ends the sections of a packet.
        while let Some([_, high, low]) = whole.get(at..at + 3).filter(|head| head[0] != 0xff) {
            let length = 3 + usize::from(u16::from_be_bytes([high & 0x0f, *low]));
            let Some(section) = whole.get(at..at + length) else { break };
            self.section(pid, section);
            at += length;
        }
        whole.drain(..at);
        if whole.first() == Some(&0xff) || whole.len() > SECTION_BYTES_MAX {
            whole.clear();
        }
        self.open.insert(pid, whole);
    }

    fn section(&mut self, pid: u16, section: &[u8]) {
        if self.is_new(&(pid, section)) {
            self.tables.section(pid, section, self.lines);
        }
    }

    fn is_new(&mut self, bytes: &(impl Hash + ?Sized)) -> bool {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        if self.seen.len() >= SECTIONS_MAX {
            self.lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
            return false;
        }
        self.seen.insert(hasher.finish())
    }
}

/// Searches what is in streams that no program lists, and in packets that only fill the stream.
fn search_unlisted(source: &Source, unlisted: &BTreeSet<u16>, tables: &Tables, lines: &mut Lines) {
    let Some(mut packets) = Packets::new(source) else { return };
    let mut kept: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
    while let Some(packet) = packets.next() {
        let is_padding = packet.payload.iter().all(|byte| *byte == packet.payload[0]);
        if is_padding || !unlisted.contains(&packet.pid) {
            continue;
        }
        let bytes = kept.entry(packet.pid).or_default();
        bytes.extend_from_slice(packet.payload);
        if bytes.len() > KEPT_BYTES_MAX {
            search_kept(packet.pid, bytes, tables, lines);
            // A text may go on in what comes next.
            bytes.drain(..bytes.len() - OVERLAP_BYTES);
        }
    }
    for (pid, bytes) in kept {
        search_kept(pid, &bytes, tables, lines);
    }
}

/// A stream of data that a program lists may be sound or pictures of a kind that is not known, so it may look random. One that
/// nothing lists may not.
fn search_kept(pid: u16, bytes: &[u8], tables: &Tables, lines: &mut Lines) {
    match pid {
        NULL_PID => search_bytes(bytes, "null_packets", None, lines),
        _ if tables.is_data(pid) => add_text(bytes, "data_stream", None, lines),
        _ => search_bytes(bytes, "unlisted_stream", None, lines),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{self, pat, pmt, sdt};
    use super::*;

    /// Packets of one stream with a section or any other payload.
    fn packets(pid: u16, is_section: bool, bytes: &[u8]) -> Vec<u8> {
        let pointer: &[u8] = if is_section { &[0] } else { &[] };
        let whole = [pointer, bytes].concat();
        let mut stream = Vec::new();
        for (index, chunk) in whole.chunks(184).enumerate() {
            let begins = if index == 0 { 0x40 } else { 0 };
            stream.extend([0x47, begins | (pid >> 8) as u8, pid as u8, 0x10 | (index as u8 & 15)]);
            stream.extend(chunk);
            stream.resize(stream.len().next_multiple_of(188), 0xff);
        }
        stream
    }

    fn file() -> Vec<u8> {
        let mut private = vec![0x47, 0x01, 0x00, 0x30, 30, 0x02, 20];
        private.extend(b"private data field!!");
        private.resize(188, 0xff);
        [
            packets(0, true, &pat(0x1000)),
            packets(0x1000, true, &pmt(0x100)),
            packets(0x11, true, &sdt("Ann Provider", &"long name of a service ".repeat(10))),
            packets(0x100, false, b"pictures have no text"),
            private,
            packets(0x200, false, b"a stream that nobody lists"),
            packets(NULL_PID, false, b"text in a null packet"),
        ]
        .concat()
    }

    fn collected(file: &[u8]) -> String {
        samples::collected(collect, file).0
    }

    #[test]
    fn tables_private_data_and_unlisted_streams_are_read() {
        let plain = file();
        let timed: Vec<u8> = plain.chunks(188).flat_map(|packet| [&[0; 4], packet].concat()).collect();
        let checked: Vec<u8> = plain.chunks(188).flat_map(|packet| [packet, &[0; 16]].concat()).collect();
        for bytes in [plain, timed, checked] {
            let text = collected(&bytes);
            let expected = [
                ("provider_name", "Ann Provider"),
                ("service_name", "long name of a service long"),
                ("program_description", "text of the program map"),
                ("private_data", "private data field!!"),
                ("unlisted_stream", "a stream that nobody lists"),
                ("null_packets", "text in a null packet"),
            ];
            samples::assert_lines(&text, &expected);
            assert!(!text.contains("pictures have no text"), "{text}");
        }
    }

    #[test]
    fn streams_cut_or_changed_anywhere_never_panic() {
        let whole = file();
        for at in (0..whole.len()).step_by(3) {
            collected(&whole[..at]);
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            collected(&changed);
        }
    }
}
