use mp4_atom::{
    Atom, Avc1, Avcc, Codec, Decode, Dinf, Edts, Elst, ElstEntry, Encode, FourCC, Ftyp, Hdlr, Header, Mdhd,
    Mdia, Mfhd, Minf, Moof, Moov, Mvhd, Stbl, Stsd, StszSamples, Styp, Tfdt, Tfhd, Tkhd, Traf, Trak, Trun,
    TrunEntry, TrunSamples, Vmhd,
};

use reelgate_flow::reason::Code;

use super::*;

/// High, level 3.1, one parameter set of each kind, 8 bits in 4:2:0 (ISO/IEC 14496-15 5.3.3.1).
const AVCC: &[u8] = &[
    1, 0x64, 0, 0x1F, 0xFF, 0xE1, 0, 4, 0x67, 0x64, 0, 0x1F, 1, 0, 4, 0x68, 0xEB, 0xE3, 0xCB, 0xFD, 0xF8,
    0xF8, 0,
];

/// The header of a track of `ticks` a second, whose presentation begins `skip` ticks into its media.
fn init(ticks: u32, skip: u64) -> Vec<u8> {
    let entry = ElstEntry { segment_duration: 0, media_time: Some(skip), media_rate: 1.into() };
    // The index does not look at the codec.
    let avcc = Avcc::decode_body(&mut &AVCC[..]).unwrap();
    let codec = Codec::Avc1(Avc1 { avcc, ..Avc1::default() });
    let trak = Trak {
        tkhd: Tkhd { track_id: 1, enabled: true, ..Tkhd::default() },
        edts: (skip > 0).then(|| Edts { elst: Some(Elst { entries: vec![entry] }) }),
        mdia: Mdia {
            mdhd: Mdhd { timescale: ticks, language: "und".into(), ..Mdhd::default() },
            hdlr: Hdlr { handler: FourCC::new(b"vide"), name: "video".into() },
            minf: Minf {
                vmhd: Some(Vmhd::default()),
                dinf: Dinf::default(),
                stbl: Stbl { stsd: Stsd { codecs: vec![codec] }, ..Stbl::default() },
                ..Minf::default()
            },
        },
        ..Trak::default()
    };
    let ftyp = Ftyp { major_brand: FourCC::new(b"cmfc"), minor_version: 0, compatible_brands: Vec::new() };
    let moov =
        Moov { mvhd: Mvhd { timescale: ticks, ..Mvhd::default() }, trak: vec![trak], ..Moov::default() };
    let mut bytes = Vec::new();
    ftyp.encode(&mut bytes).unwrap();
    moov.encode(&mut bytes).unwrap();
    bytes
}

/// A segment from decode time `at` on: duration, composition offset and media of each sample, of which the first is a sync
/// sample.
fn segment(at: u64, samples: &[(u32, i64, &[u8])]) -> Vec<u8> {
    let entry = |(number, (duration, cts, media)): (usize, &(u32, i64, &[u8]))| TrunEntry {
        duration: Some(*duration),
        size: Some(media.len() as u32),
        flags: Some(if number == 0 { 0x0200_0000 } else { 0x0101_0000 }),
        cts: Some(*cts),
    };
    let entries = samples.iter().enumerate().map(entry).collect();
    let media: Vec<u8> = samples.iter().flat_map(|(_, _, media)| media.iter().copied()).collect();
    let moof = |data_offset| Moof {
        mfhd: Mfhd { sequence_number: 1 },
        traf: vec![Traf {
            tfhd: Tfhd {
                track_id: 1,
                default_sample_flags: Some(0),
                default_base_is_moof: true,
                ..Tfhd::default()
            },
            tfdt: Some(Tfdt { base_media_decode_time: at }),
            trun: vec![Trun {
                data_offset: Some(data_offset),
                samples: TrunSamples::Explicit(Vec::clone(&entries)),
            }],
            ..Traf::default()
        }],
    };
    let mut measured = Vec::new();
    moof(0).encode(&mut measured).unwrap();
    let styp = Styp { major_brand: FourCC::new(b"cmfs"), minor_version: 0, compatible_brands: Vec::new() };
    let mut bytes = Vec::new();
    styp.encode(&mut bytes).unwrap();
    moof(measured.len() as i32 + 8).encode(&mut bytes).unwrap();
    Header { kind: FourCC::new(b"mdat"), size: Some(media.len()) }.encode(&mut bytes).unwrap();
    bytes.extend(media);
    bytes
}

/// The whole file, and its index as an independent reader reads it.
fn file(tracks: &[(Vec<u8>, Vec<Vec<u8>>)]) -> (Vec<u8>, Moov) {
    let mut builder = Builder::default();
    for (init, segments) in tracks {
        builder.track(init).unwrap();
        segments.iter().for_each(|segment| builder.segment(segment).unwrap());
    }
    let head = builder.finish().unwrap();
    let mut bytes = head.bytes;
    for (track, segment) in head.order {
        bytes.extend_from_slice(media(&tracks[track].1[segment]).unwrap());
    }
    let mut rest = &bytes[..];
    Ftyp::decode(&mut rest).unwrap();
    let moov = Moov::decode(&mut rest).unwrap();
    assert_eq!(&rest[4..8], b"mdat");
    assert_eq!(u64::from_be_bytes(rest[8..16].try_into().unwrap()), rest.len() as u64);
    (bytes, moov)
}

#[test]
fn every_sample_is_found_where_the_index_says_and_tracks_take_turns() {
    let video = vec![
        segment(0, &[(100, 100, b"I0"), (100, 200, b"P01"), (100, 0, b"B")]),
        segment(300, &[(100, 100, b"I1"), (150, 100, b"P11")]),
    ];
    let sound = vec![segment(0, &[(50, 0, b"a")]), segment(50, &[(20, 0, b"bc")])];
    let (bytes, moov) = file(&[(init(100, 100), video), (init(50, 10), sound)]);
    assert_eq!(&bytes[bytes.len() - 14..], b"I0P01BabcI1P11");
    let [video, sound] = &moov.trak[..] else { panic!("{} tracks", moov.trak.len()) };
    assert_eq!((video.tkhd.track_id, sound.tkhd.track_id, moov.mvhd.next_track_id), (1, 2, 3));
    let places = |trak: &Trak| trak.mdia.minf.stbl.co64.clone().unwrap().entries;
    let first = bytes.len() as u64 - 14;
    assert_eq!((places(video), places(sound)), (vec![first, first + 9], vec![first + 6, first + 7]));
    let stbl = &video.mdia.minf.stbl;
    assert_eq!(stbl.stsz.samples, StszSamples::Different { sizes: vec![2, 3, 1, 2, 3] });
    let durations: Vec<_> =
        stbl.stts.entries.iter().map(|one| (one.sample_count, one.sample_delta)).collect();
    assert_eq!(durations, [(4, 100), (1, 150)]);
    let offsets: Vec<_> = stbl
        .ctts
        .iter()
        .flat_map(|table| &table.entries)
        .map(|one| (one.sample_count, one.sample_offset))
        .collect();
    assert_eq!(offsets, [(1, 100), (1, 200), (1, 0), (2, 100)]);
    assert_eq!(stbl.stss.as_ref().unwrap().entries, [1, 4]);
    let chunks: Vec<_> =
        stbl.stsc.entries.iter().map(|one| (one.first_chunk, one.samples_per_chunk)).collect();
    assert_eq!(chunks, [(1, 3), (2, 2)]);
    assert!(sound.mdia.minf.stbl.stss.is_none() && sound.mdia.minf.stbl.ctts.is_none());
    assert!(moov.mvex.is_none(), "a file without fragments");
}

#[test]
fn the_presentation_begins_and_ends_where_that_of_the_segments_does() {
    let video = vec![segment(0, &[(100, 40, b"a"), (150, 40, b"b")])];
    let (_, moov) = file(&[(init(100, 40), video)]);
    let edits = moov.trak[0].edts.clone().unwrap().elst.unwrap().entries;
    // The last picture ends at 290 ticks of 100 a second, and the first 40 are not shown: 2.5 s of the movie's 90,000.
    assert_eq!((edits[0].media_time, edits[0].segment_duration), (Some(40), 225_000));
    assert_eq!((moov.mvhd.duration, moov.trak[0].mdia.mdhd.duration), (225_000, 250));
}

#[test]
fn a_gap_that_damage_left_lengthens_the_sample_before_it() {
    let video = vec![segment(0, &[(10, 0, b"a"), (10, 0, b"b")]), segment(50, &[(10, 0, b"c")])];
    let (_, moov) = file(&[(init(100, 0), video)]);
    let entries = &moov.trak[0].mdia.minf.stbl.stts.entries;
    let durations: Vec<_> = entries.iter().map(|one| (one.sample_count, one.sample_delta)).collect();
    assert_eq!(durations, [(1, 10), (1, 40), (1, 10)]);
    assert_eq!(moov.trak[0].mdia.mdhd.duration, 60);
}

#[test]
fn what_is_no_track_of_segments_is_refused() {
    let mut builder = Builder::default();
    assert_eq!(builder.segment(&segment(0, &[(1, 0, b"a")])).unwrap_err().code, Code::Internal);
    assert_eq!(builder.track(b"no boxes").unwrap_err().code, Code::Internal);
    builder.track(&init(100, 0)).unwrap();
    builder.segment(&segment(0, &[(10, 0, b"a")])).unwrap();
    assert_eq!(builder.segment(&segment(9, &[(1, 0, b"b")])).unwrap_err().code, Code::CountMismatch);
    let whole = segment(10, &[(1, 0, b"c")]);
    assert_eq!(builder.segment(&whole[..whole.len() - 1]).unwrap_err().code, Code::WorkerProtocol);
    assert!(Builder::default().finish().is_err());
}
