//! Movies made of boxes, and what is read of them.

use reelgate_flow::reason::Code;

use super::movie::Movie;
use super::packet::{Cursor, Packet, Uniform};
use super::reader::Reader;
use super::track::Role;
use crate::corpus::source;
use crate::demux::packet_source::{Content, PacketSource, Segment, Step};
use crate::test_boxes::{atom, numbers};

/// A movie of 1,000 ticks a second.
fn header() -> Vec<u8> {
    let mut body = numbers(&[0, 0, 0, 1_000, 0, 0x1_0000, 0, 0, 0]);
    body.extend(matrix([1, 0, 0, 1]));
    atom(b"mvhd", &body)
}

fn matrix([a, b, c, d]: [i32; 4]) -> Vec<u8> {
    let fixed = |value: i32| (value << 16).cast_unsigned();
    numbers(&[fixed(a), fixed(b), 0, fixed(c), fixed(d), 0, 0, 0, 1 << 30])
}

/// What a test track is made of.
struct Made {
    id: u32,
    handler: &'static [u8; 4],
    format: &'static [u8; 4],
    timescale: u32,
    /// Duration in the movie, start in the media.
    edits: Vec<(u32, i32)>,
    tables: Vec<Vec<u8>>,
    /// Boxes in the sample description.
    described: Vec<u8>,
}

impl Made {
    fn video(tables: Vec<Vec<u8>>) -> Self {
        Self {
            id: 1,
            handler: b"vide",
            format: b"jpeg",
            timescale: 100,
            edits: Vec::new(),
            tables,
            described: Vec::new(),
        }
    }

    fn sound(format: &'static [u8; 4], tables: Vec<Vec<u8>>) -> Self {
        Self {
            id: 1,
            handler: b"soun",
            format,
            timescale: 8_000,
            edits: Vec::new(),
            tables,
            described: Vec::new(),
        }
    }

    fn boxes(&self) -> Vec<u8> {
        let head = [numbers(&[1, 0, 0, self.id, 0, 0, 0, 0, 0, 0]), matrix([1, 0, 0, 1]), numbers(&[0, 0])];
        let entry = match self.handler {
            // One channel of 16 bits at 8 kHz.
            b"soun" => [&[0; 16][..], &[0, 1, 0, 16, 0, 0, 0, 0], &(8_000u32 << 16).to_be_bytes()].concat(),
            _ => vec![0; 78],
        };
        let descriptions =
            [numbers(&[0, 1]), atom(self.format, &[entry, self.described.clone()].concat())].concat();
        let stbl = [atom(b"stsd", &descriptions), self.tables.concat()].concat();
        let mdia = [
            atom(b"mdhd", &numbers(&[0, 0, 0, self.timescale, 0, 0])),
            atom(b"hdlr", &[&[0; 8][..], self.handler, &[0; 13]].concat()),
            atom(b"minf", &atom(b"stbl", &stbl)),
        ];
        let mut edits = numbers(&[0, self.edits.len() as u32]);
        for (duration, start) in &self.edits {
            edits.extend(numbers(&[*duration, start.cast_unsigned(), 0x1_0000]));
        }
        let edits = atom(b"edts", &atom(b"elst", &edits));
        atom(b"trak", &[atom(b"tkhd", &head.concat()), edits, atom(b"mdia", &mdia.concat())].concat())
    }
}

/// A file of these tracks, behind media of `bytes` bytes: the byte at each position is the position.
fn file(bytes: usize, tracks: &[Made], more: &[Vec<u8>]) -> Vec<u8> {
    let media: Vec<u8> = (8..8 + bytes).map(|at| at as u8).collect();
    let tracks = tracks.iter().map(Made::boxes).collect::<Vec<_>>().concat();
    [atom(b"mdat", &media), atom(b"moov", &[header(), tracks, more.concat()].concat())].concat()
}

fn table(kind: &[u8; 4], entries: &[&[u32]]) -> Vec<u8> {
    let flat: Vec<u32> = entries.iter().flat_map(|entry| entry.iter().copied()).collect();
    atom(kind, &numbers(&[&[0, entries.len() as u32][..], &flat].concat()))
}

fn sizes(bytes: &[u32]) -> Vec<u8> {
    atom(b"stsz", &numbers(&[&[0, 0, bytes.len() as u32][..], bytes].concat()))
}

/// Eight pictures of 40 ms in three chunks, decoded as I P B B I P B B.
fn pictures() -> Vec<Vec<u8>> {
    let shown = [1, 3, 0, 0, 1, 3, 0, 0].map(|later| [1, later * 4]);
    vec![
        sizes(&[1, 2, 3, 4, 5, 6, 7, 8]),
        table(b"stts", &[&[8, 4]]),
        table(b"ctts", &shown.each_ref().map(|entry| &entry[..])),
        table(b"stss", &[&[1], &[5]]),
        table(b"stsc", &[&[1, 3, 1], &[3, 2, 1]]),
        table(b"stco", &[&[8], &[100], &[200]]),
    ]
}

fn packets(movie: &Movie) -> Vec<Packet> {
    let (samples, mut cursor) = (&movie.tracks[0].samples, Cursor::default());
    let (mut found, mut sample) = (Vec::new(), 0);
    while let Some(packet) = samples.packet(sample, &mut cursor) {
        // Each is the same when it is looked up alone.
        assert_eq!(samples.packet(sample, &mut Cursor::default()), Some(packet));
        sample = packet.sample + u64::from(packet.samples);
        found.push(packet);
    }
    found
}

#[test]
fn every_sample_has_its_place_its_times_and_its_kind() {
    let movie = Movie::read(&source(&file(0, &[Made::video(pictures())], &[]))).unwrap();
    let found = packets(&movie);
    let places: Vec<_> = found.iter().map(|one| (one.offset, one.bytes)).collect();
    assert_eq!(places, [(8, 1), (9, 2), (11, 3), (100, 4), (104, 5), (109, 6), (200, 7), (207, 8)]);
    let times: Vec<_> = found.iter().map(|one| (one.decode, one.shown)).collect();
    assert_eq!(times[..4], [(0, 4), (4, 16), (8, 8), (12, 12)]);
    let keyframes: Vec<_> = found.iter().filter(|one| one.keyframe).map(|one| one.sample).collect();
    assert_eq!(keyframes, [0, 4]);
    let samples = &movie.tracks[0].samples;
    assert_eq!((samples.at(15), samples.at(16), samples.at(9_999)), (3, 4, 7));
    assert_eq!((samples.keyframe_before(3), samples.keyframe_before(7)), (0, 4));
    assert_eq!(samples.end(), 32);
}

#[test]
fn sound_without_compression_is_read_in_pieces_of_a_chunk_even_if_the_table_says_one_byte() {
    for (format, uniform, pieces) in [
        (b"twos", Uniform { samples: 1, bytes: 2 }, vec![(1_000, 8_192), (9_192, 1_808), (50_000, 10_000)]),
        (b"ima4", Uniform { samples: 64, bytes: 34 }, vec![(1_000, 34), (1_034, 34)]),
    ] {
        let tables = vec![
            atom(b"stsz", &numbers(&[0, 1, 10_000])),
            table(b"stts", &[&[10_000, 1]]),
            table(b"stsc", &[&[1, 5_000, 1]]),
            table(b"stco", &[&[1_000], &[50_000]]),
        ];
        let movie = Movie::read(&source(&file(0, &[Made::sound(format, tables)], &[]))).unwrap();
        assert_eq!(movie.tracks[0].samples.uniform, Some(uniform));
        let found = packets(&movie);
        let samples: u64 = found.iter().map(|one| u64::from(one.samples)).sum();
        assert_eq!(samples, 10_000);
        let places: Vec<_> = found.iter().map(|one| (one.offset, one.bytes)).collect();
        let whole = pieces.iter().filter(|piece| places.contains(piece)).count();
        assert!(whole >= 2, "{places:?}");
        assert!(found.iter().all(|one| one.decode == one.sample as i64));
    }
}

/// A fragment of track 1 whose samples have these sizes and are decoded from `decode` on. Its data lies right behind it.
fn fragment(decode: u32, bytes: &[u32]) -> Vec<u8> {
    const DURATION_SIZE_FLAGS_COMPOSITION: u32 = 0x1 | 0x100 | 0x200 | 0x400 | 0x800;
    let make = |data: u32| {
        let mut run = numbers(&[DURATION_SIZE_FLAGS_COMPOSITION, bytes.len() as u32, data]);
        for (at, size) in (0..).zip(bytes) {
            let (flags, later) = if at == 0 { (0, 4) } else { (0x1_0000, (-4i32).cast_unsigned()) };
            run.extend(numbers(&[4, *size, flags, later]));
        }
        let parts = [
            atom(b"tfhd", &numbers(&[0x2_0000, 1])),
            atom(b"tfdt", &numbers(&[0, decode])),
            atom(b"trun", &run),
        ];
        atom(b"moof", &atom(b"traf", &parts.concat()))
    };
    let data = make(0).len() as u32 + 8;
    let media = vec![7; bytes.iter().sum::<u32>() as usize];
    [make(data), atom(b"mdat", &media)].concat()
}

#[test]
fn samples_of_fragments_follow_those_of_the_movie() {
    let extends = atom(b"mvex", &atom(b"trex", &numbers(&[0, 1, 1, 0, 0, 0])));
    let mut bytes = file(0, &[Made::video(pictures())], &[extends]);
    let begins = bytes.len() as u64;
    bytes.extend(fragment(100, &[10, 20, 30]));
    bytes.extend(fragment(200, &[40]));
    let movie = Movie::read(&source(&bytes)).unwrap();
    let found = packets(&movie);
    assert_eq!(found.len(), 12);
    let data = begins + fragment(0, &[1, 1, 1]).len() as u64 - 3;
    let of_run: Vec<_> =
        found[8..].iter().map(|one| (one.offset, one.bytes, one.decode, one.shown)).collect();
    assert_eq!(of_run[..3], [(data, 10, 100, 104), (data + 10, 20, 104, 100), (data + 30, 30, 108, 104)]);
    assert_eq!((of_run[3].1, of_run[3].2), (40, 200));
    let keyframes: Vec<_> = found.iter().filter(|one| one.keyframe).map(|one| one.sample).collect();
    assert_eq!(keyframes, [0, 4, 8, 11]);
    let samples = &movie.tracks[0].samples;
    assert_eq!((samples.at(99), samples.at(105), samples.keyframe_before(10)), (7, 9, 8));
    assert_eq!((samples.end(), samples.composition_min()), (204, -4));
    let delivered = all(&mut Reader::new(source(&bytes)).unwrap());
    assert!(delivered.iter().all(|one| one.decode_ns <= one.shown_ns));
    // A recording that was cut off in its last fragment keeps the fragments before.
    bytes.truncate(bytes.len() - 60);
    assert_eq!(Movie::read(&source(&bytes)).unwrap().tracks[0].samples.count(), 11);
}

fn all(reader: &mut Reader) -> Vec<Content> {
    reader.set_active(0, true);
    let mut found = Vec::new();
    loop {
        match reader.step().unwrap() {
            Step::Packet(_, content) => found.push(content),
            Step::Skipped | Step::Missing(_) | Step::TrackEnd(_) | Step::Found => {}
            Step::End => return found,
        }
    }
}

const MS: u64 = 1_000_000;

#[test]
fn an_edit_that_begins_within_a_picture_shows_the_next_one_and_a_decoder_gets_what_it_needs() {
    // The second group is shown from 200 ms on. The edit begins 10 ms into its first picture.
    let edited = Made { edits: vec![(500, -1), (90, 21)], ..Made::video(pictures()) };
    let mut reader = Reader::new(source(&file(300, &[edited], &[]))).unwrap();
    let found = all(&mut reader);
    let shown: Vec<_> = found.iter().map(|one| one.shown_ns.unwrap() / MS).collect();
    assert_eq!(shown, [200, 320, 240, 280]);
    // The picture at 240 ms is the first whole one: 30 ms after the start of the edit.
    let segment = Segment { start_ns: 240 * MS, stop_ns: Some(300 * MS), time_ns: 530 * MS };
    assert_eq!(found[0].segment, Some(segment));
    assert!(found[1..].iter().all(|one| one.segment.is_none()));
    assert_eq!(found[0].bytes.len(), 5);
}

#[test]
fn every_picture_ends_where_the_next_one_begins() {
    // 1001 ticks of 30000 are no whole nanoseconds.
    let tables = vec![
        sizes(&[1; 8]),
        table(b"stts", &[&[8, 1_001]]),
        table(b"stsc", &[&[1, 8, 1]]),
        table(b"stco", &[&[8]]),
    ];
    let made = Made { timescale: 30_000, edits: vec![(100, 2_900)], ..Made::video(tables) };
    let found = all(&mut Reader::new(source(&file(10, &[made], &[]))).unwrap());
    assert!(found.windows(2).all(|pair| {
        pair[0].shown_ns.zip(pair[0].duration_ns).map(|(shown, duration)| shown + duration)
            == pair[1].shown_ns
    }));
    let begins_ns = found[0].segment.unwrap().start_ns;
    assert_eq!(
        Some(begins_ns),
        found.iter().filter_map(|one| one.shown_ns).find(|shown| *shown >= begins_ns)
    );
}

#[test]
fn a_seek_lands_on_the_keyframe_before_and_moves_no_time() {
    let mut reader = Reader::new(source(&file(300, &[Made::video(pictures())], &[]))).unwrap();
    let whole = all(&mut reader);
    assert_eq!(whole.len(), 8);
    assert!(whole.iter().all(|one| one.decode_ns <= one.shown_ns));
    assert!(reader.seek(230 * MS, false));
    let found = all(&mut reader);
    assert_eq!(found.len(), 4);
    let segment = found[0].segment.unwrap();
    assert_eq!((segment.start_ns, segment.time_ns), (200 * MS, 200 * MS));
    assert!(reader.seek(0, true));
    assert_eq!(all(&mut reader).iter().map(|one| one.shown_ns.unwrap() / MS).collect::<Vec<_>>(), [40, 200]);
}

#[test]
fn what_the_index_lists_and_the_file_lacks_is_missing_and_the_rest_is_read() {
    let mut reader = Reader::new(source(&file(100, &[Made::video(pictures())], &[]))).unwrap();
    let bytes = reader.movie.tracks[0].samples.count();
    reader.set_active(0, true);
    let (mut read, mut missing) = (0, 0);
    loop {
        match reader.step().unwrap() {
            Step::Packet(..) => read += 1,
            Step::Missing(_) => missing += 1,
            Step::End => break,
            _ => {}
        }
    }
    // The media, and after them the boxes of the movie, which are no media but are in the file.
    assert_eq!((read + missing, bytes), (8, 8));
    let far = vec![
        sizes(&[1, 1]),
        table(b"stts", &[&[2, 4]]),
        table(b"stsc", &[&[1, 1, 1]]),
        table(b"stco", &[&[u32::MAX], &[8]]),
    ];
    let mut reader = Reader::new(source(&file(10, &[Made::video(far)], &[]))).unwrap();
    reader.set_active(0, true);
    assert!(matches!(reader.step().unwrap(), Step::Missing(0)));
    assert!(matches!(reader.step().unwrap(), Step::Packet(0, _)));
}

#[test]
fn tracks_are_named_for_what_they_are_for() {
    let of = |handler: &'static [u8; 4], id: u32| Made { handler, id, ..Made::video(Vec::new()) };
    let tracks =
        [of(b"vide", 1), of(b"soun", 2), of(b"sbtl", 3), of(b"meta", 4), of(b"tmcd", 5), of(b"abcd", 6)];
    let movie = Movie::read(&source(&file(0, &tracks, &[]))).unwrap();
    let roles: Vec<_> = movie.tracks.iter().map(|track| track.role).collect();
    let expected = [Role::Video, Role::Audio, Role::Text, Role::Metadata, Role::Technical, Role::Unknown];
    assert_eq!(roles, expected);
    assert!(movie.tracks.iter().all(|track| track.enabled));
}

#[test]
fn a_movie_without_a_header_and_tables_that_do_not_fit_are_a_damaged_index() {
    let code = |bytes: &[u8]| Movie::read(&source(bytes)).unwrap_err().code;
    assert_eq!(code(&atom(b"moov", &Made::video(pictures()).boxes())), Code::DamagedIndex);
    assert_eq!(code(&atom(b"free", b"")), Code::DamagedIndex);
    let mut tables = pictures();
    tables[1] = atom(b"stts", &numbers(&[0, 1_000_000, 1, 1]));
    assert_eq!(code(&file(0, &[Made::video(tables.clone())], &[])), Code::DamagedIndex);
    let text = Made { handler: b"text", ..Made::video(tables) };
    let movie = Movie::read(&source(&file(0, &[text], &[]))).unwrap();
    assert_eq!(movie.tracks[0].samples.count(), 0, "a damaged track of text costs no film");
}

#[test]
fn no_change_of_a_byte_makes_the_reader_fail_in_another_way_than_by_a_fault() {
    let extends = atom(b"mvex", &atom(b"trex", &numbers(&[0, 1, 1, 4, 1, 0])));
    let edited = Made { edits: vec![(500, -1), (90, 21)], ..Made::video(pictures()) };
    let mut whole = file(300, &[edited, Made { id: 2, ..Made::sound(b"twos", pictures()) }], &[extends]);
    whole.extend(fragment(100, &[10, 20, 30]));
    gstreamer::init().unwrap();
    let mut random = 0x9E37_79B9_7F4A_7C15u64;
    let mut draw = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    for _ in 0..3_000 {
        let mut bytes = whole.clone();
        for _ in 0..=draw(3) {
            let at = draw(bytes.len());
            bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][draw(5)];
        }
        let Ok(mut reader) = Reader::new(source(&bytes)) else { continue };
        for track in 0..reader.tracks() {
            reader.set_active(track, true);
            reader.header(track);
        }
        for _ in 0..100 {
            // A fault of the file system has no part in this.
            reader.step().unwrap();
        }
        assert!(reader.seek(draw(1_000) as u64 * MS, false));
    }
}

/// The caps of the only track.
fn caps_of(made: Made) -> gstreamer::Caps {
    gstreamer::init().unwrap();
    Reader::new(source(&file(0, &[made], &[]))).unwrap().header(0).caps
}

#[test]
fn pictures_have_the_aspect_and_the_colour_of_their_description() {
    let aspect = atom(b"pasp", &numbers(&[4, 3]));
    let colour = |flags: &[u8]| {
        let kind: &[u8] = if flags.is_empty() { b"nclc" } else { b"nclx" };
        atom(b"colr", &[kind, &[0, 9, 0, 16, 0, 9], flags].concat())
    };
    for (flags, range) in [(&[0x80][..], "full"), (&[0], "limited"), (&[], "")] {
        let described = [aspect.clone(), colour(flags)].concat();
        let caps = caps_of(Made { described, ..Made::video(pictures()) });
        let structure = caps.structure(0).unwrap();
        assert_eq!(structure.name(), "image/jpeg");
        let found = structure.get::<gstreamer::Fraction>("pixel-aspect-ratio").unwrap();
        assert_eq!(found, gstreamer::Fraction::new(4, 3));
        assert_eq!(structure.get::<&str>("container-colour"), Ok(format!("9:16:9:{range}").as_str()));
        assert_eq!(structure.get::<gstreamer::Fraction>("framerate"), Ok(gstreamer::Fraction::new(100, 4)));
    }
    let plain = caps_of(Made::video(pictures()));
    assert!(!plain.structure(0).unwrap().has_field("pixel-aspect-ratio"), "the stream may know it");
}

#[test]
fn sound_without_compression_has_the_byte_order_of_its_description() {
    let little = atom(b"wave", &atom(b"enda", &[0, 1]));
    for (format, described, expected) in [
        (b"in24", little.clone(), "S24LE"),
        (b"in24", Vec::new(), "S24BE"),
        (b"fl32", little, "F32LE"),
        (b"twos", Vec::new(), "S16BE"),
        (b"sowt", Vec::new(), "S16LE"),
    ] {
        // Boxes follow only in the longer description of QuickTime.
        let mut entry = Made::sound(format, Vec::new()).boxes();
        let at = entry.windows(4).position(|window| window == format).unwrap() + 4;
        entry[at + 9] = 1;
        let more = [&[0; 16][..], &described].concat();
        for kind in [b"trak", b"mdia", b"minf", b"stbl", b"stsd", format] {
            let at = entry.windows(4).position(|window| window == kind).unwrap() - 4;
            let size = u32::from_be_bytes(*entry[at..].first_chunk().unwrap()) + more.len() as u32;
            entry[at..at + 4].copy_from_slice(&size.to_be_bytes());
        }
        entry.splice(at + 28..at + 28, more);
        gstreamer::init().unwrap();
        let movie = atom(b"moov", &[header(), entry].concat());
        let caps = Reader::new(source(&movie)).unwrap().header(0).caps;
        assert_eq!(caps.structure(0).unwrap().get::<&str>("format"), Ok(expected), "{format:?}");
    }
}

#[test]
fn a_rotation_of_the_track_and_one_of_the_movie_are_one() {
    use super::track::Matrix;
    use super::video::orientation;
    let fixed = |[a, b, c, d]: [i32; 4]| Matrix { a: a << 16, b: b << 16, c: c << 16, d: d << 16 };
    let (quarter, back) = (fixed([0, 1, -1, 0]), fixed([0, -1, 1, 0]));
    assert_eq!(orientation(quarter), Some("rotate-90"));
    assert_eq!(orientation(quarter.then(quarter)), Some("rotate-180"));
    assert_eq!(orientation(quarter.then(back)), None);
    assert_eq!(orientation(fixed([-1, 0, 0, 1])), Some("flip-rotate-0"));
    assert_eq!(orientation(fixed([1, 1, 0, 1])), None);
}
