//! Outputs as the real worker writes them, and wrong forms of them, by name. The unit tests of the check use them too.
//!
//! The files come from the worker itself: sound (48 kHz, stereo) and video (64x48, 25 frames a second) of
//! `samples/big-buck-bunny-5s.mp4`, and a storyboard sheet of two tiles of 28x16.

pub const HEADER: &[u8] = include_bytes!("../../../tests/media/audio-init.mp4");
pub const SEGMENT: &[u8] = include_bytes!("../../../tests/media/audio-00000.m4s");
pub const VIDEO_HEADER: &[u8] = include_bytes!("../../../tests/media/video-init.mp4");
pub const SHEET: &[u8] = include_bytes!("../../../tests/media/storyboard-000.jpg");

/// The name and the bytes of an output in this wrong form.
pub fn wrong_form(form: &str) -> Option<(&'static str, Vec<u8>)> {
    let name = match form.split_once('-')?.0 {
        "header" => "audio/init.mp4",
        "segment" => "audio/00000.m4s",
        "picture" => "storyboard-000.jpg",
        _ => return None,
    };
    let bytes = header(form).or_else(|| segment(form)).or_else(|| picture(form))?;
    Some((name, bytes))
}

fn header(form: &str) -> Option<Vec<u8>> {
    let free = boxed(b"free", b"");
    Some(match form {
        "header-of-another-kind" => b"<!DOCTYPE html><script src=\"//example.org/x.js\"></script>".to_vec(),
        "header-cut-short" => HEADER[..HEADER.len() - 1].to_vec(),
        "header-with-bytes-behind" => [HEADER, &free].concat(),
        "header-with-a-second-track" => {
            let trak = &HEADER[at(HEADER, b"trak")..];
            appended(HEADER, &[b"moov"], trak)
        }
        "header-with-metadata" => appended(HEADER, &[b"moov"], &boxed(b"udta", b"anything")),
        "header-with-a-hidden-box" => appended(HEADER, &[b"moov", b"trak", b"mdia", b"minf", b"stbl"], &free),
        "header-that-leads-elsewhere" => {
            let path = [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref", b"url "];
            let mut bytes = appended(HEADER, &path, b"http://example.org/x.mp4\0");
            let flags = at(&bytes, b"url ") + 8 + 3;
            bytes[flags] = 0;
            bytes
        }
        "header-with-a-stream-location" => {
            // Behind the version, the tag, the length and the stream's number.
            let flags = at(HEADER, b"esds") + 8 + 4 + 2 + 2;
            patched(HEADER, flags, &[0x40])
        }
        "header-of-video" => VIDEO_HEADER.to_vec(),
        "header-of-another-rate" => patched(HEADER, at(HEADER, b"mdhd") + 8 + 20, &44_100_u32.to_be_bytes()),
        "header-with-samples" => patched(HEADER, at(HEADER, b"stsz") + 8 + 8, &9_u32.to_be_bytes()),
        "header-that-repeats-an-edit" => patched(HEADER, at(HEADER, b"elst") + 8 + 4, &2_u32.to_be_bytes()),
        "header-that-is-too-long" => appended(HEADER, &[b"moov"], &boxed(b"free", &[0; 64 << 10])),
        _ => return None,
    })
}

fn segment(form: &str) -> Option<Vec<u8>> {
    let free = boxed(b"free", b"");
    let (moof, mdat) = (at(SEGMENT, b"moof"), at(SEGMENT, b"mdat"));
    Some(match form {
        "segment-of-another-kind" => b"#EXTM3U\n#EXTINF:4,\nhttp://example.org/x.ts\n".to_vec(),
        "segment-without-media" => SEGMENT[..mdat].to_vec(),
        "segment-cut-short" => SEGMENT[..SEGMENT.len() - 1].to_vec(),
        "segment-with-bytes-behind" => [SEGMENT, &free].concat(),
        "segment-with-a-box-between" => [&SEGMENT[..mdat], &free, &SEGMENT[mdat..]].concat(),
        "segment-with-two-fragments" => [&SEGMENT[..mdat], &SEGMENT[moof..]].concat(),
        // Its offset follows the version and the number of samples.
        "segment-with-samples-elsewhere" => patched(SEGMENT, at(SEGMENT, b"trun") + 8 + 8, &[0; 4]),
        "segment-with-another-base" => patched(SEGMENT, at(SEGMENT, b"tfhd") + 8 + 3, &[0x21]),
        "segment-of-another-track" => patched(SEGMENT, at(SEGMENT, b"tfhd") + 8 + 7, &[2]),
        "segment-with-smaller-samples" => patched(SEGMENT, first_size(SEGMENT), &1_u32.to_be_bytes()),
        "segment-with-fewer-samples" => patched(SEGMENT, at(SEGMENT, b"trun") + 8 + 4, &1_u32.to_be_bytes()),
        "segment-to-the-end-of-the-file" => patched(SEGMENT, mdat, &[0; 4]),
        "segment-with-an-endless-header" => patched(SEGMENT, moof, &u32::MAX.to_be_bytes()),
        _ => return None,
    })
}

fn picture(form: &str) -> Option<Vec<u8>> {
    let frame = SHEET.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("every JPEG has a frame");
    let scan = SHEET.windows(2).position(|pair| pair == [0xff, 0xda]).expect("every JPEG has a scan");
    let end = SHEET.len() - 2;
    let before_frame = |segment: &[u8]| [&SHEET[..frame], segment, &SHEET[frame..]].concat();
    Some(match form {
        "picture-of-another-kind" => {
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec()
        }
        "picture-cut-short" => SHEET[..end].to_vec(),
        "picture-with-bytes-behind" => [SHEET, b"PK\x03\x04"].concat(),
        "picture-with-a-comment" => before_frame(b"\xff\xfe\0\x08anyone"),
        "picture-with-exif" => before_frame(b"\xff\xe1\0\x08Exif\0\0"),
        "picture-that-is-progressive" => patched(SHEET, frame + 1, &[0xc2]),
        "picture-with-two-scans" => [&SHEET[..end], &SHEET[scan..]].concat(),
        "picture-that-is-too-large" => patched(SHEET, frame + 5, &[0xff; 4]),
        _ => return None,
    })
}

/// The beginning of a segment that announces 2 GiB of media.
pub fn endless_segment() -> Vec<u8> {
    const MEDIA_BYTES: u32 = 1 << 31;
    let mdat = at(SEGMENT, b"mdat");
    let others = SEGMENT.len() - mdat - 8 - size_at(SEGMENT, first_size(SEGMENT)) as usize;
    let first = MEDIA_BYTES - others as u32;
    let bytes = patched(&SEGMENT[..mdat + 8], first_size(SEGMENT), &first.to_be_bytes());
    patched(&bytes, mdat, &(MEDIA_BYTES + 8).to_be_bytes())
}

/// Where a run keeps the size of its first sample: behind version, number, offset and the first duration.
fn first_size(segment: &[u8]) -> usize {
    at(segment, b"trun") + 8 + 4 + 4 + 4 + 4
}

fn size_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |size| u32::from_be_bytes(*size))
}

/// Where a box of this type begins.
fn at(bytes: &[u8], kind: &[u8; 4]) -> usize {
    bytes.windows(4).position(|four| four == kind).expect("the real output has such a box") - 4
}

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(8 + body.len() as u32).to_be_bytes(), kind.as_slice(), body].concat()
}

fn patched(bytes: &[u8], at: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

/// Appends to the body of the last box of a path, and enlarges every box of the path.
fn appended(bytes: &[u8], path: &[&[u8; 4]], extra: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut end = bytes.len();
    for kind in path {
        let box_at = at(&bytes, kind);
        let size = size_at(&bytes, box_at);
        end = box_at + size as usize;
        bytes[box_at..box_at + 4].copy_from_slice(&(size + extra.len() as u32).to_be_bytes());
    }
    bytes.splice(end..end, extra.iter().copied());
    bytes
}
