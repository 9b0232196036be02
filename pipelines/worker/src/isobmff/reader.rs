//! The position in a movie while it is read: which track is next, and what it delivers.

use gstreamer as gst;
use reelgate_flow::reason::Fault;

use super::edits::Span;
use super::movie::Movie;
use super::packet::{Cursor, Packet};
use super::text::Packing;
use super::ticks::{nanoseconds, time_ns};
use super::track::{Role, Track};
use super::{caps, video};
use crate::demux::packet_source::{Content, PacketSource, Segment, Step, TrackHeader};
use crate::source::Source;

/// Packets of sound in front of an edit or a seek that a decoder gets to settle. What they sound like is cut off.
const SETTLING_PACKETS: u64 = 3;
/// Most bytes of one packet. A picture of 8K without compression has 100 MB.
const PACKET_BYTES_MAX: u64 = 512 << 20;

struct Position {
    spans: Vec<Span>,
    /// For each span the first time at which a whole picture begins.
    first_whole: Vec<i64>,
    span: usize,
    sample: u64,
    cursor: Cursor,
    /// The segment that the next packet begins.
    segment: Option<Segment>,
    /// Ticks that are added to all times, so that none is negative.
    shift: i64,
    is_active: bool,
    packing: Packing,
}

/// A movie and a position in each of its tracks.
pub struct Reader {
    source: Source,
    pub movie: Movie,
    positions: Vec<Position>,
    /// Whether only keyframes of pictures are delivered.
    keyframes_only: bool,
}

impl Reader {
    pub fn new(source: Source) -> Result<Self, Fault> {
        let movie = Movie::read(&source)?;
        let positions = movie.tracks.iter().map(|track| {
            let format = track.descriptions.first().map_or([0; 4], |description| description.entry.kind);
            let spans = track.spans(movie.timescale);
            Position {
                first_whole: spans.iter().map(|span| first_whole(track, span.start)).collect(),
                spans,
                span: 0,
                sample: 0,
                cursor: Cursor::default(),
                segment: None,
                shift: track.samples.composition_min().saturating_neg(),
                is_active: false,
                packing: if track.role == Role::Text { Packing::of(format) } else { Packing::Plain },
            }
        });
        let positions = positions.collect();
        let mut reader = Self { source, movie, positions, keyframes_only: false };
        for track in 0..reader.positions.len() {
            reader.begin_span(track, 0, None);
        }
        Ok(reader)
    }

    /// The active track whose next packet is the earliest in the film; `None` at the end of all.
    fn next_track(&self) -> Option<usize> {
        let active = self.positions.iter().enumerate().filter(|(_, position)| position.is_active);
        active.min_by_key(|(index, position)| self.due_ns(*index, position)).map(|(index, _)| index)
    }

    /// When the next sample is decoded, in times of the film.
    fn due_ns(&self, index: usize, position: &Position) -> i128 {
        let track = &self.movie.tracks[index];
        let Some(span) = position.spans.get(position.span) else { return i128::MAX };
        let begins = i128::from(nanoseconds(span.shown, self.movie.timescale));
        let mut cursor = position.cursor;
        let Some(packet) = track.samples.packet(position.sample, &mut cursor) else { return i128::MIN };
        let ticks = i128::from(packet.decode) - i128::from(span.start);
        begins + ticks * 1_000_000_000 / i128::from(track.timescale.max(1))
    }

    /// Reads the next packet of a track.
    fn read(&mut self, index: usize) -> std::io::Result<Step> {
        let (track, position) = (&self.movie.tracks[index], &mut self.positions[index]);
        let Some(span) = position.spans.get(position.span).copied() else {
            position.is_active = false;
            return Ok(Step::TrackEnd(index));
        };
        let composition_min = track.samples.composition_min();
        let packet = track.samples.packet(position.sample, &mut position.cursor);
        // No later sample is shown before the end of the span.
        let is_past = |packet: &Packet| {
            span.end.is_some_and(|end| packet.decode.saturating_add(composition_min) >= end)
        };
        let Some(packet) = packet.filter(|packet| !is_past(packet)) else {
            let next = position.span + 1;
            self.begin_span(index, next, None);
            return Ok(Step::Skipped);
        };
        position.sample = packet.sample + u64::from(packet.samples);
        let is_wanted = !(self.keyframes_only && track.role == Role::Video) || packet.keyframe;
        if !is_wanted || packet.bytes == 0 {
            return Ok(Step::Skipped);
        }
        let end = packet.offset.saturating_add(packet.bytes);
        if packet.bytes > PACKET_BYTES_MAX || end > self.source.size_bytes() {
            return Ok(Step::Missing(index));
        }
        let mut bytes = vec![0; packet.bytes as usize]; // bounded above
        let read = self.source.read_at(packet.offset, &mut bytes)?;
        if read < bytes.len() {
            return Ok(Step::Missing(index));
        }
        if position.packing != Packing::Plain {
            let Some(unpacked) = position.packing.unpack(&bytes) else { return Ok(Step::Skipped) };
            bytes = unpacked;
        }
        let shift = position.shift;
        let ns = |ticks: i64| time_ns(ticks.saturating_add(shift), track.timescale);
        // Without the shift no sample is decoded after it is shown, which decoders rely on.
        let decode_ns = time_ns(packet.decode, track.timescale);
        // By the end's own rounding: a picture that ends where an edit begins is no part of it.
        let shown_ns = ns(packet.shown);
        let end_ns = ns(packet.shown.saturating_add_unsigned(packet.duration));
        let content = Content {
            bytes,
            shown_ns: Some(shown_ns),
            decode_ns: Some(decode_ns),
            duration_ns: Some(end_ns.saturating_sub(shown_ns)),
            keyframe: packet.keyframe,
            description: packet.description,
            segment: position.segment.take(),
        };
        Ok(Step::Packet(index, content))
    }

    /// Goes to the start of a span, or to the keyframe at or before the time `within` ticks after it.
    fn begin_span(&mut self, index: usize, span: usize, within: Option<i64>) {
        let (track, position) = (&self.movie.tracks[index], &mut self.positions[index]);
        position.span = span;
        position.cursor = Cursor::default();
        let Some(found) = position.spans.get(span).copied() else { return };
        let target = found.start.saturating_add(within.unwrap_or(0));
        let (first, shown_at) = start_of(track, target);
        position.sample = first;
        let start = match within {
            // A seek shows its keyframe, unless the edit begins later.
            Some(_) if track.role == Role::Video => shown_at.max(position.first_whole[span]),
            Some(_) => target,
            None => position.first_whole[span],
        };
        let ns = |ticks: i64| time_ns(ticks.saturating_add(position.shift), track.timescale);
        let begins_ns = nanoseconds(found.shown, self.movie.timescale);
        position.segment = Some(Segment {
            start_ns: ns(start),
            stop_ns: found.end.map(ns),
            // The difference of both times is the same after every seek, so that rounding moves no picture.
            time_ns: begins_ns.saturating_add(ns(start).saturating_sub(ns(found.start))),
        });
    }
}

impl PacketSource for Reader {
    fn tracks(&self) -> usize {
        self.movie.tracks.len()
    }

    fn header(&self, track: usize) -> TrackHeader {
        let found = &self.movie.tracks[track];
        TrackHeader {
            caps: self.caps(track, 0),
            is_chosen: Some(found.enabled),
            language: found.language.clone(),
            role: found.purpose.audio,
            captions: found.purpose.captions,
            orientation: video::orientation(found.matrix).filter(|_| found.role == Role::Video),
        }
    }

    fn caps(&self, track: usize, description: u32) -> gst::Caps {
        caps::of(&self.source, &self.movie.tracks[track], description)
    }

    fn set_active(&mut self, track: usize, active: bool) {
        self.positions[track].is_active = active;
    }

    fn step(&mut self) -> std::io::Result<Step> {
        self.next_track().map_or(Ok(Step::End), |track| self.read(track))
    }

    fn seek(&mut self, to_ns: u64, keyframes_only: bool) -> bool {
        self.keyframes_only = keyframes_only;
        for index in 0..self.positions.len() {
            let (track, position) = (&self.movie.tracks[index], &self.positions[index]);
            let begins_ns = |span: &Span| nanoseconds(span.shown, self.movie.timescale);
            let span = position.spans.iter().rposition(|span| begins_ns(span) <= to_ns).unwrap_or(0);
            let within_ns = position.spans.get(span).map_or(0, |span| to_ns.saturating_sub(begins_ns(span)));
            // The time of a sample was rounded down when it became nanoseconds.
            let ticks = (u128::from(within_ns) * u128::from(track.timescale)).div_ceil(1_000_000_000);
            self.begin_span(index, span, Some(i64::try_from(ticks).unwrap_or(i64::MAX)));
        }
        true
    }

    fn end_ns(&self, track: usize) -> Option<u64> {
        let (position, track) = (&self.positions[track], &self.movie.tracks[track]);
        let last = position.spans.last()?;
        let end = last.end.unwrap_or(i64::MAX).min(track.samples.end());
        let length = u64::try_from(end.saturating_sub(last.start)).unwrap_or(0);
        let begins_ns = nanoseconds(last.shown, self.movie.timescale);
        Some(begins_ns.saturating_add(nanoseconds(length, track.timescale)))
    }
}

/// When the first picture begins at or after the start of an edit. An edit that begins within a picture shows the rest of it, if that
/// is long; players do not show a remainder as short as a picture of a film. For other tracks it is the start itself.
fn first_whole(track: &Track, start: i64) -> i64 {
    const REMAINDER_MAX_MS: i64 = 200;
    if track.role != Role::Video {
        return start;
    }
    let samples = &track.samples;
    let (composition_min, mut cursor) = (samples.composition_min(), Cursor::default());
    let (mut sample, _) = start_of(track, start);
    let latest = start.saturating_add(i64::from(track.timescale).saturating_mul(REMAINDER_MAX_MS) / 1_000);
    let mut first = None;
    while let Some(packet) = samples.packet(sample, &mut cursor) {
        // No later sample is shown earlier.
        if packet.decode.saturating_add(composition_min) > first.unwrap_or(latest) {
            break;
        }
        if packet.shown >= start {
            first = Some(first.map_or(packet.shown, |first: i64| first.min(packet.shown)));
        }
        sample += 1;
    }
    first.filter(|first| *first <= latest).unwrap_or(start)
}

/// The first sample that a decoder needs to show a time, and when that sample itself is shown.
fn start_of(track: &Track, target: i64) -> (u64, i64) {
    let samples = &track.samples;
    let shown = |sample: u64| samples.packet(sample, &mut Cursor::default()).map_or(0, |packet| packet.shown);
    let mut first = samples.at(target.saturating_sub(samples.composition_min()));
    if track.role != Role::Video {
        let settling = match (track.role, samples.uniform) {
            (Role::Audio, None) => SETTLING_PACKETS,
            (Role::Audio, Some(uniform)) if uniform.samples > 1 => first % u64::from(uniform.samples),
            _ => 0,
        };
        first = first.saturating_sub(settling);
        return (first, shown(first));
    }
    loop {
        first = samples.keyframe_before(first);
        let shown = shown(first);
        if shown <= target || first == 0 {
            return (first, shown);
        }
        first -= 1;
    }
}
