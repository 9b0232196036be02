//! Real outputs pass in pieces of any size, and each wrong form is refused by name.

use reelgate_flow::reason::{Code, Fault};

use super::*;

#[path = "../../bin/reelgate-jail-probe/media.rs"]
mod media;

const VIDEO_SEGMENT: &[u8] = include_bytes!("../../../tests/media/video-00000.m4s");
const SOUND: ExpectedTrack = ExpectedTrack::Audio { sample_rate: 48_000, channels: 2 };
const PICTURES: ExpectedTrack = ExpectedTrack::Video { timescale: 25_000, width: 64, height: 48 };

fn checked(mut check: ContentCheck, bytes: &[u8], step: usize) -> Result<Content, Fault> {
    for piece in bytes.chunks(step) {
        check.push(piece)?;
    }
    check.finish()
}

fn check_of(name: &str) -> ContentCheck {
    match name {
        "audio/init.mp4" => ContentCheck::init_segment(SOUND),
        "audio/00000.m4s" => ContentCheck::media_segment(),
        _ => ContentCheck::jpeg(PictureSize { width: 76, height: 64 }),
    }
}

#[test]
fn real_outputs_pass_in_pieces_of_any_size() {
    for step in [1, 7, 1 << 20] {
        let sound = InitSegment { codecs: "mp4a.40.2".to_owned(), skip_ticks: 1_024 };
        let header = checked(ContentCheck::init_segment(SOUND), media::HEADER, step);
        assert_eq!(header, Ok(Content::InitSegment(sound)));
        let pictures = checked(ContentCheck::init_segment(PICTURES), media::VIDEO_HEADER, step).unwrap();
        assert!(
            matches!(&pictures, Content::InitSegment(init) if init.codecs.starts_with("avc1.")),
            "{pictures:?}"
        );
        let sheet = checked(check_of("storyboard-000.jpg"), media::SHEET, step);
        assert_eq!(sheet, Ok(Content::Jpeg(PictureSize { width: 56, height: 16 })));
        for segment in [media::SEGMENT, VIDEO_SEGMENT] {
            let found = checked(ContentCheck::media_segment(), segment, step).unwrap();
            let Content::MediaSegment(found) = found else { panic!("another kind: {found:?}") };
            assert!(found.samples > 1 && found.starts_with_sync && found.decode_ticks == 0, "{found:?}");
        }
    }
}

#[test]
fn text_passes_because_it_is_never_published() {
    assert_eq!(checked(ContentCheck::Text, b"{}\n", 1), Ok(Content::Text));
}

#[test]
fn each_wrong_form_is_refused_with_what_was_expected_and_found() {
    let expected = [
        ("header-of-another-kind", "a box ftyp in a track's header, found a box CTYP"),
        ("header-cut-short", "moov of at most 635 bytes, found 636"),
        ("header-with-bytes-behind", "the end of a track's header, found a box free"),
        ("header-with-a-second-track", "the end of moov, found a box trak"),
        ("header-with-metadata", "the end of moov, found a box udta"),
        ("header-with-a-hidden-box", "the end of stbl, found a box free"),
        ("header-that-leads-elsewhere", "a data reference to the file itself, found a location"),
        ("header-with-a-stream-location", "a stream descriptor without a location, found something else"),
        ("header-of-video", "timescale 48000, found 25000"),
        ("header-of-another-rate", "timescale 48000, found 44100"),
        ("header-with-samples", "tables without samples, found something else"),
        ("header-that-repeats-an-edit", "an edit that only moves the start, found something else"),
        ("header-that-is-too-long", "a track's header of at most 65536 bytes, found more"),
        ("segment-of-another-kind", "a box styp in a segment, found a box M3U?"),
        ("segment-without-media", "styp, moof and mdat, found an end before mdat"),
        ("segment-cut-short", "the whole of mdat, found an end 1 bytes before its own"),
        ("segment-with-bytes-behind", "nothing after mdat, found more bytes"),
        ("segment-with-a-box-between", "a box mdat in a segment, found a box free"),
        ("segment-with-two-fragments", "a box mdat in a segment, found a box moof"),
        ("segment-with-samples-elsewhere", "samples from byte 204 of moof on, found something else"),
        ("segment-with-another-base", "tfhd with flags 0x20020, found something else"),
        ("segment-of-another-track", "samples of track 1, found something else"),
        ("segment-with-smaller-samples", "samples of the 1287 bytes of mdat, found 1265"),
        ("segment-with-fewer-samples", "trun of 20 bytes, found 116"),
        ("segment-to-the-end-of-the-file", "a box with its size in 32 bits, found a box mdat of size 0"),
        ("segment-with-an-endless-header", "bytes of moof up to 8388572, found 4294967295"),
        ("picture-of-another-kind", "a JPEG that begins with its start marker, found something else"),
        ("picture-cut-short", "a JPEG up to its end marker, found an earlier end"),
        ("picture-with-bytes-behind", "nothing after the end of a JPEG, found more bytes"),
        (
            "picture-with-a-comment",
            "a marker of a baseline JPEG without application data, found bytes 0xff 0xfe",
        ),
        ("picture-with-exif", "a marker of a baseline JPEG without application data, found bytes 0xff 0xe1"),
        (
            "picture-that-is-progressive",
            "a marker of a baseline JPEG without application data, found bytes 0xff 0xc2",
        ),
        ("picture-with-two-scans", "one scan and then the end of a JPEG, found marker 0xda"),
        ("picture-that-is-too-large", "a picture of at most 76x64, found 65535x65535"),
    ];
    for (form, expected) in expected {
        let (name, bytes) = media::wrong_form(form).unwrap();
        for step in [1, 7, 1 << 20] {
            let fault = checked(check_of(name), &bytes, step).unwrap_err();
            assert_eq!(
                (fault.code, fault.detail),
                (Code::WorkerProtocol, format!("expected {expected}")),
                "{form}"
            );
        }
    }
}

#[test]
fn a_header_of_another_track_is_refused() {
    for track in [
        ExpectedTrack::Video { timescale: 30_000, width: 64, height: 48 },
        ExpectedTrack::Video { timescale: 25_000, width: 66, height: 48 },
        ExpectedTrack::Video { timescale: 25_000, width: 64, height: 50 },
        SOUND,
    ] {
        assert!(checked(ContentCheck::init_segment(track), media::VIDEO_HEADER, 99).is_err(), "{track:?}");
    }
    let mono = ExpectedTrack::Audio { sample_rate: 48_000, channels: 1 };
    assert!(checked(ContentCheck::init_segment(mono), media::HEADER, 99).is_err());
}

#[test]
fn an_endless_segment_passes_as_long_as_it_does_not_end() {
    let mut check = ContentCheck::media_segment();
    check.push(&media::endless_segment()).unwrap();
    check.push(&[0; 1 << 20]).unwrap();
    let expected = format!(
        "expected the whole of mdat, found an end {} bytes before its own",
        (1_u64 << 31) - (1 << 20)
    );
    assert_eq!(check.finish().unwrap_err().detail, expected);
}

#[test]
fn an_early_end_is_refused_and_no_wrong_byte_makes_the_check_panic() {
    let files =
        [("audio/init.mp4", media::HEADER), ("audio/00000.m4s", media::SEGMENT), ("sheet", media::SHEET)];
    for (name, bytes) in files {
        for at in 0..bytes.len() {
            assert!(checked(check_of(name), &bytes[..at], 64).is_err(), "{name} cut at {at}");
            let mut spoiled = bytes.to_vec();
            spoiled[at] ^= 0xff;
            drop(checked(check_of(name), &spoiled, 64));
        }
    }
}
