//! Reads tags, names, chapters and attachments of Matroska and WebM (RFC 9559). The demuxer drops those that it does not
//! know. Of clusters only the headers of their elements are read.

use super::super::lines::{Lines, position_place};
use super::super::location::{checked, iso_6709};
use super::attachments::{self, AttachedFile};
use super::printable::{Budget, add_text, search};
use super::value::{Damaged, VALUE_BYTES_MAX, read};
use crate::source::Source;

/// Elements read: those of a day with 25 pictures a second and sound.
const ELEMENTS_MAX: u32 = 10_000_000;
/// Nesting of elements.
const DEPTH_MAX: u32 = 10;
/// The size that means "unknown" (RFC 8794, 6.2).
const UNKNOWN_SIZE: u64 = u64::MAX;

const SEGMENT: u32 = 0x1853_8067;
const TAG_NAME: u32 = 0x45a3;
const TAG_STRING: u32 = 0x4487;
const SIMPLE_TAG: u32 = 0x67c8;
const CLUSTER: u32 = 0x1f43_b675;
const ATTACHED_FILE: u32 = 0x61a7;
const MEDIA_TYPE: u32 = 0x4660;
const FILE_NAME: u32 = 0x466e;
const FILE_DATA: u32 = 0x465c;
const CODEC_SETUP: u32 = 0x63a2;
const VOID: u32 = 0xec;
/// Elements that contain elements with text: info, tracks, track entry, tags, tag, simple tag, attachments, and clusters with
/// groups of blocks, which may have anything beside their blocks.
const MASTERS: [u32; 9] =
    [0x1549_a966, 0x1654_ae6b, 0xae, 0x1254_c367, 0x7373, SIMPLE_TAG, 0x1941_a469, CLUSTER, 0xa0];
/// Elements without text of their own: the header of the file, the lists of elements and keyframes, chapters, blocks, what
/// blocks add for transparency.
const WITHOUT_TEXT: [u32; 8] = [0x1a45_dfa3, 0x114d_9b74, 0x1c53_bb6b, 0x1043_a770, 0xa3, 0xa1, 0xaf, 0x75a1];
/// Elements up to this size are numbers.
const NUMBER_BYTES: u64 = 8;
/// Bytes read of the set-up data of a track, which may be the head of a subtitle file.
const SETUP_BYTES_MAX: usize = 1 << 20;
/// Elements with text, and the names of their fields.
const TEXTS: [(u32, &str); 12] = [
    (0x25_8688, "codec_name"),
    (0x3a_9697, "codec_settings"),
    (0x3c_83ab, "previous_file_name"),
    (0x3e_83bb, "next_file_name"),
    (0x26_b240, "codec_url"),
    (0x7ba9, "title"),
    (0x4d80, "muxing_app"),
    (0x5741, "writing_app"),
    (0x536e, "track_name"),
    (0x7384, "segment_file_name"),
    (FILE_NAME, "attachment_name"),
    (0x467e, "attachment_description"),
];

/// Adds every tag and name of the file.
pub fn collect(source: &Source, lines: &mut Lines) -> Result<(), Damaged> {
    let budget = Budget::default();
    let mut walk =
        Walk { source, lines, budget, elements: 0, pair: (None, None), file: AttachedFile::default() };
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
    budget: Budget,
    elements: u32,
    /// The attached file whose elements are read.
    file: AttachedFile,
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
            let Some((id, size, used)) = header(&head) else {
                if depth > 0 || at == start {
                    return Err(Damaged);
                }
                self.search("file_tail", at, end);
                return Ok(());
            };
            let body = at + used;
            let stop = if size == UNKNOWN_SIZE { end } else { body.saturating_add(size).min(end) };
            if size == UNKNOWN_SIZE && id == CLUSTER {
                // A live recording: what the cluster has, and what comes after it, is read as members of its parent.
                at = body;
                continue;
            }
            if id == CLUSTER {
                // What is damaged in a cluster is media, whose readers say so. What comes after it is read.
                let _ = self.descend(body, stop, depth + 1);
            } else if id == SEGMENT || MASTERS.contains(&id) {
                self.descend(body, stop, depth + 1)?;
            } else if id == ATTACHED_FILE {
                self.file = AttachedFile::default();
                self.descend(body, stop, depth + 1)?;
                let file = std::mem::take(&mut self.file);
                attachments::collect(self.source, &file, &mut self.budget, self.lines);
            } else if size == UNKNOWN_SIZE {
                return Err(Damaged); // only segments and clusters may have no size
            } else if id == TAG_NAME {
                name = Some(self.text(body, stop)?);
            } else if id == TAG_STRING {
                let value = self.text(body, stop)?;
                self.value(name.as_deref().unwrap_or("tag"), &value);
            } else if let Some((_, field)) = TEXTS.iter().find(|(known, _)| *known == id) {
                let value = self.text(body, stop)?;
                self.lines.add_tag(field, None, &value);
                if id == FILE_NAME {
                    self.file.name = value;
                }
            } else {
                self.other(id, depth, (at, body, stop))?;
            }
            at = stop.max(at + 1);
        }
        Ok(())
    }

    /// An element that is no known text.
    fn other(&mut self, id: u32, depth: u32, (at, body, stop): (u64, u64, u64)) -> Result<(), Damaged> {
        match id {
            MEDIA_TYPE => self.file.media_type = self.text(body, stop)?,
            FILE_DATA => self.file.data = (body, stop),
            CODEC_SETUP => {
                let setup = read(self.source, body, stop, SETUP_BYTES_MAX)?;
                add_text(&setup, "track_setup", None, self.lines);
            }
            VOID => self.search("free_space", body, stop),
            id if WITHOUT_TEXT.contains(&id) => {}
            // Behind the segment is nothing. What looks like an element is text.
            _ if depth == 0 => self.search("file_tail", at, stop),
            _ if stop.saturating_sub(body) > NUMBER_BYTES => self.search("unknown_element", body, stop),
            _ => {}
        }
        Ok(())
    }

    fn search(&mut self, field: &str, start: u64, end: u64) {
        search(self.source, (start, end), (field, None), &mut self.budget, self.lines);
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

    fn attached(name: &str, media_type: &str, data: &[u8]) -> Vec<u8> {
        let parts = [
            element(FILE_DATA, data),
            element(FILE_NAME, name.as_bytes()),
            element(MEDIA_TYPE, media_type.as_bytes()),
        ];
        element(ATTACHED_FILE, &parts.concat())
    }

    fn whole() -> Vec<u8> {
        let setup =
            element(0x1654_ae6b, &element(0xae, &element(CODEC_SETUP, b"[Script Info]\nTitle: by Gil\n")));
        let group = element(
            0xa0,
            &[element(0xa1, b"a block has no text"), element(0x7777, b"in a block group")].concat(),
        );
        let blocks =
            [element(0xa3, b"a block has no text"), element(VOID, b"\0\0in a cluster"), group].concat();
        let files = [
            attached("a.txt", "text/plain", "Gästeliste: jane@x.org".as_bytes()),
            attached("b.jpg", "image/jpeg", &super::super::samples::jpeg()),
        ];
        let segment = [
            setup,
            element(VOID, b"\0\0in the free space\0"),
            element(CLUSTER, &blocks),
            element(0x1941_a469, &files.concat()),
            element(0x4321, b"in an unknown element"),
        ];
        [element(0x1a45_dfa3, b""), element(SEGMENT, &segment.concat()), b"behind the segment".to_vec()]
            .concat()
    }

    #[test]
    fn attachments_setup_free_space_unknown_elements_and_the_tail_are_read() {
        let (text, ended) = collected(&whole());
        for (field, value) in [
            ("track_setup", "by Gil"),
            ("free_space", "in a cluster"),
            ("unknown_element", "in a block group"),
            ("free_space", "in the free space"),
            ("attachment", "Gästeliste: jane@x.org"),
            ("position", "48.858222, 2.294500"),
            ("unknown_element", "in an unknown element"),
            ("file_tail", "behind the segment"),
        ] {
            let line = text.lines().find(|line| line.contains(value)).expect(value);
            assert!(line.contains(&format!("\"field\":\"{field}\"")), "{line}");
        }
        assert!(!text.contains("a block has"), "{text}");
        assert_eq!(ended, Ok(()));
    }

    #[test]
    fn tags_behind_the_clusters_of_a_live_recording_are_read() {
        let cluster = [&CLUSTER.to_be_bytes()[..], &[0xff], &element(0xa3, b"a block has no text")].concat();
        let tags = element(0x1254_c367, &element(0x7373, &simple("OWNER", "Ann Lee")));
        let file = [&SEGMENT.to_be_bytes()[..], &[0xff], &cluster, &cluster, &tags].concat();
        let (text, ended) = collected(&file);
        assert!(text.contains("Ann Lee") && !text.contains("a block"), "{text}");
        assert_eq!(ended, Ok(()));
    }

    #[test]
    fn elements_cut_or_changed_anywhere_never_panic() {
        let whole = whole();
        for at in 0..whole.len() {
            let _ = collected(&whole[..at]);
            for byte in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                let _ = collected(&changed);
            }
        }
    }

    #[test]
    fn endless_and_meaningless_elements_do_not_hang_the_reader() {
        assert_eq!(collected(&[0; 64]).1, Err(Damaged));
        assert_eq!(collected(&[0x18, 0x53, 0x80, 0x67, 0xff, 0x1f, 0x43, 0xb6, 0x75, 0xff]).1, Ok(()));
        assert_eq!(collected(b"").1, Ok(()));
    }
}
