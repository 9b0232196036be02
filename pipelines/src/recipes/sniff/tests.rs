use super::*;
use std::io::Read as _;
use std::path::{Path, PathBuf};

fn code(bytes: &[u8]) -> Code {
    sniff(bytes, bytes.len() as u64).expect_err("must be refused").code
}

fn container(bytes: &[u8]) -> Container {
    sniff(bytes, bytes.len() as u64).unwrap()
}

fn prefix_of(path: &Path) -> (Vec<u8>, u64) {
    let file = std::fs::File::open(path).unwrap();
    let size = file.metadata().unwrap().len();
    let mut prefix = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "`take` bounds it")]
    file.take(PREFIX_BYTES_MAX as u64).read_to_end(&mut prefix).unwrap();
    (prefix, size)
}

/// All files below a folder.
fn files_below(folder: PathBuf) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn an_empty_upload_has_its_own_code() {
    assert_eq!(code(b""), Code::EmptyUpload);
    assert_eq!(code(b"\0"), Code::NotMedia);
}

#[test]
fn quicktime_without_ftyp_is_accepted() {
    for first in ["moov", "mdat", "wide", "free", "skip", "pnot", "styp"] {
        let bytes = [&[0, 0, 0, 16], first.as_bytes(), &[0; 56]].concat();
        assert_eq!(container(&bytes), Container::IsoBmff, "{first}");
    }
    let large = [&[0, 0, 0, 1], b"mdat".as_slice(), &64_u64.to_be_bytes(), &[0; 48]].concat();
    assert_eq!(container(&large), Container::IsoBmff);
}

#[test]
fn a_text_that_continues_with_a_box_name_is_a_text() {
    assert_eq!(code(b"feelfree to call\n"), Code::NotMedia);
    assert_eq!(code(b"\0\0\0\x05ftypisom"), Code::NotMedia, "a box shorter than its own header");
}

#[test]
fn pictures_are_not_media_even_in_iso_base_media() {
    for brand in [b"heic", b"avif", b"mif1"] {
        assert_eq!(code(&[b"\0\0\0\x18ftyp".as_slice(), brand, &[0; 12]].concat()), Code::NotMedia);
    }
    assert_eq!(code(b"\x89PNG\r\n\x1A\n____"), Code::NotMedia);
    assert_eq!(code(b"GIF89a____"), Code::NotMedia);
    assert_eq!(code(&[0xFF, 0xD8, 0xFF, 0xE0]), Code::NotMedia);
    assert_eq!(code(b"RIFF\x10\0\0\0WEBPVP8 "), Code::NotMedia);
}

#[test]
fn ebml_is_accepted_by_its_document_type() {
    let header = |kind: &[u8]| {
        let element = [&[0x42, 0x82, 0x80 | kind.len() as u8], kind].concat();
        [&[0x1A, 0x45, 0xDF, 0xA3, 0x80 | (element.len() as u8 + 4), 0x42, 0x86, 0x81, 1], element.as_slice()]
            .concat()
    };
    assert_eq!(container(&header(b"matroska")), Container::Matroska);
    assert_eq!(container(&header(b"webm\0\0")), Container::Matroska);
    assert_eq!(code(&header(b"exfat")), Code::UnsupportedContainer);
    assert_eq!(code(&[0x1A, 0x45, 0xDF, 0xA3]), Code::UnsupportedContainer);
}

#[test]
fn transport_streams_are_accepted_by_several_sync_bytes() {
    let packets = |lead: usize, stride: usize, count: usize| {
        let mut bytes = vec![0; lead + stride * count];
        for packet in 0..count {
            bytes[lead + packet * stride..][..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
        }
        bytes
    };
    assert_eq!(container(&packets(0, 188, 2)), Container::MpegTs);
    assert_eq!(container(&packets(4, 192, 6)), Container::MpegTs);
    assert_eq!(container(&packets(100, 188, 6)), Container::MpegTs, "cut in the middle of a packet");
    assert_eq!(code(&packets(0, 188, 1)), Code::NotMedia);
    assert_eq!(code(&[b'G'; 2_000]), Code::NotMedia);
}

#[test]
fn signatures_at_the_beginning_are_accepted() {
    assert_eq!(container(&[0, 0, 1, 0xBA, 0x44, 0, 4, 0]), Container::MpegPs);
    assert_eq!(container(&[0, 0, 1, 0xBA, 0x21, 0, 1, 0]), Container::MpegPs);
    assert_eq!(container(b"RIFF\x10\0\0\0AVI LIST"), Container::Avi);
    assert_eq!(container(b"RIFF\x10\0\0\0WAVEfmt "), Container::Wav);
    assert_eq!(container(b"RF64\xFF\xFF\xFF\xFFWAVEds64"), Container::Wav);
    assert_eq!(container(b"FLV\x01\x05\0\0\0\x09"), Container::Flv);
    assert_eq!(container(b"OggS\0\x02"), Container::Ogg);
    assert_eq!(container(b"fLaC\0\0\0\x22"), Container::Flac);
}

#[test]
fn mxf_is_accepted_after_a_run_in() {
    let key =
        [0x06, 0x0E, 0x2B, 0x34, 0x02, 0x05, 0x01, 0x01, 0x0D, 0x01, 0x02, 0x01, 0x01, 0x02, 0x04, 0x00];
    assert_eq!(container(&key), Container::Mxf);
    let mut late = vec![0x55; PREFIX_BYTES_MAX - key.len()];
    late.extend(key);
    assert_eq!(container(&late), Container::Mxf);
    late.insert(0, 0x55);
    late.insert(0, 0x55);
    late.insert(0, 0x55);
    assert_eq!(code(&late), Code::NotMedia, "beyond the longest run-in");
}

/// MPEG-1 layer III, 128 kb/s, 44.1 kHz: 417 bytes.
fn mp3_frame() -> Vec<u8> {
    let mut frame = vec![0; 417];
    frame[..4].copy_from_slice(&[0xFF, 0xFB, 0x90, 0x00]);
    frame
}

fn adts_frame() -> Vec<u8> {
    let mut frame = vec![0; 100];
    frame[..7].copy_from_slice(&[0xFF, 0xF1, 0x50, 0x80, 100 >> 3, (100 & 7) << 5 | 0x1F, 0xFC]);
    frame
}

fn id3(body_bytes: usize) -> Vec<u8> {
    let size = [21, 14, 7, 0].map(|shift| (body_bytes >> shift) as u8 & 0x7F);
    [b"ID3\x04\0\0".as_slice(), &size, &vec![0xAA; body_bytes]].concat()
}

#[test]
fn raw_audio_needs_two_frames_that_agree() {
    assert_eq!(container(&mp3_frame().repeat(2)), Container::Mp3);
    assert_eq!(code(&mp3_frame()), Code::NotMedia);
    assert_eq!(container(&adts_frame().repeat(3)), Container::Adts);
    assert_eq!(code(&adts_frame()), Code::NotMedia);
    let mut torn = mp3_frame().repeat(3);
    torn[417] = 0;
    assert_eq!(code(&torn), Code::NotMedia);
}

#[test]
fn id3_tags_are_skipped() {
    assert_eq!(container(&[id3(300), mp3_frame().repeat(2)].concat()), Container::Mp3);
    assert_eq!(container(&[id3(300), vec![0; 64], mp3_frame().repeat(2)].concat()), Container::Mp3, "padded");
    assert_eq!(container(&[id3(300), id3(20), b"fLaC".to_vec()].concat()), Container::Flac);
    assert_eq!(container(&[id3(20), adts_frame().repeat(2)].concat()), Container::Adts);
    assert_eq!(code(&[id3(20), b"\x7FELF".to_vec()].concat()), Code::NotMedia);
    let cover = [id3(200_000), mp3_frame().repeat(2)].concat();
    assert_eq!(container(&cover), Container::Mp3, "a tag longer than the prefix");
    assert_eq!(sniff(&cover[..1_000], 1_000).unwrap_err().code, Code::NotMedia, "a tag longer than the file");
}

const REFERENCES: &[&str] = &[
    "#EXTM3U\n#EXT-X-VERSION:3\n",
    "  \r\n\t#extm3u\n",
    "ffconcat version 1.0\nfile 'x'\n",
    "<MPD type=\"static\">",
    "<?xml version=\"1.0\"?>\n<!-- hello --><MPD>",
    "<?xml version='1.0'?><!DOCTYPE smil PUBLIC 'x'><smil>",
    "<SmoothStreamingMedia MajorVersion=\"2\">",
    "<ns:playlist xmlns:ns=\"http://xspf.org/ns/0/\">",
    "[playlist]\nFile1=http://x/\n",
    "<ASX version=\"3.0\">",
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
    "http://127.0.0.1/x.ts\n",
    "# a comment\n\nfile:///x\n",
    "rtsp://x/",
    "concat:x|y",
    "RTSPtextRTSP://x",
];

#[test]
fn references_are_refused_with_their_own_code() {
    for text in REFERENCES {
        assert_eq!(code(text.as_bytes()), Code::PlaylistRefused, "{text}");
    }
}

#[test]
fn references_are_found_after_byte_order_marks_and_in_utf_16() {
    for text in REFERENCES {
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            [b"\xFF\xFE", little.as_slice()].concat(),
            [b"\xFE\xFF", big.as_slice()].concat(),
            little,
            big,
        ] {
            assert_eq!(code(&bytes), Code::PlaylistRefused, "{text}");
        }
    }
}

#[test]
fn other_media_and_no_media_have_different_codes() {
    assert_eq!(code(&[0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11]), Code::UnsupportedContainer);
    assert_eq!(code(b".RMF\0\0\0\x12"), Code::UnsupportedContainer);
    assert_eq!(code(&[0, 0, 0, 1, 0x67, 0x42]), Code::UnsupportedContainer);
    assert_eq!(code(b"PK\x03\x04"), Code::NotMedia);
    assert_eq!(code(b"\x7FELF\x02"), Code::NotMedia);
    assert_eq!(code(b"<!doctype html><video src='http://x/'>"), Code::NotMedia);
    assert_eq!(sniff(b"WEBVTT\n", 7).unwrap_err().detail, "a subtitle file without media");
    assert_eq!(sniff(b"this is a text\n", 15).unwrap_err().detail, "a text");
}

#[test]
fn shared_files_are_sniffed_as_their_manifest_says() {
    let folder = reelgate_test_media::shared("media");
    let mut wrong = Vec::new();
    for path in files_below(folder.join("files")) {
        let (prefix, size) = prefix_of(&path);
        let found = sniff(&prefix, size);
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        let expected = expected_of(&folder, &name);
        let agrees = match (&expected, &found) {
            (Ok(container), Ok(found)) => container == found,
            (Err(code), Err(fault)) => *code == fault.code,
            _ => false,
        };
        if !agrees {
            wrong.push(format!("{name}: expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The result that the manifest's container column asks for.
fn expected_of(folder: &Path, name: &str) -> Result<Container, Code> {
    let manifest = std::fs::read_to_string(folder.join("manifest.csv")).unwrap();
    let line =
        manifest.lines().find(|line| line.starts_with(&format!("{name},"))).unwrap_or_default().to_owned();
    let holds = |container: &str| line.contains(container);
    if holds(",\"mov,mp4,m4a,3gp,3g2,mj2\",") || holds(",isobmff,") {
        return Ok(Container::IsoBmff);
    }
    if holds(",\"matroska,webm\",") {
        return Ok(Container::Matroska);
    }
    for (word, container) in [
        (",mpegts,", Container::MpegTs),
        (",avi,", Container::Avi),
        (",flv,", Container::Flv),
        (",mxf,", Container::Mxf),
        (",ogg,", Container::Ogg),
    ] {
        if holds(word) {
            return Ok(container);
        }
    }
    match () {
        () if holds(",empty,") => Err(Code::EmptyUpload),
        // This EBML has a damaged header without a document type.
        () if holds(",asf,") || holds(",ebml,") => Err(Code::UnsupportedContainer),
        () => Err(Code::NotMedia),
    }
}

/// The lengths to try: all short ones, then one in 509, because all 65,536 would take too long.
fn lengths(prefix_bytes: usize) -> impl Iterator<Item = usize> {
    (0..prefix_bytes.min(600)).chain((600..prefix_bytes).step_by(509))
}

fn assert_every_prefix_is_answered(files: Vec<PathBuf>) {
    for path in files {
        let (prefix, size) = prefix_of(&path);
        for length in lengths(prefix.len()) {
            if let Err(fault) = sniff(&prefix[..length], size) {
                assert!(fault.code.class().is_producers(), "{:?}", fault.code);
            }
        }
    }
}

#[test]
fn every_prefix_of_the_test_media_is_answered() {
    assert_every_prefix_is_answered(files_below(reelgate_test_media::files()));
}

#[test]
fn shared_files_are_answered_by_every_prefix() {
    assert_every_prefix_is_answered(files_below(reelgate_test_media::shared("media/files")));
}

#[test]
fn arbitrary_bytes_behind_every_signature_are_answered() {
    let starts: [&[u8]; 14] = [
        b"",
        b"ID3\x03\0\0",
        b"\x1A\x45\xDF\xA3",
        b"\0\0\0\x01ftyp",
        b"RIFF",
        b"\0\0\x01\xBA",
        b"FLV\x01",
        b"OggS",
        b"G",
        b"\xFF\xFB",
        b"\xFF\xF1",
        b"\xFF\xFE",
        b"<",
        b"\x06\x0E\x2B\x34",
    ];
    // xorshift64 (Marsaglia 2003): the same bytes in every run.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..20_000 {
        let length = (next() % 400) as usize;
        let mut bytes = starts[round % starts.len()].to_vec();
        bytes.extend((0..length).map(|_| next() as u8));
        let size = match next() % 3 {
            0 => bytes.len() as u64,
            1 => u64::MAX,
            _ => next(),
        };
        if let Err(fault) = sniff(&bytes, size) {
            assert!(fault.code.class().is_producers(), "round {round}: {:?}", fault.code);
        }
    }
}

#[test]
fn the_test_media_are_sniffed_as_their_index_says() {
    for file in reelgate_test_media::all() {
        let (prefix, size) = prefix_of(&file.path);
        let found = sniff(&prefix, size);
        let found = found.as_ref().map(|container| container.as_str()).map_err(|fault| fault.code.as_str());
        // What is a container on the outside may still be refused by inspection.
        assert_eq!(found, file.container.ok_or(file.outcome), "{}", file.name());
    }
}
