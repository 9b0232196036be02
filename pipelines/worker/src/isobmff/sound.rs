//! Caps of sound by its sample description (ISO/IEC 14496-12, 12.2.3; QuickTime File Format, "Sound sample descriptions").

use gstreamer as gst;

use super::description::{self, Content, buffer};
use super::esds;
use super::packet::Uniform;
use super::track::{Description, Track};
use crate::source::Source;

/// What a sample description says before its boxes.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Entry {
    channels: u32,
    rate: u32,
    sample_bits: u32,
    /// Samples of a packet and bytes of a packet for all channels, for formats that code several samples together.
    packet: Option<Uniform>,
    /// Flags of linear PCM (QuickTime File Format, "Sound sample description (version 2)").
    pcm_flags: Option<u32>,
    /// Bytes before its boxes.
    bytes: usize,
}

impl Entry {
    /// `version` is that of the box around the description. There, QuickTime's longer descriptions exist only in version 0.
    fn read(body: &[u8], version: u8) -> Option<Self> {
        let u16_at = |at: usize| Some(u32::from(u16::from_be_bytes(*body.get(at..)?.first_chunk()?)));
        let u32_at = |at: usize| Some(u32::from_be_bytes(*body.get(at..)?.first_chunk()?));
        let mut entry = Self {
            channels: u16_at(16)?,
            sample_bits: u16_at(18)?,
            rate: u32_at(24)? >> 16,
            packet: None,
            pcm_flags: None,
            bytes: 28,
        };
        match (version, u16_at(8)?) {
            (0, 1) => {
                let (samples, bytes) = (u32_at(28)?, u32_at(36)?);
                entry.packet = (samples > 0 && bytes > 0).then_some(Uniform { samples, bytes });
                entry.bytes = 44;
            }
            (0, 2) => {
                let rate = f64::from_be_bytes(*body.get(32..)?.first_chunk()?);
                entry.rate = if rate.is_finite() { rate.round().clamp(0.0, 1e9) as u32 } else { 0 };
                entry.channels = u32_at(40)?;
                entry.sample_bits = u32_at(48)?;
                entry.pcm_flags = Some(u32_at(52)?);
                let (bytes, samples) = (u32_at(56)?, u32_at(60)?);
                entry.packet = (samples > 0 && bytes > 0).then_some(Uniform { samples, bytes });
                entry.bytes = 64;
            }
            _ => {}
        }
        Some(entry)
    }

    fn with_boxes<'a>(&self, body: &'a [u8]) -> Content<'a> {
        Content::of(body.get(self.bytes..).unwrap_or_default())
    }
}

/// Boxes of the description, and of the `wave` box in which QuickTime keeps those of the decoder.
struct Boxes<'a> {
    outer: Content<'a>,
    wave: Content<'a>,
}

impl<'a> Boxes<'a> {
    fn of(entry: &Entry, body: &'a [u8]) -> Self {
        let outer = entry.with_boxes(body);
        let wave = Content::of(outer.get(*b"wave").unwrap_or_default());
        Self { outer, wave }
    }

    fn get(&self, kind: [u8; 4]) -> Option<&'a [u8]> {
        self.outer.get(kind).or_else(|| self.wave.get(kind))
    }
}

/// How PCM is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pcm {
    bits: u32,
    is_float: bool,
    is_signed: bool,
    is_little_endian: bool,
}

/// How a format of PCM is written; `None` for other formats.
fn pcm(format: [u8; 4], entry: &Entry, boxes: &Boxes<'_>) -> Option<Pcm> {
    let says_little = boxes.get(*b"enda").is_some_and(|body| body.get(1) == Some(&1));
    let integer = |bits: u32, is_little_endian: bool| Pcm {
        bits,
        is_float: false,
        is_signed: bits > 8,
        is_little_endian,
    };
    let float = |bits: u32| Pcm { bits, is_float: true, is_signed: true, is_little_endian: says_little };
    let bits = if entry.sample_bits == 0 { 16 } else { entry.sample_bits };
    Some(match &format {
        b"raw " | b"NONE" => integer(bits, says_little),
        b"twos" => Pcm { is_signed: true, ..integer(bits, says_little) },
        b"sowt" => Pcm { is_signed: true, ..integer(bits, true) },
        b"in24" => integer(24, says_little),
        b"in32" => integer(32, says_little),
        b"fl32" => float(32),
        b"fl64" => float(64),
        b"lpcm" => {
            const FLOAT: u32 = 1;
            const BIG_ENDIAN: u32 = 2;
            const SIGNED: u32 = 4;
            let flags = entry.pcm_flags.unwrap_or(SIGNED | BIG_ENDIAN);
            Pcm {
                bits,
                is_float: flags & FLOAT != 0,
                is_signed: flags & SIGNED != 0,
                is_little_endian: flags & BIG_ENDIAN == 0,
            }
        }
        // ISO/IEC 23003-5, 5.
        b"ipcm" | b"fpcm" => {
            let config = boxes.get(*b"pcmC")?;
            let (flags, bits) = (*config.get(4)?, u32::from(*config.get(5)?));
            Pcm { bits, is_float: format == *b"fpcm", is_signed: true, is_little_endian: flags & 1 != 0 }
        }
        _ => return None,
    })
}

impl Pcm {
    /// GStreamer's name; `None` if it has none.
    fn format(self) -> Option<String> {
        let end = if self.is_little_endian { "LE" } else { "BE" };
        let letter = match (self.is_float, self.is_signed) {
            (true, _) => 'F',
            (false, true) => 'S',
            (false, false) => 'U',
        };
        match (self.bits, self.is_float) {
            (8, false) => Some(format!("{letter}8")),
            (16 | 24 | 32, false) | (32 | 64, true) => Some(format!("{letter}{}{end}", self.bits)),
            _ => None,
        }
    }
}

/// How the samples of a track of sound are grouped, if the tables list them one by one (QuickTime File Format, "Sound sample
/// description (version 1)"); `None` if every sample of the tables is a packet.
pub fn uniform(source: &Source, track: &Track) -> Option<Uniform> {
    let Description { entry: place, version } = track.descriptions.first()?;
    let body = description::bytes(source, *place);
    let entry = Entry::read(&body, *version)?;
    let listed = track.samples.tables.same_bytes()?;
    if let Some(pcm) = pcm(place.kind, &entry, &Boxes::of(&entry, &body)) {
        return Some(Uniform { samples: 1, bytes: (pcm.bits / 8).saturating_mul(entry.channels).max(1) });
    }
    let per_channel = |samples: u32, bytes: u32| {
        Some(Uniform { samples, bytes: bytes.saturating_mul(entry.channels.max(1)) })
    };
    match &place.kind {
        b"ulaw" | b"alaw" => per_channel(1, 1),
        // 64 samples of a channel in 34 bytes.
        b"ima4" => per_channel(64, 34),
        _ => entry.packet.filter(|packet| listed <= 1 && packet.samples > 1),
    }
}

/// The caps of a track's sound by one of its descriptions; `None` if the description is damaged.
pub fn caps(track: &Track, format: [u8; 4], version: u8, body: &[u8]) -> Option<gst::Caps> {
    let entry = Entry::read(body, version)?;
    let boxes = Boxes::of(&entry, body);
    let mut structure = codec(format, &entry, &boxes)?;
    let is_known = |name: &str| structure.has_field(name);
    let (rate_known, channels_known) = (is_known("rate"), is_known("channels"));
    // Rates above 65,535 do not fit into the description, and writers then leave it 0.
    let rate = if entry.rate == 0 { track.timescale } else { entry.rate };
    if !rate_known && rate > 0 {
        structure.set("rate", i32::try_from(rate).ok()?);
    }
    if !channels_known && (1..=64).contains(&entry.channels) {
        structure.set("channels", entry.channels as i32); // at most 64
    }
    let mut caps = gst::Caps::new_empty();
    caps.make_mut().append_structure(structure);
    Some(caps)
}

fn named(name: &str) -> gst::Structure {
    gst::Structure::new_empty(name)
}

fn mpeg(version: i32) -> gst::Structure {
    let mut structure = named("audio/mpeg");
    structure.set("mpegversion", version);
    structure
}

fn codec(format: [u8; 4], entry: &Entry, boxes: &Boxes<'_>) -> Option<gst::Structure> {
    if let Some(pcm) = pcm(format, entry, boxes) {
        let Some(name) = pcm.format() else { return Some(named(&description::unknown("audio", format))) };
        return Some(raw(&name, entry.channels, boxes));
    }
    let adpcm = |layout: &str, block_bytes: u32| {
        let mut structure = named("audio/x-adpcm");
        structure.set("layout", layout);
        structure.set("block_align", i32::try_from(block_bytes).unwrap_or(0));
        structure
    };
    let packet_bytes = entry.packet.map_or(0, |packet| packet.bytes);
    Some(match &format {
        b"mp4a" | b"aac " => aac_or_other(boxes),
        b".mp3" | b"mp3 " | [b'm', b's', 0, 0x55] => layer_3(),
        b"ac-3" | b"sac3" => named("audio/x-ac3"),
        b"ec-3" => named("audio/x-eac3"),
        b"dtsc" | b"dtsh" | b"dtsl" | b"dtse" | b"DTS " => named("audio/x-dts"),
        b"Opus" => opus(boxes)?,
        b"fLaC" => flac(boxes)?,
        b"alac" => alac(boxes)?,
        b"samr" => {
            let mut structure = named("audio/AMR");
            structure.set("rate", 8_000);
            structure.set("channels", 1);
            structure
        }
        b"sawb" => {
            let mut structure = named("audio/AMR-WB");
            structure.set("rate", 16_000);
            structure.set("channels", 1);
            structure
        }
        b"ulaw" => named("audio/x-mulaw"),
        b"alaw" => named("audio/x-alaw"),
        b"ima4" => adpcm("quicktime", 34u32.saturating_mul(entry.channels.max(1))),
        [b'm', b's', 0, 0x02] => adpcm("microsoft", packet_bytes),
        [b'm', b's', 0, 0x11] => adpcm("dvi", packet_bytes),
        [b'e', b'n', b'c', _] | b"drms" => named("application/x-cenc"),
        _ => named(&description::unknown("audio", format)),
    })
}

fn layer_3() -> gst::Structure {
    let mut structure = mpeg(1);
    structure.set("layer", 3);
    structure
}

fn aac_or_other(boxes: &Boxes<'_>) -> gst::Structure {
    let stream = boxes.get(*b"esds").and_then(|body| esds::read(body.get(4..)?)).unwrap_or_default();
    match stream.object_type {
        0x69 | 0x6B => layer_3(),
        0xA5 => named("audio/x-ac3"),
        0xA6 => named("audio/x-eac3"),
        0xA9..=0xAC => named("audio/x-dts"),
        0xDD => named("audio/x-gst-fourcc-vorbis"),
        0xE1 => named("audio/qcelp"),
        _ => {
            let mut structure = mpeg(4);
            structure.set("framed", true);
            structure.set("stream-format", "raw");
            if !stream.specific.is_empty() {
                structure.set("codec_data", buffer(&stream.specific));
            }
            structure
        }
    }
}

fn raw(format: &str, channels: u32, boxes: &Boxes<'_>) -> gst::Structure {
    let mut structure = named("audio/x-raw");
    structure.set("format", format);
    structure.set("layout", "interleaved");
    if channels > 2 {
        structure.set("channel-mask", gst::Bitmask::new(channel_mask(channels, boxes)));
    }
    structure
}

/// Positions of the channels by the tag of `chan` (QuickTime File Format, "Audio channel layout"), for layouts whose order is
/// GStreamer's; 0 if they are not known.
fn channel_mask(channels: u32, boxes: &Boxes<'_>) -> u64 {
    let tag = boxes.get(*b"chan").and_then(|body| Some(u32::from_be_bytes(*body.get(4..)?.first_chunk()?)));
    match (tag, channels) {
        // MPEG 3.0 A, 4.0 A, 5.0 A, 5.1 A: left, right, centre, then the others.
        (Some(0x0071_0003), 3) => 0x7,
        (Some(0x0073_0004), 4) => 0x107,
        (Some(0x0075_0005), 5) => 0x37,
        (Some(0x0079_0006), 6) => 0x3F,
        _ => 0,
    }
}

/// Encapsulation of Opus in ISO Base Media File Format, 4.3.2.
fn opus(boxes: &Boxes<'_>) -> Option<gst::Structure> {
    let config = boxes.get(*b"dOps")?;
    let (channels, family) = (*config.get(1)?, *config.get(10)?);
    let mut structure = named("audio/x-opus");
    structure.set("rate", 48_000);
    structure.set("channels", i32::from(channels));
    structure.set("channel-mapping-family", i32::from(family));
    if family > 0 {
        let mapping = config.get(13..13 + usize::from(channels))?;
        structure.set("stream-count", i32::from(*config.get(11)?));
        structure.set("coupled-count", i32::from(*config.get(12)?));
        structure.set("channel-mapping", gst::Array::new(mapping.iter().map(|channel| i32::from(*channel))));
    } else {
        structure.set("stream-count", 1);
        structure.set("coupled-count", i32::from(channels > 1));
    }
    Some(structure)
}

/// Encapsulation of FLAC in ISO Base Media File Format, 3.3.2. The headers are those of FLAC in Ogg.
fn flac(boxes: &Boxes<'_>) -> Option<gst::Structure> {
    const STREAM_INFO_BYTES: usize = 4 + 34;
    let info = boxes.get(*b"dfLa")?.get(4..4 + STREAM_INFO_BYTES)?;
    let mut first = b"\x7fFLAC\x01\x00\x00\x01fLaC".to_vec();
    first.extend(info);
    let at = first.len() - STREAM_INFO_BYTES;
    first[at] &= 0x7F;
    // An empty comment is the last block of metadata (RFC 9639, 8.6).
    let comment = [0x84, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut structure = named("audio/x-flac");
    structure.set("framed", true);
    structure.set("streamheader", gst::Array::new([buffer(&first), buffer(&comment)]));
    let packed = u64::from_be_bytes(*info.get(4 + 10..)?.first_chunk()?);
    structure.set("rate", (packed >> 44) as i32); // 20 bits
    structure.set("channels", (packed >> 41 & 0x7) as i32 + 1);
    Some(structure)
}

/// The decoder wants the whole box with its header.
fn alac(boxes: &Boxes<'_>) -> Option<gst::Structure> {
    let config = boxes.get(*b"alac")?;
    let whole = [&(config.len() as u32 + 8).to_be_bytes()[..], b"alac", config].concat();
    let mut structure = named("audio/x-alac");
    structure.set("codec_data", buffer(&whole));
    structure.set("channels", i32::from(*config.get(13)?));
    structure.set("rate", i32::from_be_bytes(*config.get(24..)?.first_chunk()?));
    Some(structure)
}
