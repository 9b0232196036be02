//! Reads tags, names, chapters and attachments of Matroska and WebM (RFC 9559). The demuxer drops those that it does not
//! know. Clusters are skipped.

use super::super::lines::{Lines, position_place};
use super::super::location::{checked, iso_6709};
use super::value::{Damaged, VALUE_BYTES_MAX, read};
use crate::source::Source;

/// Elements read. A day of one-second clusters has a tenth of them.
const ELEMENTS_MAX: u32 = 1_000_000;
/// Nesting of elements.
const DEPTH_MAX: u32 = 10;
/// The size that means "unknown" (RFC 8794, 6.2).
const UNKNOWN_SIZE: u64 = u64::MAX;

const SEGMENT: u32 = 0x1853_8067;
const TAG_NAME: u32 = 0x45a3;
const TAG_STRING: u32 = 0x4487;
const SIMPLE_TAG: u32 = 0x67c8;
/// Elements that contain elements with text: info, tracks, track entry, tags, tag, simple tag, attachments, attached file.
const MASTERS: [u32; 8] =
    [0x1549_a966, 0x1654_ae6b, 0xae, 0x1254_c367, 0x7373, SIMPLE_TAG, 0x1941_a469, 0x61a7];
/// Elements with text, and the names of their fields.
const TEXTS: [(u32, &str); 7] = [
    (0x7ba9, "title"),
    (0x4d80, "muxing_app"),
    (0x5741, "writing_app"),
    (0x536e, "track_name"),
    (0x7384, "segment_file_name"),
    (0x466e, "attachment_name"),
    (0x467e, "attachment_description"),
];

/// Adds every tag and name of the file.
pub fn collect(source: &Source, lines: &mut Lines) -> Result<(), Damaged> {
    let mut walk = Walk { source, lines, elements: 0, pair: (None, None) };
    walk.descend(0, source.size_bytes(), 0)?;
    if let (Some(latitude), Some(longitude)) = walk.pair
        && let Some(position) = checked(latitude, longitude)
    {
        walk.lines.add_position(&position_place(None), position);
    }
    Ok(())
}

struct Walk<'a> {
    source: &'a Source,
    lines: &'a mut Lines,
    elements: u32,
    /// Latitude and longitude from two separate tags, as some writers store them.
    pair: (Option<f64>, Option<f64>),
}

impl Walk<'_> {
    fn descend(&mut self, start: u64, end: u64, depth: u32) -> Result<(), Damaged> {
        if depth > DEPTH_MAX {
            return Err(Damaged);
        }
        let mut at = start;
        let mut name = None;
        while at < end {
            self.elements += 1;
            if self.elements > ELEMENTS_MAX {
                return Err(Damaged);
            }
            let head = read(self.source, at, end, 12)?;
            let Some((id, size, used)) = header(&head) else { return Err(Damaged) };
            let body = at + used;
            let stop = if size == UNKNOWN_SIZE { end } else { body.saturating_add(size).min(end) };
            if id == SEGMENT || MASTERS.contains(&id) {
                self.descend(body, stop, depth + 1)?;
            } else if size == UNKNOWN_SIZE {
                return Ok(()); // a live recording: elements after its clusters cannot be found without reading the clusters
            } else if id == TAG_NAME {
                name = Some(self.text(body, stop)?);
            } else if id == TAG_STRING {
                let value = self.text(body, stop)?;
                self.value(name.as_deref().unwrap_or("tag"), &value);
            } else if let Some((_, field)) = TEXTS.iter().find(|(known, _)| *known == id) {
                let value = self.text(body, stop)?;
                self.lines.add_tag(field, None, &value);
            }
            at = stop.max(at + 1);
        }
        Ok(())
    }

    fn text(&self, start: u64, end: u64) -> Result<String, Damaged> {
        let bytes = read(self.source, start, end, VALUE_BYTES_MAX)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn value(&mut self, name: &str, text: &str) {
        let is_position = name.to_ascii_lowercase().contains("location") || name.eq_ignore_ascii_case("GPS");
        if is_position && let Some(position) = iso_6709(text) {
            self.lines.add_position(&position_place(None), position);
            return;
        }
        match name.to_ascii_uppercase().as_str() {
            "LATITUDE" => self.pair.0 = text.trim().parse().ok(),
            "LONGITUDE" => self.pair.1 = text.trim().parse().ok(),
            _ => {}
        }
        self.lines.add_tag(name, None, text);
    }
}

/// Identifier, size, and the number of bytes of both (RFC 8794, 4 and 5).
fn header(bytes: &[u8]) -> Option<(u32, u64, u64)> {
    let id_bytes = bytes.first()?.leading_zeros() as usize + 1;
    let id = bytes.get(..id_bytes.min(5)).filter(|id| id.len() <= 4)?;
    let id = id.iter().fold(0u32, |id, byte| id << 8 | u32::from(*byte));
    let size = bytes.get(id_bytes..)?;
    let size_bytes = size.first()?.leading_zeros() as usize + 1;
    let size = size.get(..size_bytes).filter(|size| size.len() <= 8)?;
    let mask = (1u64 << (7 * size_bytes)) - 1;
    let value = size.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte)) & mask;
    let value = if value == mask { UNKNOWN_SIZE } else { value };
    Some((id, value, (id_bytes + size_bytes) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::source;

    fn element(id: u32, body: &[u8]) -> Vec<u8> {
        let id = id.to_be_bytes();
        let id = &id[id.iter().position(|byte| *byte != 0).unwrap()..];
        [id, &(0x1000_0000 | body.len() as u32).to_be_bytes(), body].concat()
    }

    fn collected(file: &[u8]) -> (String, Result<(), Damaged>) {
        let mut lines = Lines::default();
        let ended = collect(&source(file), &mut lines);
        (String::from_utf8(lines.jsonl).unwrap(), ended)
    }

    fn simple(name: &str, value: &str) -> Vec<u8> {
        element(
            SIMPLE_TAG,
            &[element(TAG_NAME, name.as_bytes()), element(TAG_STRING, value.as_bytes())].concat(),
        )
    }

    #[test]
    fn simple_tags_and_names_of_files_and_tracks_are_read_around_clusters() {
        let tags = element(
            0x7373,
            &[simple("DEVICE_SERIAL", "C02XG"), simple("LOCATION", "+48.858222+002.294500/")].concat(),
        );
        let track = element(0x1654_ae6b, &element(0xae, &element(0x536e, b"Ann's camera")));
        let segment = [track, element(0x1f43_b675, &[0xff; 40]), element(0x1254_c367, &tags)].concat();
        let (text, ended) = collected(&[element(0x1a45_dfa3, b""), element(SEGMENT, &segment)].concat());
        assert!(text.contains(r#""field":"track_name""#) && text.contains("Ann's camera"), "{text}");
        assert!(text.contains(r#""field":"DEVICE_SERIAL""#) && text.contains("C02XG"), "{text}");
        assert!(text.contains("48.858222, 2.294500"), "{text}");
        assert_eq!((text.lines().count(), ended), (3, Ok(())));
    }

    #[test]
    fn endless_and_meaningless_elements_do_not_hang_the_reader() {
        assert_eq!(collected(&[0; 64]).1, Err(Damaged));
        assert_eq!(collected(&[0x18, 0x53, 0x80, 0x67, 0xff, 0x1f, 0x43, 0xb6, 0x75, 0xff]).1, Ok(()));
        assert_eq!(collected(b"").1, Ok(()));
    }
}
