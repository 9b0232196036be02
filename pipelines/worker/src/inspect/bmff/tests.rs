//! Small files, built box by box, each with one fault.

use super::super::tests::limits;
use super::*;
use crate::corpus::source;

fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes(), kind.as_slice(), content].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// What a test file claims.
#[derive(Clone, Copy)]
struct Claims {
    width: u16,
    height: u16,
    samples: u32,
    sample_bytes: u32,
    duration: u32,
    timescale: u32,
    offset: u32,
    reference_flags: u32,
    format: [u8; 4],
    handler: [u8; 4],
}

const HONEST: Claims = Claims {
    width: 64,
    height: 48,
    samples: 10,
    sample_bytes: 5,
    duration: 10,
    timescale: 25,
    offset: 16,
    reference_flags: 1,
    format: *b"avc1",
    handler: *b"vide",
};

fn track(claims: Claims) -> Vec<u8> {
    let size = u32::from(claims.width) << 16 | u32::from(claims.height);
    let entry = [words(&[0, 1, 0, 0, 0, 0, size]), vec![0; 50]].concat();
    let stbl = [
        boxed(b"stsd", &[words(&[0, 1]), boxed(&claims.format, &entry)].concat()),
        boxed(b"stts", &words(&[0, 1, claims.samples, claims.duration / claims.samples.max(1)])),
        boxed(b"stsc", &words(&[0, 1, 1, claims.samples, 1])),
        boxed(b"stsz", &words(&[0, claims.sample_bytes, claims.samples])),
        boxed(b"stco", &words(&[0, 1, claims.offset])),
    ];
    let dref = boxed(b"dref", &[words(&[0, 1]), boxed(b"url ", &words(&[claims.reference_flags]))].concat());
    let minf = boxed(b"minf", &[boxed(b"dinf", &dref), boxed(b"stbl", &stbl.concat())].concat());
    let mdhd = boxed(b"mdhd", &words(&[0, 0, 0, claims.timescale, claims.duration, 0]));
    let hdlr = boxed(b"hdlr", &[words(&[0, 0]), claims.handler.to_vec(), vec![0; 12]].concat());
    boxed(b"trak", &boxed(b"mdia", &[mdhd, hdlr, minf].concat()))
}

fn movie(tracks: &[u8]) -> Vec<u8> {
    let mvhd = boxed(b"mvhd", &words(&[0, 0, 0, 1_000, 400, 0]));
    let mdat = boxed(b"mdat", &[0; 56]);
    [boxed(b"ftyp", b"isom\0\0\x02\0"), mdat, boxed(b"moov", &[mvhd, tracks.to_vec()].concat())].concat()
}

fn checked(bytes: &[u8]) -> Result<Movie, Code> {
    check(&source(bytes), &limits()).map_err(|fault| fault.code)
}

fn refused(claims: Claims) -> Option<Code> {
    checked(&movie(&track(claims))).err()
}

#[test]
fn an_honest_movie_passes_with_its_brand_and_duration() {
    let movie = checked(&movie(&track(HONEST))).unwrap();
    let expected =
        Movie { brand: "isom".to_owned(), fragmented: false, declared_duration_ns: Some(400_000_000) };
    assert_eq!(movie, expected);
}

#[test]
fn claims_beyond_a_limit_are_refused_with_the_code_of_the_limit() {
    let pixels = [(65_535, 1), (1, 65_535), (16_000, 16_000)];
    for (width, height) in pixels {
        assert_eq!(refused(Claims { width, height, ..HONEST }), Some(Code::BudgetPixels));
    }
    for samples in [8_000_000, 200_000_000, i32::MAX as u32] {
        assert_eq!(refused(Claims { samples, ..HONEST }), Some(Code::BudgetSamples));
    }
    assert_eq!(refused(Claims { duration: u32::MAX - 1, ..HONEST }), Some(Code::BudgetDuration));
    let many = track(HONEST).repeat(limits().tracks_max as usize + 1);
    assert_eq!(checked(&movie(&many)), Err(Code::BudgetTracks));
}

#[test]
fn nesting_beyond_the_limit_is_refused_at_any_depth() {
    let nested = (0..5_000).fold(Vec::new(), |inner, _| boxed(b"moov", &inner));
    assert_eq!(checked(&nested), Err(Code::BudgetNesting));
}

#[test]
fn media_outside_the_file_is_refused() {
    assert_eq!(refused(Claims { reference_flags: 0, ..HONEST }), Some(Code::ExternalReference));
    let redirect = boxed(b"moov", &boxed(b"rmra", &boxed(b"rmda", b"anything")));
    assert_eq!(checked(&redirect), Err(Code::ExternalReference));
}

#[test]
fn encrypted_and_compressed_movies_are_named_as_such() {
    assert_eq!(refused(Claims { format: *b"encv", ..HONEST }), Some(Code::Encrypted));
    assert_eq!(checked(&boxed(b"moov", &boxed(b"cmov", b"zlib"))), Err(Code::UnsupportedContainer));
}

#[test]
fn a_missing_or_contradictory_index_is_damaged() {
    assert_eq!(checked(&boxed(b"ftyp", b"isom")), Err(Code::DamagedIndex));
    assert_eq!(checked(b"\0\0\0\x03free"), Err(Code::DamagedIndex));
    assert_eq!(refused(Claims { timescale: 0, ..HONEST }), Some(Code::DamagedIndex));
    let too_many_sizes = Claims { sample_bytes: 0, samples: 11, ..HONEST };
    assert_eq!(refused(too_many_sizes), Some(Code::DamagedIndex));
    let outgrown = boxed(b"moov", &[words(&[100]), b"trak".to_vec()].concat());
    assert_eq!(checked(&outgrown), Err(Code::DamagedIndex));
}

#[test]
fn a_cut_file_is_truncated_at_any_position_of_the_cut() {
    let whole = movie(&track(HONEST));
    assert_eq!(checked(&whole[..whole.len() - 1]), Err(Code::Truncated), "within the movie box");
    assert_eq!(checked(&whole[..40]), Err(Code::Truncated), "within the media, before the movie box");
    let past = Claims { offset: 1_000_000, ..HONEST };
    assert_eq!(refused(past), Some(Code::Truncated), "samples past the end");
}

#[test]
fn a_media_box_that_is_too_long_is_accepted_if_all_samples_are_there() {
    let mdat_last = {
        let moov = boxed(b"moov", &track(Claims { offset: 0, ..HONEST }));
        [moov, words(&[1_000]), b"mdat".to_vec(), vec![0; 50]].concat()
    };
    assert!(checked(&mdat_last).is_ok());
}

#[test]
fn a_movie_without_tracks_has_no_media() {
    assert_eq!(checked(&movie(&[])), Err(Code::NoMediaTrack));
}

#[test]
fn fragments_may_not_claim_more_samples_than_the_file_has_bytes() {
    let empty = track(Claims { samples: 0, sample_bytes: 0, ..HONEST });
    let moov = boxed(b"moov", &[boxed(b"mvex", b""), empty].concat());
    let fragment = |samples| boxed(b"moof", &boxed(b"traf", &boxed(b"trun", &words(&[0, samples]))));
    let honest = checked(&[moov.clone(), fragment(20), boxed(b"mdat", &[0; 99])].concat()).unwrap();
    assert!(honest.fragmented);
    assert_eq!(checked(&[moov, fragment(u32::MAX)].concat()), Err(Code::BudgetSamples));
}

#[test]
fn samples_may_be_in_the_movie_box_and_in_fragments() {
    let bytes = [movie(&track(HONEST)), boxed(b"moof", b"")].concat();
    assert!(checked(&bytes).unwrap().fragmented);
}

#[test]
fn no_prefix_and_no_flipped_byte_makes_the_check_panic() {
    let whole = movie(&track(HONEST));
    for length in 0..whole.len() {
        let _ = checked(&whole[..length]);
    }
    for at in 0..whole.len() {
        for value in [0, 1, 0x7F, 0xFF] {
            let mut changed = whole.clone();
            changed[at] = value;
            let _ = checked(&changed);
        }
    }
}
