//! Reads Exif (CIPA DC-008): a TIFF structure with the position of the camera, its owner and its serial numbers. Files of every
//! container have it in cover pictures, some cameras write it into boxes of their own.

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::{Lines, position_place};
use super::super::location::checked;
use super::runs::{RUN_MIN, runs};
use super::value::plain_text;
use super::{iptc, xmp};
use crate::unicode::{unicode, utf16};

/// Directories read of one structure, and entries of one directory.
const DIRECTORIES_MAX: usize = 32;
const ENTRIES_MAX: usize = 1_000;
/// Bytes read of one value.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// Names of entries with text. Other text keeps the number of its entry.
const NAMES: [(u16, &str); 22] = [
    (0x010d, "document_name"),
    (0x010e, "description"),
    (0x010f, "device_manufacturer"),
    (0x0110, "device_model"),
    (0x0131, "software"),
    (0x0132, "date"),
    (0x013b, "artist"),
    (0x013c, "host_computer"),
    (0x8298, "copyright"),
    (0x9003, "creation_date"),
    (0x9286, "comment"),
    (0x9c9b, "title"),
    (0x9c9c, "comment"),
    (0x9c9d, "author"),
    (0x9c9e, "keywords"),
    (0x9c9f, "subject"),
    (0xa430, "camera_owner"),
    (0xa431, "camera_serial_number"),
    (0xa433, "lens_manufacturer"),
    (0xa434, "lens_model"),
    (0xa435, "lens_serial_number"),
    (0xa420, "image_unique_id"),
];

/// Whether bytes begin a TIFF structure.
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*")
}

/// Adds every text and the position of a TIFF structure. One that contradicts itself is a gap.
pub fn collect(tiff: &[u8], track: Option<u32>, lines: &mut Lines) {
    let is_little = tiff.starts_with(b"II");
    let reader = Reader { tiff, is_little };
    let mut walk = Walk { reader, track, lines, directories: 0, position: Position::default() };
    let walked = reader.u32(4).and_then(|first| walk.chain(first, false));
    let Walk { position, .. } = walk;
    if let Some((latitude, longitude)) = position.degrees()
        && let Some(found) = checked(latitude, longitude)
    {
        lines.add_position(&position_place(track), found);
    }
    if walked.is_none() {
        lines.record_gap(Surface::Tags, track, NotSearched::Damaged);
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    tiff: &'a [u8],
    is_little: bool,
}

struct Walk<'a> {
    reader: Reader<'a>,
    track: Option<u32>,
    lines: &'a mut Lines,
    directories: usize,
    position: Position,
}

/// Latitude and longitude, each with its hemisphere.
#[derive(Default)]
struct Position {
    is_south: bool,
    is_west: bool,
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl Position {
    fn degrees(&self) -> Option<(f64, f64)> {
        let signed = |degrees: f64, is_negative: bool| if is_negative { -degrees } else { degrees };
        Some((signed(self.latitude?, self.is_south), signed(self.longitude?, self.is_west)))
    }
}

/// One entry with its value.
struct Entry<'a> {
    tag: u16,
    kind: u16,
    value: &'a [u8],
}

impl<'a> Reader<'a> {
    fn u16(self, at: usize) -> Option<u16> {
        let bytes = self.tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn u32(self, at: usize) -> Option<u32> {
        let bytes = self.tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    /// The entry at a place. Its value is in its last four bytes, or where they point.
    fn entry(self, at: usize) -> Option<Entry<'a>> {
        let (tag, kind, count) = (self.u16(at)?, self.u16(at + 2)?, self.u32(at + 4)?);
        let size = match kind {
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => 1,
        };
        let length = usize::try_from(count).ok()?.checked_mul(size)?;
        let start = if length <= 4 { at + 8 } else { usize::try_from(self.u32(at + 8)?).ok()? };
        let value = self.tiff.get(start..start.checked_add(length)?)?;
        Some(Entry { tag, kind, value })
    }

    /// The number that an entry with a pointer has.
    fn number(self, entry: &Entry) -> Option<u32> {
        let bytes = entry.value.first_chunk::<4>()?;
        Some(if self.is_little { u32::from_le_bytes(*bytes) } else { u32::from_be_bytes(*bytes) })
    }

    /// Degrees, minutes and seconds as fractions.
    fn angle(self, entry: &Entry) -> Option<f64> {
        let at = |index: usize| {
            let value = Reader { tiff: entry.value, ..self };
            let (over, under) = (value.u32(index * 8)?, value.u32(index * 8 + 4)?);
            if under == 0 { Some(0.0) } else { Some(f64::from(over) / f64::from(under)) }
        };
        Some(at(0)? + at(1).unwrap_or(0.0) / 60.0 + at(2).unwrap_or(0.0) / 3_600.0)
    }
}

impl Walk<'_> {
    /// A directory and those that follow it; `None` if one is damaged.
    fn chain(&mut self, first: u32, is_gps: bool) -> Option<()> {
        let mut at = usize::try_from(first).ok()?;
        while at != 0 {
            self.directories += 1;
            if self.directories > DIRECTORIES_MAX {
                return None;
            }
            let count = usize::from(self.reader.u16(at)?);
            if count > ENTRIES_MAX {
                return None;
            }
            let mut is_whole = true;
            for index in 0..count {
                // What an entry says about itself may be wrong while the next is right.
                let entry = self.reader.entry(at + 2 + index * 12);
                is_whole &= entry.and_then(|entry| self.take(&entry, is_gps)).is_some();
            }
            if !is_whole {
                return None;
            }
            // Some writers leave out the end of the list.
            at =
                self.reader.u32(at + 2 + count * 12).and_then(|next| usize::try_from(next).ok()).unwrap_or(0);
        }
        Some(())
    }

    fn take(&mut self, entry: &Entry, is_gps: bool) -> Option<()> {
        match (is_gps, entry.tag) {
            // Exif, interoperability, GPS.
            (false, 0x8769 | 0xa005) => {
                let at = self.reader.number(entry)?;
                return self.chain(at, false);
            }
            (false, 0x8825) => {
                let at = self.reader.number(entry)?;
                return self.chain(at, true);
            }
            (false, 0x02bc) => {
                return xmp::collect(entry.value, self.track, self.lines).ok();
            }
            (false, 0x83bb) => iptc::collect(entry.value, self.track, self.lines),
            (false, 0x9c9b..=0x9c9f) => {
                let text = utf16(bounded(entry.value), u16::from_le_bytes);
                self.lines.add_tag(name(entry.tag, is_gps).as_ref(), self.track, &text);
            }
            // A comment begins with the name of its character set.
            (false, 0x9286) | (true, 0x1b | 0x1c) => self.comment(entry, is_gps),
            (true, 1) => self.position.is_south = entry.value.first() == Some(&b'S'),
            (true, 3) => self.position.is_west = entry.value.first() == Some(&b'W'),
            (true, 2) => self.position.latitude = self.reader.angle(entry),
            (true, 4) => self.position.longitude = self.reader.angle(entry),
            // Where the subject of the picture is, as text of four short parts; and data of the manufacturer.
            (false, 0x927c) => {
                for run in runs(bounded(entry.value), RUN_MIN) {
                    self.lines.add_tag("maker_note", self.track, &run.text);
                }
            }
            _ if matches!(entry.kind, 2 | 7 | 129) => {
                if let Some(text) = plain_text(bounded(entry.value)).filter(|text| text.len() > 1) {
                    self.lines.add_tag(name(entry.tag, is_gps).as_ref(), self.track, text);
                } else if entry.kind != 7 {
                    let text: String = bounded(entry.value).iter().map(|byte| char::from(*byte)).collect();
                    self.lines.add_tag(
                        name(entry.tag, is_gps).as_ref(),
                        self.track,
                        &text.replace('\0', " "),
                    );
                }
            }
            _ => {}
        }
        Some(())
    }

    fn comment(&mut self, entry: &Entry, is_gps: bool) {
        let Some((set, text)) = bounded(entry.value).split_at_checked(8) else { return };
        let text = match (set, self.reader.is_little) {
            (b"UNICODE\0", true) => utf16(text, u16::from_le_bytes),
            (b"UNICODE\0", false) => utf16(text, u16::from_be_bytes),
            (b"JIS\0\0\0\0\0", _) => {
                return self.lines.record_gap(Surface::Tags, self.track, NotSearched::UnknownForm);
            }
            _ => unicode(text),
        };
        self.lines.add_tag(name(entry.tag, is_gps).as_ref(), self.track, &text);
    }
}

fn bounded(value: &[u8]) -> &[u8] {
    &value[..value.len().min(VALUE_BYTES_MAX)]
}

fn name(tag: u16, is_gps: bool) -> std::borrow::Cow<'static, str> {
    if is_gps {
        return format!("gps_{tag}").into();
    }
    let known = NAMES.iter().find(|(known, _)| *known == tag);
    known.map_or_else(|| format!("exif_{tag:04x}").into(), |(_, name)| (*name).into())
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn collected(bytes: &[u8]) -> (String, bool) {
        let mut lines = Lines::default();
        collect(bytes, None, &mut lines);
        let is_whole = lines.reports().iter().all(|report| report.gaps.is_empty());
        (String::from_utf8(lines.jsonl).unwrap(), is_whole)
    }

    #[test]
    fn text_serial_numbers_and_the_position_are_read_in_both_byte_orders() {
        for is_little in [true, false] {
            let (text, is_whole) = collected(&samples::tiff(is_little));
            for (field, value) in [
                ("artist", "Ann Lee <ann@x.org>"),
                ("camera_serial_number", "SN-0123456"),
                ("comment", "Grüße"),
                ("position", "48.858222, 2.294500"),
            ] {
                let line = text.lines().find(|line| line.contains(value)).expect(value);
                assert!(line.contains(&format!("\"field\":\"{field}\"")), "{line}");
            }
            assert!(is_whole);
        }
    }

    #[test]
    fn a_structure_that_is_cut_or_points_to_itself_is_a_gap_and_never_panics() {
        let whole = samples::tiff(true);
        for length in 0..whole.len() {
            collected(&whole[..length]);
        }
        assert!(!collected(&whole[..60]).1);
        let mut endless = whole.clone();
        endless[46..50].copy_from_slice(&8u32.to_le_bytes());
        assert!(!collected(&endless).1);
        for at in 0..whole.len() {
            for byte in [0x00, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                collected(&changed);
            }
        }
    }
}
