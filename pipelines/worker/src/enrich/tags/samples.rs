//! Structures with text and positions, made for tests, and what is read of them.

use super::super::lines::Lines;
use super::value::Damaged;
use crate::corpus::source;
use crate::source::Source;

const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A structure with an artist, a comment, a serial number and the position 48.858222, 2.2945.
pub fn tiff(is_little: bool) -> Vec<u8> {
    let n16 = |n: u16| if is_little { n.to_le_bytes() } else { n.to_be_bytes() };
    let n32 = |n: u32| if is_little { n.to_le_bytes() } else { n.to_be_bytes() };
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&n16(tag)[..], &n16(kind), &n32(count), &n32(value)].concat()
    };
    let letter = |tag: u16, letter: u8| [&n16(tag)[..], &n16(2), &n32(2), &[letter, 0, 0, 0]].concat();
    let angle = |parts: [(u32, u32); 3]| -> Vec<u8> {
        parts.iter().flat_map(|(over, under)| [n32(*over), n32(*under)].concat()).collect()
    };
    let values = [
        b"Ann Lee <ann@x.org>\0".to_vec(),
        b"SN-0123456\0\0".to_vec(),
        [b"UNICODE\0".to_vec(), "Grüße".encode_utf16().flat_map(n16).collect(), vec![0; 2]].concat(),
        angle([(48, 1), (51, 1), (29_599, 1_000)]),
        angle([(2, 1), (17, 1), (402, 10)]),
    ];
    // The directories: 8 to 50, 50 to 80, 80 to 134. The values come after them.
    let starts: Vec<u32> = values
        .iter()
        .scan(134u32, |at, value| {
            let start = *at;
            *at += value.len() as u32;
            Some(start)
        })
        .collect();
    let head = if is_little { *b"II*\0" } else { *b"MM\0*" };
    let first = [entry(0x013b, 2, 20, starts[0]), entry(0x8769, 4, 1, 50), entry(0x8825, 4, 1, 80)];
    let exif = [entry(0x9286, 7, 20, starts[2]), entry(0xa431, 2, 12, starts[1])];
    let gps = [letter(1, b'N'), entry(2, 5, 3, starts[3]), letter(3, b'E'), entry(4, 5, 3, starts[4])];
    [
        [&head[..], &n32(8)].concat(),
        [&n16(3)[..], &first.concat(), &n32(0)].concat(),
        [&n16(2)[..], &exif.concat(), &n32(0)].concat(),
        [&n16(4)[..], &gps.concat(), &n32(0)].concat(),
        values.concat(),
    ]
    .concat()
}

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    [&[0xff, marker][..], &(body.len() as u16 + 2).to_be_bytes(), body].concat()
}

/// A JPEG with Exif, XMP, IPTC, a comment and text behind its end.
pub fn jpeg() -> Vec<u8> {
    let iptc = b"\x1c\x02\x76\x00\x0bcall 555-01\x1c\x02\x5a\x00\x06Berlin";
    let resource =
        [&b"Photoshop 3.0\x008BIM\x04\x04\0\0"[..], &(iptc.len() as u32).to_be_bytes(), iptc].concat();
    let packet = br#"<r:RDF xmlns:r="r"><r:Description dc:creator="Bob Xmp"/></r:RDF>"#;
    [
        vec![0xff, 0xd8],
        segment(0xe1, &[b"Exif\0\0", &tiff(false)[..]].concat()),
        segment(0xe1, &[XMP, packet].concat()),
        segment(0xed, &resource),
        segment(0xfe, b"comment of Carol"),
        segment(0xda, &[1, 1, 0, 0, 63, 0]),
        vec![1, 2, 0xff, 0, 3, 0xff, 0xd9],
        b"text behind the picture".to_vec(),
    ]
    .concat()
}

/// A PNG with Exif and text.
pub fn png() -> Vec<u8> {
    let chunk =
        |kind: &[u8], body: &[u8]| [&(body.len() as u32).to_be_bytes()[..], kind, body, &[0; 4]].concat();
    [
        PNG.to_vec(),
        chunk(b"IHDR", &[0; 13]),
        chunk(b"eXIf", &tiff(true)),
        chunk(b"tEXt", b"Author\0Dan Text"),
        chunk(b"iTXt", "Comment\0\0\0en\0Kommentar\0Grüße von Eve".as_bytes()),
        chunk(b"IEND", b""),
    ]
    .concat()
}

/// A WebP with Exif.
pub fn webp() -> Vec<u8> {
    let exif = tiff(true);
    let chunk = [&b"EXIF"[..], &(exif.len() as u32).to_le_bytes(), &exif].concat();
    [&b"RIFF"[..], &(chunk.len() as u32 + 4).to_le_bytes(), b"WEBP", &chunk].concat()
}

/// Comments with these texts.
pub fn comments(texts: &[&str]) -> Vec<u8> {
    let counted = |text: &str| [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let list: Vec<u8> = texts.iter().flat_map(|text| counted(text)).collect();
    [counted("vendor 1"), (texts.len() as u32).to_le_bytes().to_vec(), list].concat()
}

/// A picture block with Exif.
pub fn block() -> Vec<u8> {
    let counted = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    [vec![0, 0, 0, 3], counted(b"image/jpeg"), counted(b"cover of Dan"), vec![0; 16], counted(&jpeg())]
        .concat()
}

pub fn base64(bytes: &[u8]) -> String {
    data_encoding::BASE64.encode(bytes)
}

/// A section with this identifier; the five bytes behind its length are numbers.
pub fn section(id: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() + 9) as u16;
    [&[id, 0xb0 | (length >> 8) as u8, length as u8, 0, 1, 0xc1, 0, 0][..], body, &[0; 4]].concat()
}

pub fn descriptor(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag, body.len() as u8], body].concat()
}

pub fn loop_of(bytes: &[u8]) -> Vec<u8> {
    [&[0xf0 | (bytes.len() >> 8) as u8, bytes.len() as u8], bytes].concat()
}

pub fn text(text: &[u8]) -> Vec<u8> {
    [&[text.len() as u8], text].concat()
}

pub fn pat(map: u16) -> Vec<u8> {
    section(0, &[0, 1, 0xe0 | (map >> 8) as u8, map as u8])
}

pub fn pmt(stream: u16) -> Vec<u8> {
    let pid = [0xe0 | (stream >> 8) as u8, stream as u8];
    let program = loop_of(&descriptor(0x05, b"text of the program map"));
    section(2, &[&pid[..], &program, &[0x1b], &pid, &loop_of(b"")].concat())
}

pub fn sdt(provider: &str, name: &str) -> Vec<u8> {
    let body = [&[1][..], &text(provider.as_bytes()), &text(name.as_bytes())].concat();
    section(0x42, &[&[0, 1, 0xff, 0, 1, 0xfc][..], &loop_of(&descriptor(0x48, &body))].concat())
}

/// What a reader collects of a file, and whether it has read all of it.
pub fn collected(read: impl Fn(&Source, &mut Lines) -> Result<(), Damaged>, file: &[u8]) -> (String, bool) {
    let mut lines = Lines::default();
    let ended = read(&source(file), &mut lines);
    let is_whole = ended.is_ok() && lines.reports().iter().all(|report| report.gaps.is_empty());
    (String::from_utf8(lines.jsonl).unwrap(), is_whole)
}

/// Each of these values is in a line of this field.
pub fn assert_lines(text: &str, expected: &[(&str, &str)]) {
    for (field, value) in expected {
        let line = text.lines().find(|line| line.contains(value)).expect(value);
        assert!(line.contains(&format!("\"field\":\"{field}\"")), "{line}");
    }
}
