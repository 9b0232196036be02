//! Signatures at fixed positions: of accepted containers, and of other files, so that their refusal can name the
//! format.

use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Code, Fault};

/// Header partition pack key without its registry version, byte 7 (SMPTE ST 377-1, 7.1).
const MXF_KEY_HEAD: [u8; 7] = [0x06, 0x0E, 0x2B, 0x34, 0x02, 0x05, 0x01];
const MXF_KEY_TAIL: [u8; 6] = [0x0D, 0x01, 0x02, 0x01, 0x01, 0x02];

/// The accepted container whose signature the upload begins with.
pub fn accepted(prefix: &[u8]) -> Option<Container> {
    if let Some(form) = riff_form(prefix) {
        return match form {
            b"AVI " => Some(Container::Avi),
            b"WAVE" => Some(Container::Wav),
            _ => None,
        };
    }
    // Pack header of MPEG-2 (ISO/IEC 13818-1, 2.5.3.3) or MPEG-1 (ISO/IEC 11172-1, 2.4.3.2); a VOB is one.
    if let Some([next, ..]) = prefix.strip_prefix(&[0, 0, 1, 0xBA])
        && (next & 0xC4 == 0x44 || next & 0xF1 == 0x21)
    {
        return Some(Container::MpegPs);
    }
    // RFC 3533, section 6: capture pattern and stream structure version.
    if prefix.starts_with(b"OggS\0") {
        return Some(Container::Ogg);
    }
    // Adobe Flash Video File Format, annex E.2: version 1, reserved flag bits 0.
    if let Some([flags, ..]) = prefix.strip_prefix(b"FLV\x01")
        && flags & 0xFA == 0
    {
        return Some(Container::Flv);
    }
    // RFC 9639, section 6.
    if prefix.starts_with(b"fLaC") {
        return Some(Container::Flac);
    }
    is_mxf_key(prefix).then_some(Container::Mxf)
}

/// Whether an MXF header partition follows a run-in. The run-in and the key fit into the prefix.
pub fn mxf_after_run_in(prefix: &[u8]) -> bool {
    (0..prefix.len()).any(|at| prefix.get(at..).is_some_and(is_mxf_key))
}

fn is_mxf_key(bytes: &[u8]) -> bool {
    let tail = MXF_KEY_HEAD.len() + 1;
    bytes.starts_with(&MXF_KEY_HEAD) && bytes.get(tail..).is_some_and(|rest| rest.starts_with(&MXF_KEY_TAIL))
}

/// The form type of a RIFF file, also of its variants above 4 GiB (EBU Tech 3306, ITU-R BS.2088).
fn riff_form(prefix: &[u8]) -> Option<&[u8]> {
    let known = [b"RIFF", b"RF64", b"BW64"].into_iter().any(|magic| prefix.starts_with(magic));
    if known { prefix.get(8..12) } else { None }
}

/// The fault of a file that is recognised and refused.
pub fn refused(prefix: &[u8]) -> Option<Fault> {
    if let Some(form) = riff_form(prefix) {
        return Some(match form {
            b"WEBP" => Fault::new(Code::NotMedia, "a picture (WebP)"),
            _ => Fault::new(Code::UnsupportedContainer, "RIFF that is neither AVI nor WAVE"),
        });
    }
    let find = |table: &[(usize, &[u8], &'static str)]| {
        let hit =
            table.iter().find(|(at, magic, _)| prefix.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
        hit.map(|(_, _, name)| *name)
    };
    if let Some(name) = find(OTHER_MEDIA) {
        return Some(Fault::new(Code::UnsupportedContainer, name));
    }
    find(NOT_MEDIA).map(|name| Fault::new(Code::NotMedia, name))
}

/// Media that no demuxer of Reelgate accepts: offset, bytes, name.
const OTHER_MEDIA: &[(usize, &[u8], &str)] = &[
    (0, &[0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11], "ASF (WMV, WMA)"),
    (0, b".RMF", "RealMedia"),
    (0, b".ra\xFD", "RealAudio"),
    (0, &[0xB7, 0xD8, 0x00, 0x20, 0x37, 0x49, 0xDA, 0x11], "WTV"),
    (0, b"nut/multimedia container\0", "NUT"),
    (0, b"DKIF", "IVF"),
    (0, b"YUV4MPEG2 ", "YUV4MPEG2"),
    (0, b"FORM", "IFF (AIFF)"),
    (0, b".snd", "AU"),
    (0, b"caff", "CAF"),
    (0, b"#!AMR", "AMR"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"wvpk", "WavPack"),
    (0, b"TTA1", "True Audio"),
    (0, b"DSD ", "DSF"),
    (0, b"MThd", "MIDI"),
    (0, b"FWS", "Flash application"),
    (0, b"CWS", "Flash application"),
    (0, b"ZWS", "Flash application"),
    (0, b"BIKi", "Bink"),
    (0, b"SMK2", "Smacker"),
    (4, b"jP  \r\n\x87\n", "JPEG 2000 family"),
    (0, &[0x0B, 0x77], "AC-3 without a container"),
    (0, &[0x7F, 0xFE, 0x80, 0x01], "DTS without a container"),
    (0, &[0, 0, 1, 0xB3], "MPEG video without a container"),
    (0, &[0, 0, 1, 0xE0], "MPEG video packets without a pack header"),
    (0, &[0, 0, 0, 1, 0x67], "H.264 without a container"),
    (0, &[0, 0, 1, 0x67], "H.264 without a container"),
    (0, &[0, 0, 0, 1, 0x09], "H.264 without a container"),
    (0, &[0, 0, 0, 1, 0x40, 0x01], "H.265 without a container"),
];

/// Files that are not media: offset, bytes, name.
const NOT_MEDIA: &[(usize, &[u8], &str)] = &[
    (0, b"\x89PNG\r\n\x1A\n", "a picture (PNG)"),
    (0, &[0xFF, 0xD8, 0xFF], "a picture (JPEG)"),
    (0, b"GIF8", "a picture (GIF)"),
    (0, b"II*\0", "a picture (TIFF)"),
    (0, b"MM\0*", "a picture (TIFF)"),
    (0, b"8BPS", "a picture (Photoshop)"),
    (4, b"JXL \r\n\x87\n", "a picture (JPEG XL)"),
    (0, &[0xFF, 0x0A], "a picture (JPEG XL)"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"PK\x05\x06", "a ZIP archive"),
    (0, &[0x1F, 0x8B], "a gzip archive"),
    (0, b"\xFD7zXZ\0", "an xz archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, &[0x28, 0xB5, 0x2F, 0xFD], "a zstd archive"),
    (0, b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive"),
    (0, b"Rar!\x1A\x07", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x7FELF", "an executable (ELF)"),
    (0, b"MZ", "an executable (PE)"),
    (0, b"#!", "a script"),
    (0, b"%PDF", "a document (PDF)"),
    (0, b"%!PS", "a document (PostScript)"),
    (0, &[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], "a document (OLE)"),
    (0, b"SQLite format 3\0", "a database (SQLite)"),
];
