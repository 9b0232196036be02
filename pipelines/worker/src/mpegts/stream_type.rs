//! Caps of an elementary stream by its type and its descriptors (ISO/IEC 13818-1, table 2-34; ETSI EN 300 468, 6; ATSC A/53-3;
//! the registration authority at smpte-ra.org).

use gstreamer as gst;

use reelgate_pipelines::messages::AudioRole;

use super::program::{Elementary, descriptor, registration};

/// Which bytes of a packet are the stream's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packing {
    Plain,
    /// A control header before each access unit (ETSI TS 103 491, annex on Opus; the mapping of the Xiph.Org Foundation).
    Opus,
}

/// What a stream is.
#[derive(Clone, Debug)]
pub struct StreamKind {
    pub caps: gst::Caps,
    pub packing: Packing,
    pub language: String,
    pub role: AudioRole,
}

/// What an elementary stream is; `None` for tables and for messages to the receiver, which are no tracks.
pub fn kind(stream: &Elementary) -> Option<StreamKind> {
    let of = |caps: gst::Caps| {
        Some(StreamKind { caps, packing: Packing::Plain, language: language(stream), role: role(stream) })
    };
    let plain = |name: &str| of(gst::Caps::new_empty_simple(name));
    let mpeg_video = |version: i32| {
        of(gst::Caps::builder("video/mpeg")
            .field("mpegversion", version)
            .field("systemstream", false)
            .build())
    };
    let byte_stream = |name: &str| of(gst::Caps::builder(name).field("stream-format", "byte-stream").build());
    let aac = |format: &str| {
        of(gst::Caps::builder("audio/mpeg").field("mpegversion", 4).field("stream-format", format).build())
    };
    let disc = stream.registered == Some(*b"HDMV");
    match stream.stream_type {
        0x01 => mpeg_video(1),
        0x02 => mpeg_video(2),
        0x80 if !disc => mpeg_video(2),
        0x03 | 0x04 => of(gst::Caps::builder("audio/mpeg").field("mpegversion", 1).build()),
        0x05 | 0x0B..=0x0D | 0x14 | 0x16 | 0x86 if !disc => None,
        0x0F => aac("adts"),
        0x10 => mpeg_video(4),
        0x11 => aac("loas"),
        0x1B => byte_stream("video/x-h264"),
        0x21 => plain("image/x-jpc"),
        0x24 => byte_stream("video/x-h265"),
        0x33 => byte_stream("video/x-h266"),
        0x42 => plain("video/x-cavs"),
        0x81 => plain("audio/x-ac3"),
        0x83 if disc => plain("audio/x-ac3"),
        0x84 | 0x87 | 0xA1 => plain("audio/x-eac3"),
        0x82 | 0x85 | 0x86 | 0x8A | 0xA2 => plain("audio/x-dts"),
        0x80 => plain("audio/x-private-ts-lpcm"),
        0x90 => plain("subpicture/x-pgs"),
        0x92 => plain("application/x-subtitle-disc"),
        0xD1 => plain("video/x-dirac"),
        0xEA => of(gst::Caps::builder("video/x-wmv").field("wmvversion", 3).field("format", "WVC1").build()),
        0x06 => private(stream),
        // Timed metadata.
        0x15 => plain("meta/x-id3"),
        other => plain(&format!("application/x-mpegts-{other:02x}")),
    }
}

/// Private data say what they are by a descriptor.
fn private(stream: &Elementary) -> Option<StreamKind> {
    let has = |tag: u8| descriptor(&stream.descriptors, tag).is_some();
    let plain = |name: &str| {
        let caps = gst::Caps::new_empty_simple(name);
        Some(StreamKind { caps, packing: Packing::Plain, language: language(stream), role: role(stream) })
    };
    match registration(&stream.descriptors) {
        Some(id) if id == *b"Opus" => return Some(opus(stream)),
        Some(id) if id == *b"AC-3" => return plain("audio/x-ac3"),
        Some(id) if id == *b"EAC3" => return plain("audio/x-eac3"),
        Some([b'D', b'T', b'S', _]) => return plain("audio/x-dts"),
        Some(id) if id == *b"HEVC" => {
            let caps = gst::Caps::builder("video/x-h265").field("stream-format", "byte-stream").build();
            return Some(StreamKind {
                caps,
                packing: Packing::Plain,
                language: language(stream),
                role: role(stream),
            });
        }
        Some(id) if id == *b"AV01" => return plain("video/x-mpegts-av01"),
        Some(id) if id == *b"BSSD" => return plain("audio/x-smpte-302m"),
        Some(id) if id == *b"KLVA" => return plain("meta/x-klv"),
        _ => {}
    }
    match () {
        () if has(0x6A) => plain("audio/x-ac3"),
        () if has(0x7A) => plain("audio/x-eac3"),
        () if has(0x7B) => plain("audio/x-dts"),
        () if has(0x59) => plain("subpicture/x-dvb"),
        () if has(0x56) || has(0x46) => plain("application/x-teletext"),
        () => plain("application/x-mpegts-06"),
    }
}

fn opus(stream: &Elementary) -> StreamKind {
    // Extension descriptor 0x80: the channel configuration; 0 is dual mono.
    let channels = descriptor(&stream.descriptors, 0x7F).and_then(|body| match body {
        [0x80, channels, ..] => Some(i32::from(*channels)),
        _ => None,
    });
    let channels = channels.filter(|channels| (1..=8).contains(channels)).unwrap_or(2);
    let (family, streams, coupled) = match channels {
        1 => (0, 1, 0),
        2 => (0, 1, 1),
        // Channel layouts of Vorbis (RFC 7845, 5.1.1.2).
        3 => (1, 2, 1),
        4 => (1, 2, 2),
        5 => (1, 3, 2),
        6 => (1, 4, 2),
        7 => (1, 4, 3),
        _ => (1, 5, 3),
    };
    let order: &[i32] = match channels {
        3 => &[0, 2, 1],
        4 => &[0, 1, 2, 3],
        5 => &[0, 4, 1, 2, 3],
        6 => &[0, 4, 1, 2, 3, 5],
        7 => &[0, 4, 1, 2, 3, 5, 6],
        8 => &[0, 6, 1, 2, 3, 4, 5, 7],
        _ => &[],
    };
    let mut caps = gst::Caps::builder("audio/x-opus")
        .field("rate", 48_000)
        .field("channels", channels)
        .field("channel-mapping-family", family)
        .field("stream-count", streams)
        .field("coupled-count", coupled)
        .build();
    if family > 0 {
        caps.make_mut().set("channel-mapping", gst::Array::new(order.iter().copied()));
    }
    StreamKind { caps, packing: Packing::Opus, language: language(stream), role: role(stream) }
}

/// What a stream of sound is for, by the type in its language descriptor (2.6.19).
fn role(stream: &Elementary) -> AudioRole {
    const VISUALLY_IMPAIRED: u8 = 3;
    match descriptor(&stream.descriptors, 0x0A) {
        Some([_, _, _, VISUALLY_IMPAIRED, ..]) => AudioRole::Description,
        _ => AudioRole::Programme,
    }
}

/// The language of a stream (2.6.18, and EN 300 468, 6.2.41 and 6.2.43), as short as it can be.
fn language(stream: &Elementary) -> String {
    let tags = [0x0A, 0x59, 0x56];
    let body = tags.into_iter().find_map(|tag| descriptor(&stream.descriptors, tag));
    let code = body.and_then(|body| body.first_chunk::<3>());
    let code = code.filter(|code| code.iter().all(u8::is_ascii_alphabetic));
    code.map_or_else(String::new, |code| {
        crate::isobmff::shortest(&String::from_utf8_lossy(code).to_ascii_lowercase())
    })
}
