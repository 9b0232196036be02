//! Reads the sections of a transport stream and the descriptors in them (EN 300 468, 5.2 and 6.2; ISO/IEC 13818-1, 2.4.4).

use std::collections::BTreeSet;

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;
use super::dvb_text::{UnknownForm, decode, multiple_strings};
use super::runs::{RUN_MIN, runs};

/// Programs and streams of one file.
const PIDS_MAX: usize = 8_192;
/// Streams with tables of DVB, and of ATSC.
const DVB_PIDS: std::ops::RangeInclusive<u16> = 0x10..=0x1f;
const ATSC_PID: u16 = 0x1ffb;
/// Bytes of the checksum at the end of a section.
const CHECKSUM: usize = 4;

/// Which streams the tables list so far, and a description that goes over several descriptors.
#[derive(Default)]
pub struct Tables {
    maps: BTreeSet<u16>,
    /// More streams with tables: the guide of ATSC.
    guides: BTreeSet<u16>,
    streams: BTreeSet<u16>,
    /// Streams of data that programs list.
    data: BTreeSet<u16>,
    extended: String,
}

impl Tables {
    /// Whether a stream has sections that are read.
    pub fn has_sections(&self, pid: u16) -> bool {
        pid <= 2
            || DVB_PIDS.contains(&pid)
            || pid == ATSC_PID
            || self.maps.contains(&pid)
            || self.guides.contains(&pid)
    }

    /// Whether something says what a stream is.
    pub fn is_listed(&self, pid: u16) -> bool {
        self.has_sections(pid) || self.streams.contains(&pid)
    }

    /// Whether a program lists a stream as data.
    pub fn is_data(&self, pid: u16) -> bool {
        self.data.contains(&pid)
    }

    /// Adds the texts of one section. Its checksum is not compared: what a receiver drops, a person can still read.
    pub fn section(&mut self, pid: u16, section: &[u8], lines: &mut Lines) {
        let end = section.len().saturating_sub(CHECKSUM);
        let body = section.get(8..end.max(8)).unwrap_or_default();
        let read = match (section.first().copied().unwrap_or(0xff), pid) {
            (0x00, 0) => {
                self.programs(body);
                Some(())
            }
            (0x01, 1) => self.descriptors(body, lines),
            (0x02, _) => self.program_map(body, lines),
            (0x40 | 0x41 | 0x4a, _) => self.network(body, lines),
            (0x42 | 0x46, _) => body.get(3..).and_then(|body| self.items(body, 5, lines)),
            (0x4e..=0x6f, _) => body.get(6..).and_then(|body| self.items(body, 12, lines)),
            (0xc7, ATSC_PID) => {
                self.master_guide(body);
                Some(())
            }
            (0xc8 | 0xc9, ATSC_PID) => self.channels(body, lines),
            (0xcb, _) => events(body, lines),
            (0xcc, _) => texts(body.get(5..).unwrap_or_default(), "event_description", lines),
            _ => {
                add_runs(section.get(3..).unwrap_or_default(), "table_text", lines);
                Some(())
            }
        };
        if read.is_none() {
            add_runs(body, "table_text", lines);
            lines.record_gap(Surface::Tags, None, NotSearched::Damaged);
        }
    }

    /// Adds what is left of a description.
    pub fn finish(&mut self, lines: &mut Lines) {
        lines.add_tag("event_description", None, &std::mem::take(&mut self.extended));
    }

    fn programs(&mut self, body: &[u8]) {
        for entry in body.chunks_exact(4) {
            if self.maps.len() < PIDS_MAX {
                self.maps.insert(u16::from_be_bytes([entry[2] & 0x1f, entry[3]]));
            }
        }
    }

    fn list(&mut self, pid: u16) {
        if self.streams.len() < PIDS_MAX {
            self.streams.insert(pid & 0x1fff);
        }
    }

    /// The clock's stream, descriptors of the program, then streams with descriptors.
    fn program_map(&mut self, body: &[u8], lines: &mut Lines) -> Option<()> {
        self.list(u16::from_be_bytes([*body.first()?, *body.get(1)?]));
        let (descriptors, mut rest) = counted(body.get(2..)?)?;
        self.descriptors(descriptors, lines)?;
        while rest.len() >= 5 {
            let (descriptors, next) = counted(&rest[3..])?;
            let pid = u16::from_be_bytes([rest[1] & 0x1f, rest[2]]);
            if is_read_as_media(rest[0], descriptors) {
                self.list(pid);
            } else if self.data.len() < PIDS_MAX {
                self.data.insert(pid);
            }
            self.descriptors(descriptors, lines)?;
            rest = next;
        }
        Some(())
    }

    /// Descriptors of the network or bouquet, then streams with descriptors.
    fn network(&mut self, body: &[u8], lines: &mut Lines) -> Option<()> {
        let (descriptors, rest) = counted(body)?;
        self.descriptors(descriptors, lines)?;
        let (streams, _) = counted(rest)?;
        self.items(streams, 6, lines)
    }

    /// Items with a head, whose last two bytes count the descriptors.
    fn items(&mut self, mut rest: &[u8], head: usize, lines: &mut Lines) -> Option<()> {
        while rest.len() >= head {
            let (descriptors, next) = counted(&rest[head - 2..])?;
            self.descriptors(descriptors, lines)?;
            self.finish(lines);
            rest = next;
        }
        Some(())
    }

    /// Where ATSC has its guides.
    fn master_guide(&mut self, body: &[u8]) {
        let Some(mut rest) = body.get(3..) else { return };
        while let [_, _, high, low, _, _, _, _, _, count_high, count_low, after @ ..] = rest {
            if self.guides.len() < PIDS_MAX {
                self.guides.insert(u16::from_be_bytes([high & 0x1f, *low]));
            }
            let count = usize::from(u16::from_be_bytes([count_high & 0x0f, *count_low]));
            rest = after.get(count..).unwrap_or_default();
        }
    }

    /// Channels of ATSC: a name of seven characters, numbers, descriptors.
    fn channels(&mut self, body: &[u8], lines: &mut Lines) -> Option<()> {
        let (count, mut rest) = body.get(1..)?.split_first()?;
        for _ in 0..*count {
            let name = crate::unicode::utf16(rest.get(..14)?, u16::from_be_bytes);
            lines.add_tag("service_name", None, name.trim_matches('\0'));
            let (descriptors, next) = counted(rest.get(30..)?)?;
            self.descriptors(descriptors, lines)?;
            rest = next;
        }
        Some(())
    }

    fn descriptors(&mut self, mut rest: &[u8], lines: &mut Lines) -> Option<()> {
        while let [tag, length, after @ ..] = rest {
            let (body, next) = after.split_at_checked(usize::from(*length))?;
            if self.descriptor(*tag, body, lines).is_none() {
                add_runs(body, "descriptor_text", lines);
                lines.record_gap(Surface::Tags, None, NotSearched::Damaged);
            }
            rest = next;
        }
        Some(())
    }

    fn descriptor(&mut self, tag: u8, body: &[u8], lines: &mut Lines) -> Option<()> {
        let mut fields = Texts { rest: body };
        match tag {
            0x40 => add("network_name", body, lines),
            0x47 => add("bouquet_name", body, lines),
            0x48 => {
                fields.skip(1)?;
                add("provider_name", fields.next()?, lines);
                add("service_name", fields.next()?, lines);
                add_runs(fields.rest, "descriptor_text", lines);
            }
            0x4d => {
                fields.skip(3)?;
                add("event_name", fields.next()?, lines);
                add("event_description", fields.next()?, lines);
                add_runs(fields.rest, "descriptor_text", lines);
            }
            0x4e => self.extended_event(body, lines)?,
            0x50 => add("component_description", body.get(6..)?, lines),
            0x5b..=0x5e => {
                fields.skip(usize::from(tag == 0x5e))?;
                while !fields.rest.is_empty() {
                    fields.skip(3)?;
                    add("name", fields.next()?, lines);
                    if tag == 0x5d {
                        add("name", fields.next()?, lines);
                    }
                }
            }
            // A long name of a channel of ATSC.
            0xa0 => return texts(body, "service_name", lines),
            // What others mean, only their makers know. Text in them is text.
            _ => add_runs(body, "program_description", lines),
        }
        Some(())
    }

    /// Items with a name and a text, then a text. A text goes on in the next descriptor, also in the middle of a word.
    fn extended_event(&mut self, body: &[u8], lines: &mut Lines) -> Option<()> {
        let (items, rest) =
            body.get(4..)?.split_first().and_then(|(n, rest)| rest.split_at_checked(usize::from(*n)))?;
        let mut texts = Texts { rest: items };
        while !texts.rest.is_empty() {
            add("event_item", texts.next()?, lines);
            add("event_item", texts.next()?, lines);
        }
        let text = Texts { rest }.next()?;
        match decode(text) {
            Ok(text) => self.extended.push_str(&text),
            Err(UnknownForm) => unknown(text, lines),
        }
        Some(())
    }
}

/// Whether a stream is sound, pictures or subtitles, by its type and its descriptors. Others are data, such as private sections,
/// timed metadata or splice points, which are searched as they are.
fn is_read_as_media(kind: u8, mut descriptors: &[u8]) -> bool {
    match kind {
        0x01..=0x04 | 0x0f..=0x11 | 0x1b..=0x21 | 0x24..=0x2a | 0x31..=0x36 | 0x42 | 0x51 => true,
        0x80..=0x85 | 0x87 | 0x8a | 0x90 | 0x91 | 0xa1 | 0xa2 | 0xd1 | 0xd2 | 0xdb | 0xea => true,
        // Private packets: what is in them is in a descriptor.
        0x06 => loop {
            let [tag, length, after @ ..] = descriptors else { return false };
            let Some((body, next)) = after.split_at_checked(usize::from(*length)) else { return false };
            match tag {
                0x05 if !body.starts_with(b"ID3 ") => return true,
                0x46 | 0x56 | 0x59 | 0x6a | 0x7a | 0x7b | 0x7c | 0x7f => return true,
                _ => descriptors = next,
            }
        },
        _ => false,
    }
}

/// Texts with their length in front.
struct Texts<'a> {
    rest: &'a [u8],
}

impl<'a> Texts<'a> {
    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first()?;
        let (text, rest) = rest.split_at_checked(usize::from(*length))?;
        self.rest = rest;
        Some(text)
    }
}

/// Events of ATSC: numbers, a title, descriptors.
fn events(body: &[u8], lines: &mut Lines) -> Option<()> {
    let (count, mut rest) = body.get(1..)?.split_first()?;
    for _ in 0..*count {
        let length = usize::from(*rest.get(9)?);
        let after = rest.get(10..)?;
        texts(after.get(..length)?, "event_name", lines)?;
        let (descriptors, next) = counted(after.get(length..)?)?;
        add_runs(descriptors, "descriptor_text", lines);
        rest = next;
    }
    Some(())
}

fn texts(bytes: &[u8], field: &str, lines: &mut Lines) -> Option<()> {
    if bytes.is_empty() {
        return Some(());
    }
    match multiple_strings(bytes) {
        Ok(found) => found.iter().for_each(|text| lines.add_tag(field, None, text)),
        Err(UnknownForm) => unknown(bytes, lines),
    }
    Some(())
}

fn add(field: &str, bytes: &[u8], lines: &mut Lines) {
    match decode(bytes) {
        Ok(text) => lines.add_tag(field, None, &text),
        Err(UnknownForm) => unknown(bytes, lines),
    }
}

fn unknown(bytes: &[u8], lines: &mut Lines) {
    add_runs(bytes, "descriptor_text", lines);
    lines.record_gap(Surface::Tags, None, NotSearched::UnknownForm);
}

fn add_runs(bytes: &[u8], field: &str, lines: &mut Lines) {
    for run in runs(bytes, RUN_MIN) {
        lines.add_tag(field, None, &run.text);
    }
}

/// A length of twelve bits, as many bytes, and what follows them.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [high, low, rest @ ..] = bytes else { return None };
    rest.split_at_checked(usize::from(u16::from_be_bytes([high & 0x0f, *low])))
}

#[cfg(test)]
mod tests {
    use super::super::samples::*;
    use super::*;

    fn collected(pid: u16, sections: &[Vec<u8>]) -> (String, bool) {
        let (mut lines, mut tables) = (Lines::default(), Tables::default());
        sections.iter().for_each(|section| tables.section(pid, section, &mut lines));
        tables.finish(&mut lines);
        let is_whole = lines.reports().iter().all(|report| report.gaps.is_empty());
        (String::from_utf8(lines.jsonl).unwrap(), is_whole)
    }

    fn events_section() -> Vec<u8> {
        let extended = |items: &[u8], part: &[u8]| {
            descriptor(0x4e, &[&[0x01][..], b"eng", &text(items), &text(part)].concat())
        };
        let descriptors = [
            descriptor(0x4d, &[&b"eng"[..], &text(b"\x05Gr\xfc\xdfe"), &text(b"told by Ann")].concat()),
            extended(&[text(b"Actor"), text(b"Bob B.")].concat(), b"mail jane@x.o"),
            extended(b"", b"rg please"),
            descriptor(0x50, b"\x01\x01\x01engsound of Carol"),
        ];
        let event = [&[0; 10][..], &loop_of(&descriptors.concat())].concat();
        section(0x4e, &[&[0, 1, 0, 1, 0, 0x4e][..], &event].concat())
    }

    fn network_section() -> Vec<u8> {
        let names = [b"eng".to_vec(), text(b"Net of Eve")].concat();
        let streams = [&[0; 4][..], &loop_of(&descriptor(0x83, b"\x01private words\x02"))].concat();
        let network = loop_of(&[descriptor(0x40, b"Net Dan"), descriptor(0x5b, &names)].concat());
        section(0x40, &[network, loop_of(&streams)].concat())
    }

    #[test]
    fn events_networks_and_unknown_descriptors_are_read() {
        let (text, is_whole) = collected(0x12, &[events_section(), network_section()]);
        for (field, value) in [
            ("event_name", "Grüße"),
            ("event_description", "told by Ann"),
            ("event_item", "Bob B."),
            ("event_description", "mail jane@x.org please"),
            ("component_description", "sound of Carol"),
            ("network_name", "Net Dan"),
            ("name", "Net of Eve"),
            ("program_description", "private words"),
        ] {
            let line = text.lines().find(|line| line.contains(value)).expect(value);
            assert!(line.contains(&format!("\"field\":\"{field}\"")), "{line}");
        }
        assert!(is_whole);
    }

    #[test]
    fn tables_of_atsc_are_read() {
        let strings = |text: &str| [&b"\x01eng\x01\0\0"[..], &[text.len() as u8], text.as_bytes()].concat();
        let name: Vec<u8> = "WANN-TV".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let channel =
            [&name[..], &[0; 16], &loop_of(&descriptor(0xa0, &strings("Long name of Bob")))].concat();
        let event = [&[0; 9][..], &text(&strings("Title of Carol")), &loop_of(b"")].concat();
        let (found, is_whole) = collected(
            ATSC_PID,
            &[
                section(0xc8, &[&[0, 1][..], &channel].concat()),
                section(0xcb, &[&[0, 1][..], &event].concat()),
                section(0xcc, &[&[0; 5][..], &strings("Text of Dan")].concat()),
            ],
        );
        for value in ["WANN-TV", "Long name of Bob", "Title of Carol", "Text of Dan"] {
            assert!(found.contains(value), "{value}: {found}");
        }
        assert!(is_whole);
        let packed = b"\x01eng\x01\x02\0\x03abc";
        assert!(!collected(ATSC_PID, &[section(0xcc, &[&[0; 5][..], packed].concat())]).1);
    }

    #[test]
    fn text_in_a_table_that_is_not_read_is_a_gap() {
        let packed = descriptor(0x40, b"\x1f\x01huffman packed");
        assert!(!collected(0x10, &[section(0x40, &[loop_of(&packed), loop_of(b"")].concat())]).1);
    }

    #[test]
    fn sections_cut_or_changed_anywhere_never_panic() {
        for whole in [events_section(), network_section(), pmt(0x100), sdt("a", "b")] {
            for at in 0..whole.len() {
                collected(0x12, &[whole[..at].to_vec()]);
                for byte in 0..=255 {
                    let mut changed = whole.clone();
                    changed[at] = byte;
                    collected(ATSC_PID, &[changed]);
                }
            }
        }
    }
}
