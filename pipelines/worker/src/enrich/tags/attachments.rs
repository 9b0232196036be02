//! Reads the files that are attached to a Matroska file (RFC 9559, 5.1.6): texts are read, pictures for what cameras write into them.
//! Fonts have nothing of people. Every other file is named as not searched.

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;
use super::picture;
use super::printable::{Budget, add_text, search};
use super::value::read;
use crate::source::Source;
use crate::unicode::unicode;

/// Bytes read of one picture.
const PICTURE_BYTES_MAX: usize = 32 << 20;
/// Bytes of a text that is read as a whole.
const TEXT_BYTES_MAX: usize = 4 << 20;
/// Beginnings of fonts: TrueType, OpenType, collections, WOFF.
const FONTS: [&[u8]; 5] = [b"\0\x01\0\0", b"OTTO", b"ttcf", b"wOFF", b"wOF2"];
/// Media types of texts that do not begin with `text/`.
const TEXT_TYPES: [&str; 8] = ["json", "xml", "javascript", "x-subrip", "x-ass", "x-ssa", "ttml", "x-sh"];
/// Ends of names of text files.
const TEXT_NAMES: [&str; 14] = [
    ".txt", ".csv", ".tsv", ".md", ".json", ".xml", ".srt", ".vtt", ".ass", ".ssa", ".nfo", ".log", ".html",
    ".vcf",
];

/// One attached file.
#[derive(Default)]
pub struct AttachedFile {
    pub name: String,
    pub media_type: String,
    /// Where its bytes begin and end.
    pub data: (u64, u64),
}

/// Adds the text of an attached file.
pub fn collect(source: &Source, file: &AttachedFile, budget: &mut Budget, lines: &mut Lines) {
    let (start, end) = file.data;
    if start >= end {
        return;
    }
    let Ok(head) = read(source, start, end, 16) else {
        return lines.record_gap(Surface::Tags, None, NotSearched::Damaged);
    };
    if FONTS.iter().any(|font| head.starts_with(font)) {
        return;
    }
    let media_type = file.media_type.to_ascii_lowercase();
    if picture::is_one(&head) || media_type.starts_with("image/") {
        match read(source, start, end, PICTURE_BYTES_MAX) {
            Ok(bytes) => picture::collect(&bytes, None, lines),
            Err(_) => lines.record_gap(Surface::Tags, None, NotSearched::Damaged),
        }
        if end - start > PICTURE_BYTES_MAX as u64 {
            lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
        }
        return;
    }
    let name = file.name.to_ascii_lowercase();
    let is_text = media_type.starts_with("text/")
        || TEXT_TYPES.iter().any(|known| media_type.ends_with(known))
        || TEXT_NAMES.iter().any(|end| name.ends_with(end));
    if is_text && end - start <= TEXT_BYTES_MAX as u64 {
        let bytes = read(source, start, end, TEXT_BYTES_MAX).unwrap_or_default();
        let text = unicode(&bytes);
        add_text(text.as_bytes(), "attachment", None, lines);
        if text.contains(char::REPLACEMENT_CHARACTER) {
            // Another encoding: ASCII in it was read, other letters were not.
            lines.record_gap(Surface::Tags, None, NotSearched::UnknownForm);
        }
        return;
    }
    search(source, (start, end), ("attachment", None), budget, lines);
    if !is_text {
        lines.record_gap(Surface::Tags, None, NotSearched::UnknownForm);
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::corpus::source;

    fn collected(name: &str, media_type: &str, data: &[u8]) -> (String, Vec<NotSearched>) {
        let file = AttachedFile {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            data: (0, data.len() as u64),
        };
        let mut lines = Lines::default();
        collect(&source(data), &file, &mut Budget::default(), &mut lines);
        let gaps = lines.reports()[0].gaps.iter().map(|gap| gap.why).collect();
        (String::from_utf8(lines.jsonl).unwrap(), gaps)
    }

    #[test]
    fn texts_and_pictures_are_read_fonts_are_not_and_other_files_are_gaps() {
        let wide: Vec<u8> = "\u{feff}Gäste 東京".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (name, media_type, data, text, gaps) in [
            ("a", "text/plain", &b"Ann Lee, 555-0134"[..], "Ann Lee, 555-0134", vec![]),
            ("a.CSV", "", &wide, "Gäste 東京", vec![]),
            ("a", "application/json", b"{\"mail\":1}", "mail", vec![]),
            ("a.txt", "", b"Gr\xfc\xdfe an alle", "an alle", vec![NotSearched::UnknownForm]),
            ("a.ttf", "font/ttf", b"\0\x01\0\0 made by a font house", "", vec![]),
            ("a", "", &samples::jpeg(), "ann@x.org", vec![]),
            ("a.pdf", "application/pdf", b"%PDF-1.7 text", "%PDF-1.7 text", vec![NotSearched::UnknownForm]),
            ("a.zip", "application/zip", b"PK\x03\x04", "", vec![NotSearched::UnknownForm]),
            ("a.tiff", "image/x", b"unknown picture", "unknown picture", vec![NotSearched::UnknownForm]),
            ("a", "", b"", "", vec![]),
        ] {
            let (found, why) = collected(name, media_type, data);
            assert!(found.contains(text) && (found.is_empty() == text.is_empty()), "{name}: {found}");
            assert_eq!(why, gaps, "{name}");
        }
    }
}
