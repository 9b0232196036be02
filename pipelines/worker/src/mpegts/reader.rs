//! The position in a transport stream while it is read, and the packets of its elementary streams.

use std::collections::{BTreeMap, VecDeque};

use gstreamer as gst;
use reelgate_flow::caption_file::CaptionFlags;
use reelgate_flow::reason::{Code, Fault};

use super::clock::{Clock, TICKS_PER_S, TrackClock, unwrapped};
use super::packet::{PACKET_BYTES, Packet, PesHeader};
use super::program::{Section, association, map};
use super::stream_type::{Packing, StreamKind, kind};
use crate::demux::packet_source::{Content, PacketSource, Segment, Step, TrackHeader};
use crate::isobmff::time_ns;
use crate::source::Source;

/// Bytes at the beginning in which programs and the first times of their streams are looked for.
const LOOK_BYTES: u64 = 8 << 20;
/// Bytes at the beginning in which the first packet is looked for.
const SYNC_BYTES: usize = 64 << 10;
/// Packets in a row that show where packets begin.
const SYNC_PACKETS: usize = 5;
/// Packets read at once.
const BLOCK_PACKETS: usize = 512;
/// Tracks and maps kept. The limit that refuses a file is lower.
const STREAMS_MAX: usize = 1_000;
/// Bytes of a packet of an elementary stream. Without a length it lasts until the next one.
const PES_BYTES_MAX: usize = 64 << 20;
/// Bytes of a packet that all streams reserve.
const NULL_PID: u16 = 0x1FFF;
/// How far before the time of a seek reading begins if the stream names no place where decoding can start.
const SEEK_BEFORE: i64 = 10 * TICKS_PER_S;

/// A packet of an elementary stream that is being collected.
#[derive(Clone, Debug, Default)]
struct Pending {
    bytes: Vec<u8>,
    /// Bytes that belong to it; `None` until the next one begins.
    length: Option<usize>,
    /// Times on the timeline.
    shown: Option<i64>,
    decode: Option<i64>,
}

#[derive(Debug)]
struct Stream {
    kind: StreamKind,
    clock: TrackClock,
    continuity: Option<u8>,
    /// A break was announced since its last packet.
    breaks: bool,
    pending: Option<Pending>,
    is_scrambled: bool,
    is_active: bool,
    has_segment: bool,
    /// Belongs to the first program.
    is_first: bool,
}

/// What a seek needs to go on from a place.
struct SeekPoint {
    at: u64,
    clock: Clock,
    tracks: Vec<TrackClock>,
}

/// A transport stream and a position in it.
pub struct Reader {
    source: Source,
    /// Bytes from one packet to the next: 188, 192 with a time in front, or 204 with a check sum behind.
    spacing: usize,
    begin: u64,
    at: u64,
    block: Vec<u8>,
    block_at: u64,
    tables: BTreeMap<u16, Section>,
    streams: Vec<Stream>,
    by_pid: BTreeMap<u16, usize>,
    clock: Clock,
    /// The time on the timeline at which the film begins.
    zero: i64,
    ready: VecDeque<Step>,
    has_ended: bool,
}

impl Reader {
    /// Finds the packets, the programs and the beginning. Fails with `damaged_index` if there is no program.
    pub fn new(source: Source) -> Result<Self, Fault> {
        let (begin, spacing) = packets(&source)?;
        let mut reader = Self {
            source,
            spacing,
            begin,
            at: begin,
            block: Vec::new(),
            block_at: 0,
            tables: BTreeMap::from([(0, Section::default())]),
            streams: Vec::new(),
            by_pid: BTreeMap::new(),
            clock: Clock::default(),
            zero: 0,
            ready: VecDeque::new(),
            has_ended: false,
        };
        let mut first: Option<i64> = None;
        while reader.at < begin + LOOK_BYTES {
            let Some(found) = reader.next_packet().map_err(unreadable)? else { break };
            if let Some((_, Some(shown))) = reader.take(&found, false) {
                first = Some(first.map_or(shown, |first| first.min(shown)));
            }
        }
        if reader.streams.is_empty() {
            return Err(Fault::new(Code::DamagedIndex, "expected the map of a program, found none"));
        }
        reader.zero = first.unwrap_or(0);
        reader.rewind();
        Ok(reader)
    }

    fn rewind(&mut self) {
        self.go_on_from(&SeekPoint { at: self.begin, clock: Clock::default(), tracks: Vec::new() });
    }

    fn go_on_from(&mut self, point: &SeekPoint) {
        self.at = point.at;
        self.clock = point.clock.clone();
        self.ready.clear();
        self.has_ended = false;
        for (index, stream) in self.streams.iter_mut().enumerate() {
            stream.clock = point.tracks.get(index).copied().unwrap_or_default();
            stream.pending = None;
            stream.continuity = None;
            stream.breaks = false;
            stream.has_segment = false;
        }
    }

    /// The next packet's bytes, and where it lies; `None` at the end.
    fn next_packet(&mut self) -> std::io::Result<Option<[u8; PACKET_BYTES]>> {
        loop {
            let within = usize::try_from(self.at.wrapping_sub(self.block_at)).unwrap_or(usize::MAX);
            let is_there = within.checked_add(PACKET_BYTES).is_some_and(|end| end <= self.block.len());
            if !is_there {
                self.block.resize(self.spacing * BLOCK_PACKETS, 0);
                let read = self.source.read_at(self.at, &mut self.block)?;
                self.block.truncate(read);
                self.block_at = self.at;
                if read < PACKET_BYTES {
                    return Ok(None);
                }
                continue;
            }
            let Some(bytes) = self.block[within..].first_chunk::<PACKET_BYTES>() else { return Ok(None) };
            if bytes[0] == 0x47 {
                let found = *bytes;
                self.at += self.spacing as u64;
                return Ok(Some(found));
            }
            // Bytes are missing or too many: packets begin again where one does.
            let next = self.block[within + 1..].iter().position(|byte| *byte == 0x47);
            self.at += 1 + next.unwrap_or(self.block.len() - within - 1) as u64;
        }
    }

    /// Takes a packet. If a packet of an elementary stream begins in it, returns its track and when it is shown. With `deliver`, what
    /// is complete is made ready.
    fn take(&mut self, bytes: &[u8; PACKET_BYTES], deliver: bool) -> Option<(usize, Option<i64>)> {
        let packet = Packet::read(bytes)?;
        if packet.pid == NULL_PID {
            return None;
        }
        if let Some(section) = self.tables.get_mut(&packet.pid) {
            let section = section.add(packet.payload, packet.begins)?;
            self.table(packet.pid, &section, deliver);
            return None;
        }
        let track = *self.by_pid.get(&packet.pid)?;
        if packet.breaks {
            self.streams.iter_mut().for_each(|stream| stream.breaks = true);
        }
        let stream = &mut self.streams[track];
        if packet.payload.is_empty() {
            return None;
        }
        // A packet may be sent twice (2.4.3.3).
        if stream.continuity.replace(packet.continuity) == Some(packet.continuity) && !packet.begins {
            return None;
        }
        stream.is_scrambled |= packet.scrambled;
        if packet.scrambled {
            return None;
        }
        if !packet.begins {
            self.collect(track, packet.payload, deliver);
            return None;
        }
        if deliver {
            self.finish(track);
        }
        let header = PesHeader::read(packet.payload)?;
        let (shown, decode) = self.place(track, &header);
        let stream = &mut self.streams[track];
        stream.pending = Some(Pending { bytes: Vec::new(), length: header.content_bytes, shown, decode });
        self.collect(track, packet.payload.get(header.bytes..).unwrap_or_default(), deliver);
        Some((track, shown))
    }

    /// The times of a packet on the timeline.
    fn place(&mut self, track: usize, header: &PesHeader) -> (Option<i64>, Option<i64>) {
        let Some(raw) = header.decode.or(header.shown) else { return (None, None) };
        let stream = &mut self.streams[track];
        let announced = std::mem::take(&mut stream.breaks);
        let decode = self.clock.place(&mut stream.clock, raw, announced);
        let shown = header.shown.map(|shown| decode + unwrapped(shown, raw) - raw);
        (shown, Some(decode))
    }

    fn collect(&mut self, track: usize, payload: &[u8], deliver: bool) {
        let stream = &mut self.streams[track];
        let (true, true, Some(pending)) = (deliver, stream.is_active, &mut stream.pending) else { return };
        let room = PES_BYTES_MAX - pending.bytes.len().min(PES_BYTES_MAX);
        pending.bytes.extend_from_slice(&payload[..payload.len().min(room)]);
        if pending.length.is_some_and(|length| pending.bytes.len() >= length) {
            self.finish(track);
        }
    }

    /// Makes the collected packet of a stream ready.
    fn finish(&mut self, track: usize) {
        let zero = self.zero;
        let stream = &mut self.streams[track];
        let Some(mut pending) = stream.pending.take() else { return };
        if let Some(length) = pending.length {
            pending.bytes.truncate(length);
        }
        if !stream.is_active || pending.bytes.is_empty() {
            return;
        }
        let ns = |ticks: i64| time_ns(ticks.saturating_sub(zero), TICKS_PER_S as u32);
        let (mut shown_ns, mut decode_ns) = (pending.shown.map(ns), pending.decode.map(ns));
        let parts = match stream.kind.packing {
            Packing::Plain => vec![pending.bytes],
            Packing::Opus => access_units(&pending.bytes),
        };
        for bytes in parts {
            let segment = Segment { start_ns: 0, stop_ns: None, time_ns: 0 };
            let content = Content {
                bytes,
                shown_ns: shown_ns.take(),
                decode_ns: decode_ns.take(),
                duration_ns: None,
                keyframe: true,
                description: 0,
                segment: (!std::mem::replace(&mut stream.has_segment, true)).then_some(segment),
            };
            self.ready.push_back(Step::Packet(track, content));
        }
    }

    fn table(&mut self, pid: u16, section: &[u8], deliver: bool) {
        if pid == 0 {
            for map in association(section) {
                if self.tables.len() < STREAMS_MAX {
                    self.tables.entry(map).or_default();
                }
            }
            return;
        }
        let is_first = self.tables.keys().find(|pid| **pid != 0) == Some(&pid);
        for found in map(section).unwrap_or_default() {
            if self.by_pid.contains_key(&found.pid) || self.streams.len() >= STREAMS_MAX {
                continue;
            }
            let Some(kind) = kind(&found) else { continue };
            self.by_pid.insert(found.pid, self.streams.len());
            self.streams.push(Stream {
                kind,
                clock: TrackClock::default(),
                continuity: None,
                breaks: false,
                pending: None,
                is_scrambled: false,
                is_active: false,
                has_segment: false,
                is_first,
            });
            if deliver {
                self.ready.push_back(Step::Found);
            }
        }
    }
}

impl PacketSource for Reader {
    fn tracks(&self) -> usize {
        self.streams.len()
    }

    fn header(&self, track: usize) -> TrackHeader {
        let stream = &self.streams[track];
        TrackHeader {
            caps: self.caps(track, 0),
            // Of several programs, players take the first.
            is_chosen: if stream.is_first { None } else { Some(false) },
            language: stream.kind.language.clone(),
            role: stream.kind.role,
            captions: CaptionFlags::default(),
            orientation: None,
        }
    }

    fn caps(&self, track: usize, _: u32) -> gst::Caps {
        let stream = &self.streams[track];
        if !stream.is_scrambled {
            return stream.kind.caps.clone();
        }
        let name = stream.kind.caps.structure(0).map_or("", |structure| structure.name().as_str());
        gst::Caps::builder("application/x-cenc").field("original-media-type", name).build()
    }

    fn set_active(&mut self, track: usize, active: bool) {
        self.streams[track].is_active = active;
    }

    fn step(&mut self) -> std::io::Result<Step> {
        if let Some(step) = self.ready.pop_front() {
            return Ok(step);
        }
        if self.has_ended || self.streams.iter().all(|stream| !stream.is_active) {
            return Ok(Step::End);
        }
        match self.next_packet()? {
            Some(packet) => {
                self.take(&packet, true);
            }
            None => {
                self.has_ended = true;
                (0..self.streams.len()).for_each(|track| self.finish(track));
            }
        }
        Ok(self.ready.pop_front().unwrap_or(Step::Skipped))
    }

    fn seek(&mut self, to_ns: u64, _: bool) -> bool {
        let ticks = u128::from(to_ns) * TICKS_PER_S as u128 / 1_000_000_000;
        let target = self.zero.saturating_add(i64::try_from(ticks).unwrap_or(i64::MAX));
        let active = |stream: &Stream| stream.is_active;
        let is_video = |stream: &Stream| {
            stream.kind.caps.structure(0).is_some_and(|structure| structure.name().starts_with("video/"))
        };
        let wanted = self.streams.iter().position(|stream| active(stream) && is_video(stream));
        let Some(wanted) = wanted.or_else(|| self.streams.iter().position(active)) else { return false };
        self.rewind();
        let mut point = SeekPoint { at: self.begin, clock: Clock::default(), tracks: Vec::new() };
        let mut announces = false;
        loop {
            let before = SeekPoint {
                at: self.at,
                clock: self.clock.clone(),
                tracks: self.streams.iter().map(|stream| stream.clock).collect(),
            };
            let Ok(Some(bytes)) = self.next_packet() else { break };
            let begun = self.take(&bytes, false);
            let Some((_, Some(shown))) = begun.filter(|(track, _)| *track == wanted) else { continue };
            let starts = Packet::read(&bytes).is_some_and(|packet| packet.random_access);
            announces |= starts;
            let latest = if announces { target } else { target - SEEK_BEFORE };
            if shown <= latest && (starts || !announces) {
                point = before;
            }
            if shown > target + TICKS_PER_S {
                break;
            }
        }
        self.go_on_from(&point);
        true
    }

    fn end_ns(&self, _: usize) -> Option<u64> {
        None
    }
}

/// Where the first packet begins, and the bytes from one packet to the next.
fn packets(source: &Source) -> Result<(u64, usize), Fault> {
    let mut head = vec![0; SYNC_BYTES];
    let read = source.read_at(0, &mut head).map_err(unreadable)?;
    head.truncate(read);
    for begin in 0..head.len().min(PACKET_BYTES * 8) {
        for spacing in [PACKET_BYTES, 192, 204] {
            let packets = (0..SYNC_PACKETS).map(|packet| begin + packet * spacing);
            // A short file has fewer.
            let (mut seen, mut wrong) = (0, 0);
            for at in packets.take_while(|at| *at < head.len()) {
                seen += 1;
                wrong += usize::from(head[at] != 0x47);
            }
            if wrong == 0 && (seen == SYNC_PACKETS || begin + seen * spacing >= head.len()) {
                return Ok((begin as u64, spacing));
            }
        }
    }
    Err(Fault::new(Code::DamagedIndex, "expected packets of a transport stream, found none"))
}

fn unreadable(error: std::io::Error) -> Fault {
    Fault::new(Code::Internal, format!("the source cannot be read: {}", error.kind()))
}

/// The access units of a packet of Opus, without their control headers.
fn access_units(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut units = Vec::new();
    while let [0x7F, flags, rest @ ..] = bytes {
        let ones = rest.iter().take_while(|byte| **byte == 0xFF).count();
        let Some(last) = rest.get(ones) else { break };
        let size = ones * 255 + usize::from(*last);
        let mut at = ones + 1;
        at += if flags & 0x10 != 0 { 2 } else { 0 };
        at += if flags & 0x08 != 0 { 2 } else { 0 };
        at += if flags & 0x04 != 0 { 1 + usize::from(rest.get(at).copied().unwrap_or(0)) } else { 0 };
        let Some(unit) = rest.get(at..at + size).filter(|_| flags & 0xE0 == 0xE0 && size > 0) else { break };
        units.push(unit.to_vec());
        bytes = &rest[at + size..];
    }
    units
}
