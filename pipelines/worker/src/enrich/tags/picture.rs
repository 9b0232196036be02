//! Reads what cameras and people write into pictures within a file (covers, thumbnails, attachments): Exif, XMP, IPTC and
//! comments of JPEG (ITU-T T.81, B.1; CIPA DC-008, 4.7), of PNG (11.3.4), of WebP and of GIF.

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;
use super::runs::{RUN_MIN, runs};
use super::value::utf8_or_latin;
use super::{exif, iptc, xmp};

/// Segments read of one picture.
const SEGMENTS_MAX: usize = 10_000;
/// Identifiers of XMP and of its continuation in JPEG.
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const XMP_MORE: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Whether bytes begin a picture that is read here.
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff])
        || bytes.starts_with(PNG)
        || bytes.starts_with(b"GIF8")
        || (bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"))
}

/// Adds every text and the position of a picture. One that is cut, or in another form, is a gap.
pub fn collect(bytes: &[u8], track: Option<u32>, lines: &mut Lines) {
    let mut reader = PictureReader { track, lines };
    let read = if bytes.starts_with(&[0xff, 0xd8]) {
        reader.jpeg(bytes)
    } else if let Some(chunks) = bytes.strip_prefix(PNG) {
        reader.png(chunks)
    } else if bytes.starts_with(b"RIFF") {
        reader.webp(bytes.get(12..).unwrap_or_default())
    } else if bytes.starts_with(b"GIF8") || bytes.starts_with(b"BM") {
        reader.runs("picture_text", bytes);
        Some(())
    } else if exif::is_one(bytes) {
        exif::collect(bytes, track, reader.lines);
        Some(())
    } else {
        reader.runs("picture_text", bytes);
        lines.record_gap(Surface::Tags, track, NotSearched::UnknownForm);
        return;
    };
    if read.is_none() {
        lines.record_gap(Surface::Tags, track, NotSearched::Damaged);
    }
}

struct PictureReader<'a> {
    track: Option<u32>,
    lines: &'a mut Lines,
}

impl PictureReader<'_> {
    /// The segments in front of the picture data, and what follows its end; `None` if one is cut.
    fn jpeg(&mut self, bytes: &[u8]) -> Option<()> {
        let mut rest = bytes.get(2..)?;
        for _ in 0..SEGMENTS_MAX {
            let marker = *rest.get(1).filter(|_| rest[0] == 0xff)?;
            match marker {
                0xff => rest = &rest[1..], // padding
                0x01 | 0xd0..=0xd8 => rest = &rest[2..],
                0xd9 => return self.behind(&rest[2..]),
                _ => {
                    let length = usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]));
                    let body = rest.get(4..2 + length)?;
                    rest = &rest[2 + length..];
                    match marker {
                        0xda => rest = behind_picture_data(rest),
                        0xe0..=0xef => self.application(marker, body),
                        0xfe => self.text("comment", body),
                        _ => {}
                    }
                    if rest.is_empty() {
                        return Some(()); // many writers leave out the end
                    }
                }
            }
        }
        None
    }

    fn application(&mut self, marker: u8, body: &[u8]) {
        if let Some(tiff) = body.strip_prefix(b"Exif\0\0") {
            exif::collect(tiff, self.track, self.lines);
        } else if let Some(packet) = body.strip_prefix(XMP) {
            self.xmp(packet);
        } else if marker == 0xed && body.starts_with(b"Photoshop 3.0\0") {
            resources(&body[14..], self.track, self.lines);
        } else if marker == 0xe2 && body.starts_with(b"ICC_PROFILE\0") {
            // A profile of colours has text of its manufacturer only.
        } else {
            let body = body.strip_prefix(XMP_MORE).unwrap_or(body);
            self.runs("picture_data", body);
        }
    }

    /// What follows the end of a picture: another one, or anything.
    fn behind(&mut self, rest: &[u8]) -> Option<()> {
        if rest.iter().any(|byte| *byte != 0) {
            self.runs("picture_tail", rest);
        }
        Some(())
    }

    fn png(&mut self, mut rest: &[u8]) -> Option<()> {
        for _ in 0..SEGMENTS_MAX {
            let (head, after) = rest.split_first_chunk::<8>()?;
            let length = usize::try_from(u32::from_be_bytes([head[0], head[1], head[2], head[3]])).ok()?;
            let body = after.get(..length)?;
            match &head[4..] {
                b"IEND" => return self.behind(after.get(length + 4..).unwrap_or_default()),
                b"eXIf" => exif::collect(body, self.track, self.lines),
                b"tEXt" => self.text("comment", body),
                b"iTXt" => self.international(body),
                b"zTXt" | b"iCCP" if &head[4..] == b"zTXt" => {
                    self.lines.record_gap(Surface::Tags, self.track, NotSearched::UnknownForm);
                }
                b"IHDR" | b"PLTE" | b"IDAT" | b"iCCP" | b"fdAT" => {}
                _ => self.runs("picture_data", body),
            }
            rest = after.get(length + 4..)?;
        }
        None
    }

    /// Keyword, two bytes about compression, language, translated keyword, text.
    fn international(&mut self, body: &[u8]) {
        let keyword = body.split(|byte| *byte == 0).next().unwrap_or_default();
        let packed = body.get(keyword.len() + 1).is_some_and(|flag| *flag != 0);
        let rest = body.get(keyword.len() + 3..).unwrap_or_default();
        let mut parts = rest.splitn(3, |byte| *byte == 0);
        let text = parts.by_ref().nth(2).unwrap_or_default();
        if packed {
            self.lines.record_gap(Surface::Tags, self.track, NotSearched::UnknownForm);
        } else if keyword == b"XML:com.adobe.xmp" {
            self.xmp(text);
        } else {
            self.text(&String::from_utf8_lossy(keyword), text);
            self.runs("comment", rest.get(..rest.len() - text.len()).unwrap_or_default());
        }
    }

    fn webp(&mut self, mut rest: &[u8]) -> Option<()> {
        for _ in 0..SEGMENTS_MAX {
            if rest.is_empty() {
                return Some(());
            }
            let (head, after) = rest.split_first_chunk::<8>()?;
            let length = usize::try_from(u32::from_le_bytes([head[4], head[5], head[6], head[7]])).ok()?;
            let body = after.get(..length)?;
            match &head[..4] {
                b"EXIF" => {
                    exif::collect(body.strip_prefix(b"Exif\0\0").unwrap_or(body), self.track, self.lines);
                }
                b"XMP " => self.xmp(body),
                b"VP8 " | b"VP8L" | b"ALPH" | b"ANMF" | b"ICCP" => {}
                _ => self.runs("picture_data", body),
            }
            rest = after.get(length.checked_add(length % 2)?..).unwrap_or_default();
        }
        None
    }

    fn xmp(&mut self, packet: &[u8]) {
        if xmp::collect(packet, self.track, self.lines).is_err() {
            self.lines.record_gap(Surface::Tags, self.track, NotSearched::Damaged);
        }
    }

    /// Text in UTF-8 or ISO 8859-1, with nulls between its parts.
    fn text(&mut self, field: &str, bytes: &[u8]) {
        self.lines.add_tag(field, self.track, &utf8_or_latin(bytes).replace('\0', " "));
    }

    fn runs(&mut self, field: &str, bytes: &[u8]) {
        for run in runs(bytes, RUN_MIN * 2) {
            self.lines.add_tag(field, self.track, &run.text);
        }
    }
}

/// The first marker that is neither a null nor a restart.
fn behind_picture_data(bytes: &[u8]) -> &[u8] {
    let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff);
    let at = bytes.windows(2).position(is_marker);
    at.map_or(&[], |at| &bytes[at..])
}

/// The resources of Photoshop: kind, number, name, data. Number 0x0404 is IPTC, 0x0422 Exif, 0x0424 XMP.
fn resources(mut rest: &[u8], track: Option<u32>, lines: &mut Lines) {
    for _ in 0..SEGMENTS_MAX {
        if rest.len() < 12 {
            return;
        }
        let read = (|| {
            let after = rest.strip_prefix(b"8BIM")?;
            let number = u16::from_be_bytes([*after.first()?, *after.get(1)?]);
            let name = usize::from(*after.get(2)?);
            let after = after.get(2 + (name + 1).next_multiple_of(2)..)?;
            let length = usize::try_from(u32::from_be_bytes(*after.first_chunk::<4>()?)).ok()?;
            let body = after.get(4..length.checked_add(4)?)?;
            Some((number, body, after.get(4 + length.next_multiple_of(2)..).unwrap_or_default()))
        })();
        let Some((number, body, next)) = read else {
            return lines.record_gap(Surface::Tags, track, NotSearched::Damaged);
        };
        match number {
            0x0404 => iptc::collect(body, track, lines),
            0x0422 => exif::collect(body, track, lines),
            0x0424 if xmp::collect(body, track, lines).is_ok() => {}
            _ => {
                for run in runs(body, RUN_MIN * 2) {
                    lines.add_tag("picture_data", track, &run.text);
                }
            }
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn collected(bytes: &[u8]) -> (String, bool) {
        let mut lines = Lines::default();
        collect(bytes, Some(1), &mut lines);
        let is_whole = lines.reports().iter().all(|report| report.gaps.is_empty());
        (String::from_utf8(lines.jsonl).unwrap(), is_whole)
    }

    #[test]
    fn every_text_and_the_position_of_a_picture_are_read() {
        let exif = ["ann@x.org", "48.858222, 2.294500", "SN-0123456"];
        for (bytes, more) in [
            (
                samples::jpeg(),
                &["Bob Xmp", "call 555-01", "Berlin", "comment of Carol", "text behind the picture"][..],
            ),
            (samples::png(), &["Dan Text", "Grüße von Eve"]),
            (samples::webp(), &[]),
        ] {
            assert!(is_one(&bytes));
            let (text, is_whole) = collected(&bytes);
            for value in exif.iter().chain(more) {
                assert!(text.contains(value), "{value}: {text}");
            }
            assert!(is_whole, "{text}");
        }
    }

    #[test]
    fn packed_text_and_unknown_pictures_are_gaps() {
        let packed =
            [PNG, &8u32.to_be_bytes(), b"zTXtAuthor\0\0", &[0; 4], &[0; 4], b"IEND", &[0; 4]].concat();
        assert!(!collected(&packed).1);
        assert!(!collected(b"\0\0\0\x0cjP  ").1);
    }

    #[test]
    fn pictures_cut_or_changed_anywhere_never_panic() {
        for whole in [samples::jpeg(), samples::png(), samples::webp()] {
            for at in 0..whole.len() {
                collected(&whole[..at]);
                for byte in [0x00, 0x7f, 0xff] {
                    let mut changed = whole.clone();
                    changed[at] = byte;
                    collected(&changed);
                }
            }
        }
    }
}
