//! Searches the boxes of an ISO base media file that no reader knows: boxes of makers, free space, what follows the last box, and
//! whatever the media data have besides the samples.

use super::super::lines::Lines;
use super::names::of_code;
use super::printable::{Budget, add_text, search};
use super::value::{Damaged, read};
use crate::inspect::boxes::{Boxes, Header};
use crate::source::Source;

/// Boxes looked at: those of a day in fragments of a second have fewer.
const BOXES_MAX: u32 = 5_000_000;
/// Nesting of boxes.
const DEPTH_MAX: u32 = 12;
/// Bytes read of the descriptions of a track. Set-up data of real codecs has some kilobytes.
const DESCRIPTION_BYTES_MAX: usize = 4 << 20;
/// The extended types of boxes that have their own reader or none of people's text: XMP, the system-specific header of
/// protection, sample encryption, and the times of fragments of Smooth Streaming.
const KNOWN_UUIDS: [[u8; 16]; 5] = [
    *b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac",
    *b"\xd0\x8a\x4f\x18\x10\xf3\x4a\x82\xb6\xc8\x32\xd8\xab\xa1\x83\xd3",
    *b"\xa2\x39\x4f\x52\x5a\x9b\x4f\x14\xa2\x44\x6c\x42\x7c\x64\x8d\xf4",
    *b"\x6d\x1d\x9b\x05\x42\xd5\x44\xe6\x80\xe2\x14\x1d\xaf\xf7\x57\xb2",
    *b"\xd4\x80\x7e\xf2\xca\x39\x46\x95\x8e\x54\x26\xcb\x9e\x46\xa7\x9f",
];
/// Boxes with boxes.
const PARENTS: [&[u8; 4]; 17] = [
    b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"edts", b"mvex", b"moof", b"traf", b"mfra",
    b"tref", b"gmhd", b"tapt", b"udta", b"meta", b"sinf",
];
/// Boxes of numbers, and boxes that other readers read whole.
const KNOWN: [&[u8; 4]; 76] = [
    b"ftyp", b"styp", b"mdat", b"sidx", b"ssix", b"prft", b"pdin", b"mvhd", b"tkhd", b"mdhd", b"elst",
    b"vmhd", b"smhd", b"hmhd", b"nmhd", b"sthd", b"stts", b"ctts", b"stss", b"stsz", b"stz2", b"stsc",
    b"stco", b"co64", b"stsh", b"sdtp", b"sbgp", b"sgpd", b"subs", b"saiz", b"saio", b"cslg", b"stdp",
    b"padb", b"stps", b"mehd", b"trex", b"leva", b"mfhd", b"tfhd", b"trun", b"tfdt", b"tfra", b"mfro",
    b"trep", b"senc", b"pssh", b"iods", b"load", b"clef", b"prof", b"enof", b"gmin", b"gmif", b"tmcd",
    b"tcmi", b"clip", b"crgn", b"matt", b"kmat", b"ctab", b"cmov", b"chpl", b"keys", b"XMP_", b"hint",
    b"cdsc", b"chap", b"sync", b"scpt", b"ssrc", b"cdep", b"subt", b"fall", b"vdep", b"mean",
];

/// Adds every text in boxes that no reader knows.
pub fn collect(source: &Source, lines: &mut Lines) -> Result<(), Damaged> {
    let mut walk = Walk { source, lines, budget: Budget::default(), boxes: 0, track: None, tracks: 0 };
    walk.descend(Header { kind: *b"file", body: 0, end: source.size_bytes() }, 0)
}

struct Walk<'a> {
    source: &'a Source,
    lines: &'a mut Lines,
    budget: Budget,
    boxes: u32,
    /// The current track, as the reader of tags counts them.
    track: Option<u32>,
    tracks: u32,
}

impl Walk<'_> {
    fn descend(&mut self, parent: Header, depth: u32) -> Result<(), Damaged> {
        if depth > DEPTH_MAX {
            return Err(Damaged);
        }
        let mut done = parent.body;
        for header in Boxes::new(self.source, parent.body, parent.end) {
            let Ok(header) = header else { break };
            self.boxes += 1;
            if self.boxes > BOXES_MAX {
                return Err(Damaged);
            }
            let begin = done;
            done = header.end.min(parent.end);
            self.child(parent, begin, Header { end: done, ..header }, depth)?;
        }
        // A list of QuickTime ends with four nulls. Anything else is text, or nothing.
        let name = if depth == 0 { "file_tail" } else { "unknown_box" };
        self.search(name, done.min(parent.end), parent.end);
        Ok(())
    }

    fn child(&mut self, parent: Header, begin: u64, header: Header, depth: u32) -> Result<(), Damaged> {
        match &header.kind {
            b"uuid" => {
                let own = read(self.source, header.body, header.end, 16)?;
                if !KNOWN_UUIDS.iter().any(|known| *known == own[..]) {
                    self.search("unknown_box", header.body.saturating_add(own.len() as u64), header.end);
                }
            }
            b"trak" => {
                self.track = Some(self.tracks);
                self.tracks += 1;
                let walked = self.descend(header, depth + 1);
                self.track = None;
                walked?;
            }
            // The reader of tags reads all of them.
            kind if parent.kind == *b"udta" && kind != b"meta" => {}
            b"ilst" => {}
            b"meta" => self.descend(self.members_of_metadata(header)?, depth + 1)?,
            // The first eight bytes are a version and a count.
            b"stsd" | b"dref" => {
                let body =
                    read(self.source, header.body.saturating_add(8), header.end, DESCRIPTION_BYTES_MAX)?;
                add_text(&body, "sample_description", self.track, self.lines);
            }
            b"hdlr" if parent.kind == *b"mdia" => {}
            b"free" | b"skip" | b"wide" => self.search("free_space", header.body, header.end),
            kind if PARENTS.contains(&kind) => self.descend(header, depth + 1)?,
            kind if KNOWN.contains(&kind) => {}
            // What begins like no box at the end of the file is no box. Its first bytes are text too.
            kind if depth == 0 && !kind.iter().all(u8::is_ascii_alphanumeric) => {
                self.search("file_tail", begin, header.end);
            }
            _ if depth == 0 && header.end >= self.source.size_bytes() => {
                self.search("file_tail", begin, header.end);
            }
            kind => {
                let name = of_code(*kind);
                self.search(&name, header.body, header.end);
            }
        }
        Ok(())
    }

    /// A metadata box has a version in MP4, but not in QuickTime.
    fn members_of_metadata(&self, header: Header) -> Result<Header, Damaged> {
        let is_plain = read(self.source, header.body.saturating_add(4), header.end, 4)? == *b"hdlr";
        Ok(Header {
            body: header.body.saturating_add(if is_plain { 0 } else { 4 }).min(header.end),
            ..header
        })
    }

    fn search(&mut self, field: &str, start: u64, end: u64) {
        search(self.source, (start, end), (field, self.track), &mut self.budget, self.lines);
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::test_boxes::{atom, media};

    fn file() -> Vec<u8> {
        let uuid = |body: &[u8]| atom(b"uuid", &[&[0x11; 16], body].concat());
        let minf =
            atom(b"minf", &[atom(b"vmhd", b"a known box"), atom(b"zzz1", b"deep in a track")].concat());
        let trak = atom(b"trak", &[atom(b"mdia", &minf), uuid(b"maker of the track")].concat());
        let xml =
            [vec![0; 4], atom(b"hdlr", &[0; 24]), atom(b"xml ", b"\0\0\0\0<Owner>Ann Lee</Owner>")].concat();
        let moov = [trak, atom(b"skip", b"skipped words"), atom(b"meta", &xml)].concat();
        let emsg = atom(b"emsg", b"\0\0\0\0urn:x\0event of Bob\0");
        let traf = atom(b"traf", &atom(b"zzz2", b"text of a fragment"));
        [
            atom(b"ftyp", b"isom\0\0\0\0"),
            atom(b"free", b"\0\0\0free words\0"),
            emsg,
            atom(b"moof", &traf),
            atom(b"mdat", b"samples have no text"),
            atom(b"moov", &moov),
            uuid(br#"{"operator":"jane@x.org"}"#),
            uuid(&"wide text".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
            b"uploaded by Carol".to_vec(),
        ]
        .concat()
    }

    fn collected(file: &[u8]) -> (String, bool) {
        samples::collected(collect, file)
    }

    #[test]
    fn unknown_boxes_free_space_and_the_tail_are_read_and_samples_are_not() {
        let (text, is_whole) = collected(&file());
        let expected = [
            ("zzz1", "deep in a track"),
            ("unknown_box", "maker of the track"),
            ("free_space", "skipped words"),
            ("xml_", "<Owner>Ann Lee</Owner>"),
            ("emsg", "event of Bob"),
            ("zzz2", "text of a fragment"),
            ("free_space", "free words"),
            ("unknown_box", r#"{\"operator\":\"jane@x.org\"}"#),
            ("unknown_box", "wide text"),
            ("file_tail", "uploaded by Carol"),
        ];
        samples::assert_lines(&text, &expected);
        assert!(!text.contains("samples have") && !text.contains("a known box"), "{text}");
        assert!(is_whole);
    }

    #[test]
    fn a_tail_of_any_length_is_read() {
        for tail in [&b"jane@x"[..], b"jane@x.org", b"\0\0\0\x01jane@x.org", b"\0\0\0\x04jane@x.org"] {
            let (text, _) = collected(&[&atom(b"ftyp", b"isom\0\0\0\0"), tail].concat());
            assert!(text.contains("jane@x"), "{tail:?} {text}");
        }
    }

    #[test]
    fn the_setup_of_a_track_and_names_of_other_files_are_read() {
        let trak = atom(b"trak", &media(b"vide", b"avc1", &[4]));
        let mut moov = atom(b"moov", &trak);
        let at = moov.windows(4).position(|kind| kind == b"avc1").unwrap();
        moov[at..at + 4].copy_from_slice(b"zz@x");
        let (_, is_whole) = collected(&moov);
        assert!(is_whole);
        let dref =
            atom(b"dref", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &atom(b"alis", b"\0\0\0\0Disk of Eve")].concat());
        assert!(collected(&atom(b"moov", &atom(b"trak", &atom(b"dinf", &dref)))).0.contains("Disk of Eve"));
    }

    #[test]
    fn boxes_cut_or_changed_anywhere_never_panic() {
        let whole = file();
        for at in 0..whole.len() {
            collected(&whole[..at]);
            for byte in [0x00, 0x01, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                collected(&changed);
            }
        }
    }
}
