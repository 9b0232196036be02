//! Reads tags of ISO base media and QuickTime files: user data of movie and tracks (QuickTime File Format; 3GPP TS 26.244,
//! clause 8), metadata items with keys or codes (QuickTime "Metadata", iTunes), XMP, and names of handlers.

use super::super::lines::{Lines, position_place};
use super::super::location::{checked, iso_6709};
use super::super::telemetry;
use super::names::of_code;
use super::value::{Damaged, VALUE_BYTES_MAX, plain_text, read};
use super::{id3, picture, printable, qt_text, xmp};
use crate::inspect::boxes::{Boxes, Header};
use crate::source::Source;
use crate::unicode::{unicode, utf16};
use printable::{Budget, search};

/// Boxes read for tags.
const BOXES_MAX: u32 = 1_000_000;
/// Nesting of boxes.
const DEPTH_MAX: u32 = 8;
/// Keys of one metadata box.
const KEYS_MAX: u32 = 1_000;
/// Bytes read of an XMP packet.
const XMP_BYTES_MAX: usize = 4 << 20;
/// Bytes read of a picture in the metadata.
const PICTURE_BYTES_MAX: usize = 16 << 20;
/// The extended type of a box with XMP (XMP Specification part 3, MPEG-4).
const XMP_UUID: [u8; 16] = *b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";

/// Adds every tag of the file.
pub fn collect(source: &Source, lines: &mut Lines) -> Result<(), Damaged> {
    let whole = Header { kind: *b"file", body: 0, end: source.size_bytes() };
    Walk { source, lines, budget: Budget::default(), boxes: 0, track: None, tracks: 0 }.descend(whole, 0)
}

struct Walk<'a> {
    source: &'a Source,
    lines: &'a mut Lines,
    budget: Budget,
    boxes: u32,
    /// The current track, numbered in the order of the file, which is the demuxer's order.
    track: Option<u32>,
    tracks: u32,
}

impl Walk<'_> {
    fn descend(&mut self, parent: Header, depth: u32) -> Result<(), Damaged> {
        if depth > DEPTH_MAX {
            return Err(Damaged);
        }
        for header in Boxes::new(self.source, parent.body, parent.end) {
            let Ok(header) = header else { return Err(Damaged) };
            self.boxes += 1;
            if self.boxes > BOXES_MAX {
                return Err(Damaged);
            }
            let header = Header { end: header.end.min(parent.end), ..header };
            match (&parent.kind, &header.kind) {
                (_, b"moov" | b"mdia" | b"udta") if &parent.kind != b"udta" => {
                    self.descend(header, depth + 1)?
                }
                (_, b"trak") => {
                    self.track = Some(self.tracks);
                    self.tracks += 1;
                    let walked = self.descend(header, depth + 1);
                    self.track = None;
                    walked?;
                }
                (_, b"meta") => self.metadata(header)?,
                (b"mdia", b"hdlr") => self.handler(header)?,
                (_, b"uuid") => self.uuid(header)?,
                (b"udta", _) => self.user_data(header)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The name of a handler, as a counted or a terminated string (ISO/IEC 14496-12, 8.4.3).
    fn handler(&mut self, header: Header) -> Result<(), Damaged> {
        let body = self.bytes(header)?;
        let name = body.get(24..).ok_or(Damaged)?;
        let counted = name.split_first().filter(|(length, rest)| usize::from(**length) == rest.len());
        let name = counted.map_or(name, |(_, rest)| rest);
        if let Some(name) = plain_text(name) {
            self.lines.add_tag("handler_name", self.track, name);
        }
        Ok(())
    }

    fn uuid(&mut self, header: Header) -> Result<(), Damaged> {
        if read(self.source, header.body, header.end, 16)? != XMP_UUID {
            return Ok(());
        }
        let packet = read(self.source, header.body + 16, header.end, XMP_BYTES_MAX)?;
        xmp::collect(&packet, self.track, self.lines)
    }

    fn user_data(&mut self, header: Header) -> Result<(), Damaged> {
        let (source, track) = (self.source, self.track);
        match &header.kind {
            b"XMP_" => {
                let packet = read(source, header.body, header.end, XMP_BYTES_MAX)?;
                return xmp::collect(&packet, track, self.lines);
            }
            b"GPMF" => {
                let body = self.bytes(header)?;
                telemetry::read_gpmf(&body, position_place(track), self.lines);
                return Ok(());
            }
            _ => {}
        }
        let name = of_code(header.kind);
        match &header.kind {
            [0xa9, ..] => {
                for text in qt_text::international(&self.bytes(header)?)? {
                    self.value(&name, &text);
                }
            }
            b"loci" => self.location(header)?,
            b"titl" | b"dscp" | b"cprt" | b"perf" | b"auth" | b"gnre" | b"albm" => {
                let (text, _) = qt_text::of_3gpp(&self.bytes(header)?).map(|(text, _)| (text, ()))?;
                self.value(&name, &text);
            }
            b"kywd" => self.keywords(header)?,
            b"ID32" => {
                let tag = read(source, header.body.saturating_add(6), header.end, PICTURE_BYTES_MAX)?;
                id3::collect_bytes(&tag, self.lines)?;
            }
            // The list of chapters has its own reader.
            b"chpl" => {}
            _ => {
                let body = self.bytes(header)?;
                // Some boxes begin with version and flags, which are all 0.
                let text = plain_text(&body).or_else(|| plain_text(body.strip_prefix(&[0; 4])?));
                match text.filter(|_| header.end - header.body <= body.len() as u64) {
                    Some(text) => self.value(&name, text),
                    None => {
                        let range = (header.body, header.end);
                        search(source, range, (&name, track), &mut self.budget, self.lines);
                    }
                }
            }
        }
        Ok(())
    }

    /// TS 26.244, 8.10: name, role, longitude, latitude and altitude as 16.16, body, notes.
    fn location(&mut self, header: Header) -> Result<(), Damaged> {
        let body = self.bytes(header)?;
        let (name, rest) = qt_text::of_3gpp(&body)?;
        self.lines.add_tag("location_name", self.track, &name);
        let fixed = |at: usize| {
            let bytes = rest.get(at..at + 4)?;
            Some(f64::from(i32::from_be_bytes(bytes.try_into().ok()?)) / 65_536.0)
        };
        let (longitude, latitude) = (fixed(1).ok_or(Damaged)?, fixed(5).ok_or(Damaged)?);
        if let Some(position) = checked(latitude, longitude) {
            self.lines.add_position(&position_place(self.track), position);
        }
        let (body_name, rest) = qt_text::string(rest.get(13..).unwrap_or_default())?;
        let (notes, _) = qt_text::string(rest)?;
        self.lines.add_tag("location_body", self.track, &body_name);
        self.lines.add_tag("location_notes", self.track, &notes);
        Ok(())
    }

    /// TS 26.244, 8.9: a count, then counted strings. Some cameras leave out the count where there are none.
    fn keywords(&mut self, header: Header) -> Result<(), Damaged> {
        let body = self.bytes(header)?;
        let Some((count, mut rest)) = body.get(6..).ok_or(Damaged)?.split_first() else { return Ok(()) };
        for _ in 0..*count {
            let (length, after) = rest.split_first().ok_or(Damaged)?;
            let (word, next) = after.split_at_checked(usize::from(*length)).ok_or(Damaged)?;
            self.value("keywords", unicode(word).trim_end_matches('\0'));
            rest = next;
        }
        Ok(())
    }

    /// Reads items with names by key (QuickTime) or by code (iTunes). A metadata box has a version in MP4, but not in
    /// QuickTime.
    fn metadata(&mut self, header: Header) -> Result<(), Damaged> {
        let is_plain = read(self.source, header.body + 4, header.end, 4)? == *b"hdlr";
        let inner = Header { body: header.body + if is_plain { 0 } else { 4 }, ..header };
        let mut keys = Vec::new();
        for child in Boxes::new(self.source, inner.body, inner.end) {
            let Ok(child) = child else { return Err(Damaged) };
            let child = Header { end: child.end.min(inner.end), ..child };
            match &child.kind {
                b"keys" => keys = self.keys(child)?,
                b"ilst" => self.items(child, &keys)?,
                b"uuid" => self.uuid(child)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn keys(&mut self, header: Header) -> Result<Vec<String>, Damaged> {
        let mut keys = Vec::new();
        for entry in Boxes::new(self.source, header.body.saturating_add(8), header.end) {
            let Ok(entry) = entry else { return Err(Damaged) };
            if keys.len() as u32 >= KEYS_MAX {
                return Err(Damaged);
            }
            let name = read(self.source, entry.body, entry.end.min(header.end), 256)?;
            keys.push(String::from_utf8_lossy(&name).into_owned());
        }
        Ok(keys)
    }

    fn items(&mut self, header: Header, keys: &[String]) -> Result<(), Damaged> {
        for item in Boxes::new(self.source, header.body, header.end) {
            let Ok(item) = item else { return Err(Damaged) };
            self.boxes += 1;
            if self.boxes > BOXES_MAX {
                return Err(Damaged);
            }
            let end = item.end.min(header.end);
            let number = u32::from_be_bytes(item.kind) as usize;
            let mut name = match number.checked_sub(1).and_then(|index| keys.get(index)) {
                Some(key) => key.clone(),
                None => of_code(item.kind),
            };
            for part in Boxes::new(self.source, item.body, end) {
                let Ok(part) = part else { return Err(Damaged) };
                let part = Header { end: part.end.min(end), ..part };
                match &part.kind {
                    // The name of a free item (`----`), after version and flags.
                    b"name" => {
                        let own = read(self.source, part.body + 4, part.end, 256)?;
                        name = String::from_utf8_lossy(&own).into_owned();
                    }
                    b"data" => {
                        let value = read(self.source, part.body, part.end, PICTURE_BYTES_MAX)?;
                        self.item(&name, &value);
                    }
                    // Whose name a free item has is free text too.
                    b"mean" => {
                        let own = read(self.source, part.body.saturating_add(4), part.end, 256)?;
                        printable::search_bytes(&own, "item_domain", self.track, self.lines);
                    }
                    _ => {
                        let range = (part.body, part.end);
                        search(self.source, range, (&name, self.track), &mut self.budget, self.lines);
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds a value by its well-known type (QuickTime File Format, "Well-known types").
    fn item(&mut self, name: &str, data: &[u8]) {
        let Some((head, value)) = data.split_at_checked(8) else { return };
        let kind = u32::from_be_bytes([0, head[1], head[2], head[3]]);
        if matches!(kind, 13 | 14 | 27) {
            return picture::collect(value, self.track, self.lines);
        }
        let text = match kind {
            2 | 5 => Some(utf16(value, u16::from_be_bytes)),
            0 | 1 | 4 => plain_text(value).map(str::to_owned),
            23 => value.try_into().ok().map(|bytes| f32::from_be_bytes(bytes).to_string()),
            24 => value.try_into().ok().map(|bytes| f64::from_be_bytes(bytes).to_string()),
            21 | 22 | 65..=78 if value.len() <= 8 => {
                Some(value.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte)).to_string())
            }
            _ => None,
        };
        match text {
            Some(text) => self.value(name, &text),
            None => printable::search_bytes(value, name, self.track, self.lines),
        }
    }

    /// Adds one value. A position becomes a decimal pair.
    fn value(&mut self, name: &str, text: &str) {
        let is_position = name == "position" || name.to_ascii_lowercase().contains("iso6709");
        if is_position && let Some(position) = iso_6709(text) {
            self.lines.add_position(&position_place(self.track), position);
            return;
        }
        self.lines.add_tag(name, self.track, text);
    }

    fn bytes(&self, header: Header) -> Result<Vec<u8>, Damaged> {
        read(self.source, header.body, header.end, VALUE_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::corpus::source;
    use crate::test_boxes::atom;

    fn collected(file: &[u8]) -> (Vec<(String, String)>, Result<(), Damaged>) {
        let mut lines = Lines::default();
        let ended = collect(&source(file), &mut lines);
        let parse = |line: &[u8]| {
            let line: reelgate_pipelines::messages::TextLine = serde_json::from_slice(line).unwrap();
            (line.field, line.text)
        };
        let found = lines.jsonl.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(parse).collect();
        (found, ended)
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(field, text)| ((*field).to_owned(), (*text).to_owned())).collect()
    }

    fn movie(parts: &[Vec<u8>]) -> Vec<u8> {
        [atom(b"ftyp", b"isom\0\0\0\0"), atom(b"moov", &parts.concat())].concat()
    }

    #[test]
    fn quicktime_values_have_the_names_of_their_keys_and_a_position_becomes_a_decimal_pair() {
        let key = |name: &[u8]| atom(b"mdta", name);
        let keys =
            [&[0, 0, 0, 0, 0, 0, 0, 2][..], &key(b"com.apple.quicktime.location.ISO6709"), &key(b"note")]
                .concat();
        let data = |text: &[u8]| atom(b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0], text].concat());
        let items = [
            atom(&1u32.to_be_bytes(), &data(b"+48.858222+002.294500+035/")),
            atom(&2u32.to_be_bytes(), &data("grüße".as_bytes())),
        ]
        .concat();
        let hdlr = atom(b"hdlr", &[0; 24]);
        let meta = [hdlr, atom(b"keys", &keys), atom(b"ilst", &items)].concat();
        let (found, ended) = collected(&movie(&[atom(b"meta", &meta)]));
        assert_eq!(found, pairs(&[("position", "48.858222, 2.294500"), ("note", "grüße")]));
        assert_eq!(ended, Ok(()));
    }

    #[test]
    fn itunes_items_are_read_and_free_items_have_their_own_name() {
        let data = |kind: u8, value: &[u8]| atom(b"data", &[&[0, 0, 0, kind, 0, 0, 0, 0], value].concat());
        let free =
            [atom(b"mean", b"\0\0\0\0com.x"), atom(b"name", b"\0\0\0\0device_serial"), data(1, b"C02XG")]
                .concat();
        let items =
            [atom(b"\xa9cmt", &data(1, b"hello")), atom(b"----", &free), atom(b"tmpo", &data(21, &[0, 120]))];
        let meta = [vec![0; 4], atom(b"hdlr", &[0; 24]), atom(b"ilst", &items.concat())].concat();
        let (found, ended) = collected(&movie(&[atom(b"udta", &atom(b"meta", &meta))]));
        assert_eq!(found, pairs(&[("comment", "hello"), ("device_serial", "C02XG"), ("tmpo", "120")]));
        assert_eq!(ended, Ok(()));
    }

    #[test]
    fn user_data_of_quicktime_and_3gpp_and_handler_names_are_read() {
        let fixed = |degrees: f64| ((degrees * 65_536.0) as i32).to_be_bytes();
        let loci =
            [b"\0\0\0\0\x15\xc7Home\0\x00", &fixed(2.5)[..], &fixed(48.25), &[0; 4], b"earth\0by the door\0"]
                .concat();
        let udta = [
            atom(b"\xa9mod", b"\0\x05\x15\xc7Cam 1"),
            atom(b"auth", b"\0\0\0\0\x15\xc7Ann Lee\0"),
            atom(b"loci", &loci),
            atom(b"kywd", b"\0\0\0\0\x15\xc7\x01\x05beach"),
            atom(b"kywd", b"\0\0\0\0\x15\xc7"),
            atom(b"SDLN", b"SEQ_PLAY"),
            atom(b"junk", &[1, 2, 3]),
        ];
        let hdlr = [&[0; 8][..], b"vide", &[0; 12], b"\x09My Camera"].concat();
        let trak = atom(b"trak", &atom(b"mdia", &atom(b"hdlr", &hdlr)));
        let (found, ended) = collected(&movie(&[trak, atom(b"udta", &udta.concat())]));
        let expected = [
            ("handler_name", "My Camera"),
            ("device_model", "Cam 1"),
            ("author", "Ann Lee"),
            ("location_name", "Home"),
            ("position", "48.250000, 2.500000"),
            ("location_body", "earth"),
            ("location_notes", "by the door"),
            ("keywords", "beach"),
            ("SDLN", "SEQ_PLAY"),
        ];
        assert_eq!(found, pairs(&expected));
        assert_eq!(ended, Ok(()));
    }

    #[test]
    fn covers_values_of_other_kinds_and_large_boxes_of_user_data_are_read() {
        let data = |kind: u8, value: &[u8]| atom(b"data", &[&[0, 0, 0, kind, 0, 0, 0, 0], value].concat());
        let items = [
            atom(b"covr", &data(13, &samples::jpeg())),
            atom(b"covr", &data(0, &samples::png())),
            atom(b"zzzz", &data(99, b"\x01\x02text of Ann\x03")),
        ];
        let meta = [vec![0; 4], atom(b"hdlr", &[0; 24]), atom(b"ilst", &items.concat())].concat();
        let large = [vec![1; 5_000], b"behind 5,000 bytes".to_vec()].concat();
        let id3 = [&[0; 6][..], b"ID3\x04\0\0\0\0\0\x12TPE1\0\0\0\x08\0\0\x03Carol T"].concat();
        let udta = [atom(b"meta", &meta), atom(b"zzzz", &large), atom(b"ID32", &id3)];
        let (found, ended) = collected(&movie(&[atom(b"udta", &udta.concat())]));
        let has = |text: &str| found.iter().any(|(_, found)| found.contains(text));
        for text in
            ["ann@x.org", "48.858222, 2.294500", "Dan Text", "text of Ann", "behind 5,000 bytes", "Carol T"]
        {
            assert!(has(text), "{text}: {found:?}");
        }
        assert_eq!(ended, Ok(()));
    }

    #[test]
    fn boxes_shorter_than_declared_are_damaged_and_earlier_tags_are_kept() {
        let udta = [
            atom(b"\xa9cmt", b"\0\x02\x15\xc7hi"),
            atom(b"loci", b"\0\0"),
            atom(b"\xa9nam", b"\0\x02\x15\xc7no"),
        ];
        let (found, ended) = collected(&movie(&[atom(b"udta", &udta.concat())]));
        assert_eq!((found, ended), (pairs(&[("comment", "hi")]), Err(Damaged)));
        for bytes in [&b"\0\0\0\x01udta"[..], b"\0\0\0\x07moov", &atom(b"meta", b"")] {
            let _ = collected(&movie(&[bytes.to_vec()]));
        }
    }
}
