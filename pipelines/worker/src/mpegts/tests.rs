//! Transport streams made of packets, and what is read of them.

use reelgate_flow::reason::Code;

use super::Reader;
use super::clock::TICKS_PER_S;
use crate::corpus::source;
use crate::demux::packet_source::{PacketSource, Step};

const PAT: u16 = 0;
const PMT: u16 = 0x1000;
const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;

/// A stream that is being made.
#[derive(Default)]
struct Made {
    bytes: Vec<u8>,
    counters: std::collections::BTreeMap<u16, u8>,
}

impl Made {
    /// A packet with this payload. It is filled up with stuffing.
    fn packet(&mut self, pid: u16, begins: bool, flags: u8, payload: &[u8]) {
        let counter = self.counters.entry(pid).or_default();
        *counter = (*counter + 1) & 0xF;
        let [high, low] = (pid | if begins { 0x4000 } else { 0 }).to_be_bytes();
        let stuffing = 184 - payload.len();
        let mut packet = vec![0x47, high, low, 0x10 | *counter];
        if stuffing > 0 {
            packet[3] |= 0x20;
            packet.push(stuffing as u8 - 1);
            if stuffing > 1 {
                packet.push(flags);
                packet.extend((2..stuffing).map(|_| 0xFF));
            }
        }
        packet.extend(payload);
        assert_eq!(packet.len(), 188);
        self.bytes.extend(packet);
    }

    fn section(&mut self, pid: u16, table: u8, body: &[u8]) {
        let [l0, l1] = (0xB000 | (body.len() as u16 + 9)).to_be_bytes();
        let section = [&[0, table, l0, l1, 0, 1, 0xC1, 0, 0][..], body, &[0; 4]].concat();
        self.packet(pid, true, 0, &section);
    }

    fn programs(&mut self) {
        gstreamer::init().unwrap();
        self.section(PAT, 0, &[0, 1, 0xF0, 0]);
    }

    /// The map of H.264, and of AAC in French unless there is no sound.
    fn map(&mut self, sound: bool) {
        let video = [0x1B, 0xE1, 0, 0xF0, 0];
        let audio: &[u8] = &[0x0F, 0xE1, 1, 0xF0, 6, 0x0A, 4, b'f', b'r', b'a', 0];
        self.section(PMT, 2, &[&[0xE1, 0, 0xF0, 0][..], &video, if sound { audio } else { &[] }].concat());
    }

    /// A packet of an elementary stream of `bytes` bytes that is shown at this time of the stream.
    fn shown_at(&mut self, pid: u16, ticks: i64, bytes: usize, random_access: bool) {
        let t = ticks.rem_euclid(1 << 33) as u64;
        let time = [
            0x21 | ((t >> 29) as u8 & 0xE),
            (t >> 22) as u8,
            (t >> 14) as u8 | 1,
            (t >> 7) as u8,
            (t << 1) as u8 | 1,
        ];
        let header = [&[0, 0, 1, 0xE0, 0, 0, 0x80, 0x80, 5][..], &time].concat();
        let content: Vec<u8> = (0..bytes).map(|at| at as u8).collect();
        let whole = [header, content].concat();
        for (index, part) in whole.chunks(150).enumerate() {
            let flags = if random_access && index == 0 { 0x40 } else { 0 };
            self.packet(pid, index == 0, flags, part);
        }
    }
}

/// Track, milliseconds and bytes of every packet that is delivered.
fn delivered(reader: &mut Reader) -> Vec<(usize, Option<u64>, usize)> {
    for track in 0..reader.tracks() {
        reader.set_active(track, true);
    }
    let mut found = Vec::new();
    loop {
        match reader.step().unwrap() {
            Step::Packet(track, content) => {
                let ms = content.shown_ns.map(|ns| (ns + 500_000) / 1_000_000);
                found.push((track, ms, content.bytes.len()));
            }
            Step::Found => reader.set_active(reader.tracks() - 1, true),
            Step::End => return found,
            Step::Skipped | Step::Missing(_) | Step::TrackEnd(_) => {}
        }
    }
}

/// Ten seconds of a picture and a sound each second, from this time of the stream on. A picture that a decoder can start with comes
/// every three seconds.
fn seconds(made: &mut Made, from: i64) {
    for second in 0..10 {
        made.shown_at(VIDEO, from + second * TICKS_PER_S, 400, second % 3 == 0);
        made.shown_at(AUDIO, from + second * TICKS_PER_S + 900, 100, false);
    }
}

fn usual() -> Made {
    let mut made = Made::default();
    made.programs();
    made.map(true);
    made
}

#[test]
fn packets_are_whole_and_their_times_begin_with_the_film() {
    let mut made = usual();
    // The times wrap in the middle.
    seconds(&mut made, (1 << 33) - 5 * TICKS_PER_S);
    let mut reader = Reader::new(source(&made.bytes)).unwrap();
    let header = reader.header(1);
    assert_eq!((header.language.as_str(), header.is_chosen), ("fr", None));
    assert_eq!(reader.header(0).caps.structure(0).unwrap().name(), "video/x-h264");
    let found = delivered(&mut reader);
    let expected = (0..10).flat_map(|s| [(0, Some(s * 1_000), 400), (1, Some(s * 1_000 + 10), 100)]);
    let mut expected: Vec<_> = expected.collect();
    let mut sorted = found.clone();
    sorted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
    // One track alone has the same times.
    let mut alone = Reader::new(source(&made.bytes)).unwrap();
    alone.set_active(1, true);
    let mut times = Vec::new();
    while let Ok(Step::Packet(_, content)) = next(&mut alone) {
        times.push(content.shown_ns.unwrap() / 1_000_000);
    }
    assert_eq!(times, (0..10).map(|s| s * 1_000 + 10).collect::<Vec<_>>());
}

/// The next step that is not empty.
fn next(reader: &mut Reader) -> std::io::Result<Step> {
    loop {
        match reader.step()? {
            Step::Skipped => {}
            step => return Ok(step),
        }
    }
}

#[test]
fn a_break_in_the_times_is_closed() {
    for jump in [600 * TICKS_PER_S, -400 * TICKS_PER_S] {
        let mut made = usual();
        seconds(&mut made, 500 * TICKS_PER_S);
        seconds(&mut made, 500 * TICKS_PER_S + jump);
        let mut reader = Reader::new(source(&made.bytes)).unwrap();
        let found = delivered(&mut reader);
        let of = |track| found.iter().filter(move |one| one.0 == track).map(|one| one.1.unwrap());
        let pictures: Vec<u64> = of(0).collect();
        assert_eq!(pictures.len(), 20);
        assert!(pictures.windows(2).all(|pair| (900..1_100).contains(&(pair[1] - pair[0]))), "{pictures:?}");
        assert!(of(0).zip(of(1)).all(|(picture, sound)| sound.abs_diff(picture + 10) < 40));
    }
}

#[test]
fn packets_are_found_in_every_spacing_and_behind_garbage() {
    let mut made = usual();
    seconds(&mut made, 0);
    let with = |before: usize, after: usize| -> Vec<u8> {
        let packets = made.bytes.chunks(188);
        packets.flat_map(|packet| [&vec![0; before], packet, &vec![0; after]].concat()).collect()
    };
    let mut torn = made.bytes.clone();
    let between = 188 * 9;
    torn.splice(between..between, [7; 61]);
    for bytes in [with(4, 0), with(0, 16), [&[9; 50][..], &made.bytes].concat(), torn] {
        let mut reader = Reader::new(source(&bytes)).unwrap();
        assert!(delivered(&mut reader).len() >= 19);
    }
}

#[test]
fn a_stream_that_is_announced_later_is_a_track_and_one_that_is_scrambled_says_so() {
    let mut made = Made::default();
    made.programs();
    made.map(false);
    seconds(&mut made, 0);
    // Behind what is looked at in the beginning.
    for _ in 0..45_000 {
        made.packet(0x1FFF, false, 0, &[0; 184]);
    }
    made.map(true);
    seconds(&mut made, 10 * TICKS_PER_S);
    let mut reader = Reader::new(source(&made.bytes)).unwrap();
    assert_eq!(reader.tracks(), 1);
    let found = delivered(&mut reader);
    assert_eq!(reader.tracks(), 2);
    assert_eq!(found.iter().filter(|one| one.0 == 1).count(), 10);
    let mut scrambled = usual();
    seconds(&mut scrambled, 0);
    for packet in scrambled.bytes.chunks_mut(188).filter(|packet| packet[2] == 0 && packet[1] & 0x1F == 1) {
        packet[3] |= 0xC0;
    }
    let reader = Reader::new(source(&scrambled.bytes)).unwrap();
    let caps = reader.header(0).caps;
    let structure = caps.structure(0).unwrap();
    assert_eq!(structure.name(), "application/x-cenc");
    assert_eq!(structure.get::<&str>("original-media-type"), Ok("video/x-h264"));
}

#[test]
fn a_seek_goes_to_the_place_before_at_which_decoding_can_start() {
    let mut made = usual();
    seconds(&mut made, 0);
    let mut reader = Reader::new(source(&made.bytes)).unwrap();
    reader.set_active(0, true);
    for (to_ms, first) in [(0, 0), (2_999, 0), (3_000, 3_000), (8_500, 6_000), (99_000, 9_000)] {
        assert!(reader.seek(to_ms * 1_000_000, false));
        let Ok(Step::Packet(0, content)) = next(&mut reader) else { panic!("{to_ms}") };
        assert_eq!(content.shown_ns, Some(first * 1_000_000), "{to_ms}");
        assert!(content.segment.is_some());
    }
}

#[test]
fn no_packets_and_no_program_are_a_damaged_index() {
    let code = |bytes: &[u8]| Reader::new(source(bytes)).err().map(|fault| fault.code);
    assert_eq!(code(&[0; 4_000]), Some(Code::DamagedIndex));
    let mut made = Made::default();
    seconds(&mut made, 0);
    assert_eq!(code(&made.bytes), Some(Code::DamagedIndex));
}

#[test]
fn no_change_of_a_byte_makes_the_reader_fail() {
    let mut made = usual();
    seconds(&mut made, 0);
    let mut random = 0x2545_F491_4F6C_DD1Du64;
    let mut draw = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    for _ in 0..2_000 {
        let mut bytes = made.bytes.clone();
        for _ in 0..=draw(6) {
            // Most changes hit headers and tables.
            let at = if draw(2) == 0 { draw(188 * 4) } else { draw(bytes.len() / 188) * 188 + draw(24) };
            bytes[at] = [0, 1, 0x47, 0x7F, 0x80, 0xFF][draw(6)];
        }
        bytes.truncate(bytes.len() - draw(200));
        let Ok(mut reader) = Reader::new(source(&bytes)) else { continue };
        delivered(&mut reader);
        (0..reader.tracks()).for_each(|track| drop(reader.header(track)));
        reader.seek(draw(20_000) as u64 * 1_000_000, false);
    }
}
