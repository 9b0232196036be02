//! Reads text of RIFF files: WAVE (with Broadcast Wave, EBU Tech 3285, and RF64) and AVI. Chunks with known text are read by their
//! form. Every other chunk is searched, except for sound and pictures.

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;
use super::printable::{Budget, search};
use super::runs::runs;
use super::value::{Damaged, Window, read, utf8_or_latin};
use super::{id3, xmp};
use crate::source::Source;

/// Chunks read: two for each picture of a long film.
const CHUNKS_MAX: u32 = 5_000_000;
/// Nesting of lists.
const DEPTH_MAX: u32 = 6;
/// Bytes read of one chunk with text.
const TEXT_BYTES_MAX: usize = 4 << 20;
/// Characters of the shortest text in a chunk that has texts between nulls.
const FIELD_CHARACTERS_MIN: usize = 3;
/// A size that stands in the chunk `ds64` (EBU Tech 3306).
const SIZE_ELSEWHERE: u32 = u32::MAX;

/// Names of texts in lists of the kind `INFO`. Others keep their identifiers.
const INFO: [(&[u8; 4], &str); 14] = [
    (b"IARL", "archive_location"),
    (b"IART", "artist"),
    (b"ICMS", "commissioned_by"),
    (b"ICMT", "comment"),
    (b"ICOP", "copyright"),
    (b"ICRD", "creation_date"),
    (b"IENG", "engineer"),
    (b"IKEY", "keywords"),
    (b"INAM", "title"),
    (b"ISBJ", "subject"),
    (b"ISFT", "software"),
    (b"ISRC", "source"),
    (b"ITCH", "technician"),
    (b"strn", "track_name"),
];
/// The fixed texts of `bext`, by their length, and how far into it its history of coding begins.
const BROADCAST: [(usize, &str); 4] =
    [(256, "description"), (32, "originator"), (32, "originator_reference"), (18, "creation_date")];
const CODING_HISTORY_AT: usize = 602;

/// Adds every text of the file.
pub fn collect(source: &Source, lines: &mut Lines) -> Result<(), Damaged> {
    let budget = Budget::default();
    let mut walk = Walk { source, window: Window::new(source), lines, budget, chunks: 0, data_bytes: None };
    let end = walk.list(0, source.size_bytes(), 0)?;
    walk.search("file_tail", end, source.size_bytes());
    Ok(())
}

struct Walk<'a> {
    source: &'a Source,
    window: Window<'a>,
    lines: &'a mut Lines,
    budget: Budget,
    chunks: u32,
    /// The size of the sound where its chunk does not have it.
    data_bytes: Option<u64>,
}

impl Walk<'_> {
    /// The chunks between two places. Returns where they end.
    fn list(&mut self, start: u64, end: u64, depth: u32) -> Result<u64, Damaged> {
        let mut at = start;
        while let Some(head) = self.window.array::<8>(at).filter(|_| at + 8 <= end) {
            let [a, b, c, d, size @ ..] = head;
            let (kind, size) = ([a, b, c, d], u32::from_le_bytes(size));
            let is_top = matches!(&kind, b"RIFF" | b"RF64" | b"BW64");
            if depth == 0 && !is_top {
                return Ok(at);
            }
            self.chunks += 1;
            if self.chunks > CHUNKS_MAX {
                return Err(Damaged);
            }
            let body = at + 8;
            let size = match (size, &kind) {
                (SIZE_ELSEWHERE, b"data") => self.data_bytes.unwrap_or(u64::MAX),
                // A recorder that was switched off did not write these sizes.
                (0 | SIZE_ELSEWHERE, b"RIFF" | b"RF64" | b"BW64" | b"data") => u64::MAX,
                (size, _) => u64::from(size),
            };
            let declared = body.saturating_add(size);
            let stop = declared.min(end);
            let is_media = matches!(&kind, b"data" | b"LIST" | b"RIFF" | b"RF64" | b"BW64");
            if declared > end && !is_media {
                self.lines.record_gap(Surface::Tags, None, NotSearched::Damaged);
            }
            if is_top || &kind == b"LIST" {
                if depth >= DEPTH_MAX {
                    return Err(Damaged);
                }
                self.members(body, stop, depth)?;
            } else {
                self.chunk(kind, body, stop)?;
            }
            at = stop.saturating_add(size % 2).max(body);
        }
        Ok(at.min(end))
    }

    /// The members of a list, behind its kind.
    fn members(&mut self, body: u64, stop: u64, depth: u32) -> Result<(), Damaged> {
        let end = self.list(body.saturating_add(4).min(stop), stop, depth + 1)?;
        if end < stop {
            self.search("padding", end, stop);
        }
        Ok(())
    }

    fn chunk(&mut self, kind: [u8; 4], body: u64, stop: u64) -> Result<(), Damaged> {
        match &kind {
            b"fmt " | b"data" | b"fact" | b"ds64" | b"PEAK" | b"avih" | b"strh" | b"idx1" | b"indx"
            | b"vprp" | b"dmlh" | b"smpl" | b"inst" | b"cue " | b"plst" | b"slnt" | b"levl" => {
                if &kind == b"ds64" {
                    self.data_bytes = self.window.array::<8>(body + 8).map(u64::from_le_bytes);
                }
            }
            // Packets of tracks, and their indexes.
            [b'i', b'x', a, b] | [a, b, b'd' | b'w' | b'p' | b't', b'b' | b'c' | b'x']
                if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {}
            b"bext" => self.broadcast(body, stop)?,
            b"iXML" | b"axml" | b"_PMX" | b"aXML" => {
                let text = read(self.source, body, stop, TEXT_BYTES_MAX)?;
                if xmp::collect(text.trim_ascii_end(), None, self.lines).is_err() {
                    self.search(&field(kind), body, stop);
                }
                self.limit(body, stop);
            }
            b"id3 " | b"ID3 " | b"ID32" => {
                let tag = read(self.source, body, stop, TEXT_BYTES_MAX)?;
                id3::collect_bytes(&tag, self.lines)?;
                self.limit(body, stop);
            }
            b"cart" => self.fields("radio_cart", body, stop)?,
            // Notes at places of the sound, behind the number of the place.
            b"labl" | b"note" | b"ltxt" => self.fields("note", body, stop)?,
            kind if kind[0] == b'I' || kind == b"strn" => {
                let text = read(self.source, body, stop, TEXT_BYTES_MAX)?;
                self.lines.add_tag(&field(*kind), None, &utf8_or_latin(&text).replace('\0', " "));
                self.limit(body, stop);
            }
            kind => self.search(&field(*kind), body, stop),
        }
        Ok(())
    }

    fn broadcast(&mut self, body: u64, stop: u64) -> Result<(), Damaged> {
        let bytes = read(self.source, body, stop, TEXT_BYTES_MAX)?;
        self.limit(body, stop);
        let mut rest = &bytes[..];
        for (length, name) in BROADCAST {
            let (text, next) = rest.split_at_checked(length).ok_or(Damaged)?;
            // Nothing ends a text but its length. Behind a null, some writers leave what was there before.
            self.lines.add_tag(name, None, utf8_or_latin(text).replace('\0', " ").trim());
            rest = next;
        }
        let history = bytes.get(CODING_HISTORY_AT..).unwrap_or_default();
        self.lines.add_tag("coding_history", None, &utf8_or_latin(history));
        // The unique identifier and the reserved bytes are free for anything.
        for run in runs(bytes.get(338..bytes.len().min(CODING_HISTORY_AT)).unwrap_or_default(), 6) {
            self.lines.add_tag("broadcast_extension", None, &run.text);
        }
        Ok(())
    }

    /// Texts between nulls and numbers.
    fn fields(&mut self, name: &str, body: u64, stop: u64) -> Result<(), Damaged> {
        let bytes = read(self.source, body, stop, TEXT_BYTES_MAX)?;
        for run in runs(&bytes, FIELD_CHARACTERS_MIN) {
            self.lines.add_tag(name, None, &run.text);
        }
        self.limit(body, stop);
        Ok(())
    }

    /// What lies beyond the bytes that are read of a text is a gap.
    fn limit(&mut self, body: u64, stop: u64) {
        if stop.saturating_sub(body) > TEXT_BYTES_MAX as u64 {
            self.lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
        }
    }

    fn search(&mut self, field: &str, start: u64, end: u64) {
        search(self.source, (start, end), (field, None), &mut self.budget, self.lines);
    }
}

fn field(kind: [u8; 4]) -> String {
    let known = INFO.iter().find(|(known, _)| **known == kind).map(|(_, name)| (*name).to_owned());
    known.unwrap_or_else(|| super::names::of_code(kind).trim_matches('_').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::source;

    fn chunk(kind: &[u8], body: &[u8]) -> Vec<u8> {
        let padding = vec![0; body.len() % 2];
        [kind, &(body.len() as u32).to_le_bytes(), body, &padding].concat()
    }

    fn riff(kind: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
        chunk(b"RIFF", &[kind, &chunks.concat()].concat())
    }

    fn collected(file: &[u8]) -> (String, Result<(), Damaged>, bool) {
        let mut lines = Lines::default();
        let ended = collect(&source(file), &mut lines);
        let is_whole = lines.reports().iter().all(|report| report.gaps.is_empty());
        (String::from_utf8(lines.jsonl).unwrap(), ended, is_whole)
    }

    fn wave() -> Vec<u8> {
        let mut bext = vec![0; CODING_HISTORY_AT];
        bext[..21].copy_from_slice(b"call 4539578763621486");
        bext[256..266].copy_from_slice(b"Ann Lee HQ");
        bext[288..296].copy_from_slice(b"REF-1234");
        bext[420..432].copy_from_slice(b"in reserved!");
        bext.extend(b"A=PCM,T=Bob's deck");
        let mut cart = vec![0; 2_048];
        cart[4..13].copy_from_slice(b"cart text");
        let id3 = b"ID3\x03\0\0\0\0\0\x14TPE1\0\0\0\x09\0\0\0Carol T.\0";
        let mut file = riff(
            b"WAVE",
            &[
                chunk(b"fmt ", &[1; 16]),
                chunk(b"bext", &bext),
                chunk(b"LIST", &[b"INFO".to_vec(), chunk(b"ICMT", b"info of Dan\0")].concat()),
                chunk(b"iXML", b"<BWFXML><NOTE>note of Eve</NOTE></BWFXML>\0"),
                chunk(b"_PMX", b"<r:RDF xmlns:r='r'><dc:creator>Fred X.</dc:creator></r:RDF>"),
                chunk(b"cart", &cart),
                chunk(b"id3 ", id3),
                chunk(b"data", &[0x41; 100]),
                chunk(b"LIST", &[b"adtl".to_vec(), chunk(b"labl", b"\x01\0\0\0label of Gil\0")].concat()),
                chunk(b"zzzz", b"\x01\x02unknown chunk\x03"),
                chunk(b"JUNK", b"in the junk"),
            ],
        );
        file.extend(b"behind the last chunk");
        file
    }

    #[test]
    fn every_text_of_a_wave_file_is_read() {
        let (text, ended, is_whole) = collected(&wave());
        for (field, value) in [
            ("description", "call 4539578763621486"),
            ("originator", "Ann Lee HQ"),
            ("originator_reference", "REF-1234"),
            ("broadcast_extension", "in reserved!"),
            ("coding_history", "Bob's deck"),
            ("comment", "info of Dan"),
            ("NOTE", "note of Eve"),
            ("creator", "Fred X."),
            ("radio_cart", "cart text"),
            ("artist", "Carol T."),
            ("note", "label of Gil"),
            ("zzzz", "unknown chunk"),
            ("JUNK", "in the junk"),
            ("file_tail", "behind the last chunk"),
        ] {
            let line = text.lines().find(|line| line.contains(value)).expect(value);
            assert!(line.contains(&format!("\"field\":\"{field}\"")), "{line}");
        }
        assert!(!text.contains("AAAAAA"), "sound is not searched");
        assert_eq!((ended, is_whole), (Ok(()), true));
    }

    #[test]
    fn avi_has_text_between_its_pictures_and_in_its_second_part() {
        let movi = [b"movi".to_vec(), chunk(b"00dc", b"no text at all"), chunk(b"JUNK", b"between pictures")];
        let strl = [b"strl".to_vec(), chunk(b"strh", &[0; 56]), chunk(b"strn", b"Ann's camera\0")].concat();
        let first = riff(
            b"AVI ",
            &[
                chunk(b"LIST", &[b"hdrl".to_vec(), chunk(b"LIST", &strl)].concat()),
                chunk(b"LIST", &movi.concat()),
                chunk(b"IDIT", b"in front of second"),
            ],
        );
        let second =
            riff(b"AVIX", &[chunk(b"LIST", &[b"INFO".to_vec(), chunk(b"IART", b"Bob B.\0")].concat())]);
        let (text, ended, is_whole) = collected(&[first, second].concat());
        for value in ["Ann's camera", "between pictures", "in front of second", "Bob B."] {
            assert!(text.contains(value), "{value}: {text}");
        }
        assert!(!text.contains("no text at all"), "{text}");
        assert_eq!((ended, is_whole), (Ok(()), true));
    }

    #[test]
    fn a_large_file_has_its_sizes_elsewhere() {
        let mut ds64 = vec![0; 28];
        ds64[8] = 10;
        let chunks = [
            chunk(b"ds64", &ds64),
            [&b"data"[..], &[0xff; 4], &[7; 10]].concat(),
            chunk(b"bext", &[b'x'; 700]),
        ];
        let file = [&b"RF64"[..], &[0xff; 4], b"WAVE", &chunks.concat()].concat();
        let (text, ended, _) = collected(&file);
        assert!(text.contains("coding_history"), "{text}");
        assert_eq!(ended, Ok(()));
    }

    #[test]
    fn files_cut_or_changed_anywhere_never_panic() {
        let whole = wave();
        for at in 0..whole.len() {
            let _ = collected(&whole[..at]);
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            let _ = collected(&changed);
        }
        assert!(!collected(&whole[..400]).2 || collected(&whole[..400]).1.is_err(), "a cut text is damaged");
    }
}
