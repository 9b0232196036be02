//! Compressed sound in RIFF/WAVE files, which wavparse handles badly.
//!
//! A stream that its own parser can split, such as MP3, is read by that parser directly: wavparse 1.22 ends some of these
//! files without a packet, and guesses the times of others from a byte rate that encoders often leave wrong. ADPCM has no
//! such parser, so its times are set by the number of samples in a block.
//!
//! wavparse 1.22 delivers nothing of a file that ends a few bytes after its sound, as with the padding of an odd number of
//! bytes. So it receives such a file without these bytes.

use std::sync::Mutex;
use std::sync::PoisonError;

use gstreamer as gst;

use gst::prelude::*;
use reelgate_flow::reason::{Code, Fault};

use crate::source::Source;

/// Parsers that may read a stream directly, so that their plugins are loaded before the jail closes.
pub const PARSERS: [&str; 4] = ["mpegaudioparse", "aacparse", "ac3parse", "dcaparse"];

/// Chunks read in front of the sound.
const CHUNKS_MAX: usize = 1_000;
/// Bytes read of a format chunk.
const FORMAT_BYTES: usize = 40;
/// Format tag of a chunk whose format is in a GUID behind it.
const EXTENSIBLE: u16 = 0xFFFE;
/// End of the GUIDs that begin with a format tag.
const GUID_TAIL: [u8; 14] = *b"\0\0\0\0\x10\0\x80\0\0\xAA\0\x38\x9B\x71";

/// Bytes of the header of a chunk. Fewer bytes are no chunk.
const HEADER_BYTES: u64 = 8;

/// What to read of a file, and the element that reads it.
///
/// Fails with `unsupported_codec` for sound that cannot be divided into packets, or that wavparse does not know.
pub fn reader(source: &Source, wavparse: &'static str) -> Result<(Source, &'static str), Fault> {
    let Some(Sound { tag, start, bytes }) = Sound::find(source) else {
        return Ok((source.clone(), wavparse));
    };
    let sound = source.skip(start).take(bytes);
    if let Some(tag) = tag {
        if let Some(parser) = parser(tag, &sound) {
            return Ok((sound, parser));
        }
        if let Some((name, instead)) = unsupported(tag) {
            let detail = format!("{name} in WAV cannot be read: export WAV with PCM, or {instead}");
            return Err(Fault::new(Code::UnsupportedCodec, detail));
        }
    }
    let end = start.saturating_add(bytes);
    let is_last = source.size_bytes().saturating_sub(end) < HEADER_BYTES;
    Ok((if is_last { source.take(end) } else { source.clone() }, wavparse))
}

/// What an uploader calls sound that is refused, and what to export instead (format tags of RFC 2361, and of later registrations).
fn unsupported(tag: u16) -> Option<(&'static str, &'static str)> {
    Some(match tag {
        0x0031 => ("GSM 6.10", "AAC in MP4"),
        0x566F | 0x674F..=0x6751 | 0x676F..=0x6771 => ("Vorbis", "Vorbis in Ogg"),
        0x704F => ("Opus", "Opus in Ogg"),
        0xF1AC => ("FLAC", "a FLAC file"),
        // Without ADTS headers.
        0x00FF | 0x1600..=0x1602 | 0x1610 | 0x4143 | 0x706D | 0xA106 => ("raw AAC", "AAC in MP4"),
        _ => return None,
    })
}

/// The sound of a file.
struct Sound {
    tag: Option<u16>,
    start: u64,
    bytes: u64,
}

impl Sound {
    fn find(source: &Source) -> Option<Self> {
        let magic = read::<12>(source, 0)?;
        if !matches!(&magic[..4], b"RIFF" | b"RF64") || &magic[8..] != b"WAVE" {
            return None;
        }
        let (mut at, mut tag) = (12u64, None);
        for _ in 0..CHUNKS_MAX {
            let header = read::<8>(source, at)?; // HEADER_BYTES
            let size = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
            let body = at + HEADER_BYTES;
            match &header[..4] {
                b"fmt " => tag = format_tag(source, body, size),
                b"data" => {
                    // Some encoders never write the size.
                    let bytes = if matches!(size, 0 | u32::MAX) { u64::MAX } else { u64::from(size) };
                    return Some(Self { tag, start: body, bytes });
                }
                _ => {}
            }
            at = body + u64::from(size) + u64::from(size % 2);
        }
        None
    }
}

fn parser(tag: u16, sound: &Source) -> Option<&'static str> {
    let [mpeg, aac, ac3, dts] = PARSERS;
    match tag {
        0x0050 | 0x0055 => Some(mpeg),
        0x2000 => Some(ac3),
        0x2001 => Some(dts),
        // AAC has several tags. The packets have a length only if they have ADTS headers (ISO/IEC 14496-3, 1.A.3.2).
        0x00FF | 0x1600 | 0x4143 | 0x706D | 0xA106 => {
            let [first, second] = read::<2>(sound, 0)?;
            (first == 0xFF && second & 0xF6 == 0xF0).then_some(aac)
        }
        _ => None,
    }
}

fn format_tag(source: &Source, at: u64, size: u32) -> Option<u16> {
    let tag = u16::from_le_bytes(read(source, at)?);
    if tag != EXTENSIBLE || (size as usize) < FORMAT_BYTES {
        return Some(tag);
    }
    let [low, high, tail @ ..] = read::<16>(source, at + 24)?;
    (tail == GUID_TAIL).then_some(u16::from_le_bytes([low, high]))
}

fn read<const BYTES: usize>(source: &Source, at: u64) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    (source.read_at(at, &mut bytes).ok()? == BYTES).then_some(bytes)
}

/// Sets the times of ADPCM by its blocks. Other streams are left alone.
pub fn correct_times(pad: &gst::Pad, caps: &gst::CapsRef) {
    let Some(blocks) = Blocks::of(caps) else { return };
    let passed_bytes = Mutex::new(0u64);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer_mut() {
            let mut passed = passed_bytes.lock().unwrap_or_else(PoisonError::into_inner);
            let start = blocks.time(*passed);
            *passed += buffer.size() as u64;
            let end = blocks.time(*passed);
            let buffer = buffer.make_mut();
            buffer.set_pts(start);
            buffer.set_duration(end.saturating_sub(start));
        }
        gst::PadProbeReturn::Ok
    });
}

/// Blocks of ADPCM. Each begins with the state of the decoder, followed by four bits for each further sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Blocks {
    bytes: u64,
    samples: u64,
    rate: u64,
}

impl Blocks {
    fn of(caps: &gst::CapsRef) -> Option<Self> {
        let caps = caps.structure(0).filter(|caps| caps.name() == "audio/x-adpcm")?;
        let number = |name| u64::try_from(caps.get::<i32>(name).ok()?).ok().filter(|number| *number > 0);
        let (bytes, channels, rate) = (number("block_align")?, number("channels")?, number("rate")?);
        // Bytes of the state of one channel, and the samples in it.
        let (state_bytes, state_samples) = match caps.get::<&str>("layout").ok()? {
            "microsoft" => (7, 2),
            "dvi" => (4, 1),
            _ => return None,
        };
        let samples = bytes.checked_sub(state_bytes * channels)? * 2 / channels + state_samples;
        Some(Self { bytes, samples, rate })
    }

    /// The time of the sample behind these bytes.
    fn time(&self, bytes: u64) -> gst::ClockTime {
        let samples = u128::from(bytes) * u128::from(self.samples) / u128::from(self.bytes);
        let ns = samples * 1_000_000_000 / u128::from(self.rate);
        gst::ClockTime::from_nseconds(u64::try_from(ns).unwrap_or(i64::MAX as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::source;

    fn chunk(id: &[u8], body: &[u8]) -> Vec<u8> {
        let padding = &b"\0"[..body.len() % 2];
        [id, &(body.len() as u32).to_le_bytes(), body, padding].concat()
    }

    fn file(format: &[u8], sound: &[u8]) -> Source {
        let list = chunk(b"LIST", b"odd");
        let chunks = [chunk(b"fmt ", format), list, chunk(b"data", sound), chunk(b"id3 ", b"tail")].concat();
        source(&[b"RIFF\0\0\0\0WAVE", &chunks[..]].concat())
    }

    /// Bytes to read and the parser; `None` if wavparse reads the whole file.
    fn found(format: &[u8], sound: &[u8]) -> Option<(u64, &'static str)> {
        let file = file(format, sound);
        let (found, parser) = reader(&file, "wavparse").unwrap();
        let bytes = found.size_bytes();
        (parser != "wavparse" || bytes != file.size_bytes()).then_some((bytes, parser))
    }

    #[test]
    fn streams_with_a_parser_are_found_by_their_tag_and_cut_to_their_chunk() {
        assert_eq!(found(b"\x55\0 rest", b"\xFF\xFB sound"), Some((8, "mpegaudioparse")));
        assert_eq!(found(b"\x01\x20 rest", b"sound"), Some((5, "dcaparse")));
        assert_eq!(found(b"\xFF\0 rest", b"\xFF\xF1 adts"), Some((7, "aacparse")));
        assert_eq!(found(b"\x01\0 rest", b"PCM"), None);
        assert_eq!(found(b"", b"sound"), None);
    }

    #[test]
    fn sound_that_cannot_be_read_is_named_with_what_to_export() {
        for (format, sound, words) in [
            (
                &b"\xFF\0 rest"[..],
                &b"\x21\x1B raw"[..],
                "raw AAC in WAV cannot be read: export WAV with PCM, or AAC",
            ),
            (b"\x31\0", b"sound", "GSM 6.10 in WAV"),
            (b"\x6F\x56", b"sound", "Vorbis in WAV"),
            (b"\xAC\xF1", b"sound", "FLAC in WAV cannot be read: export WAV with PCM, or a FLAC file"),
        ] {
            let fault = reader(&file(format, sound), "wavparse").unwrap_err();
            assert_eq!(fault.code, Code::UnsupportedCodec, "{words}");
            assert!(fault.detail.starts_with(words), "{}", fault.detail);
        }
    }

    #[test]
    fn an_extensible_format_has_its_tag_in_the_guid() {
        let format = |guid: &[u8]| [b"\xFE\xFF", &[0; 22][..], guid].concat();
        let ac3 = [b"\x00\x20", &GUID_TAIL[..]].concat();
        assert_eq!(found(&format(&ac3), b"sound"), Some((5, "ac3parse")));
        assert_eq!(found(&format(&[9; 16]), b"sound"), None);
    }

    #[test]
    fn an_unwritten_size_lasts_to_the_end_and_garbage_is_left_alone() {
        let open = [b"RF64\0\0\0\0WAVE", &chunk(b"fmt ", b"\x50\0")[..], b"data\xFF\xFF\xFF\xFFabc"].concat();
        assert_eq!(reader(&source(&open), "wavparse").unwrap().0.size_bytes(), 3);
        for bytes in
            [&b""[..], b"RIFF", b"RIFF\0\0\0\0AVI fmt ", b"RIFF\0\0\0\0WAVEfmt \xFF\xFF\xFF\xFF\x55\0"]
        {
            let (found, parser) = reader(&source(bytes), "wavparse").unwrap();
            assert_eq!((found.size_bytes(), parser), (bytes.len() as u64, "wavparse"));
        }
    }

    #[test]
    fn bytes_behind_the_sound_that_are_no_chunk_are_left_out() {
        let head = [b"RIFF\0\0\0\0WAVE", &chunk(b"fmt ", b"\x01\0")[..], b"data\x03\0\0\0abc"].concat();
        let read_bytes = |tail: &[u8]| {
            let (found, parser) = reader(&source(&[&head[..], tail].concat()), "wavparse").unwrap();
            assert_eq!(parser, "wavparse");
            found.size_bytes() - head.len() as u64
        };
        assert_eq!((read_bytes(b""), read_bytes(b"\0"), read_bytes(b"\0LIST12")), (0, 0, 0));
        assert_eq!(read_bytes(b"\0LIST\0\0\0\0"), 9);
    }

    #[test]
    fn blocks_of_adpcm_have_the_samples_that_their_headers_declare() {
        gst::init().unwrap();
        let blocks = |text: &str| Blocks::of(&text.parse::<gst::Caps>().unwrap());
        let samples = |text: &str| blocks(text).map(|blocks| blocks.samples);
        let dvi = "audio/x-adpcm, layout=dvi, block_align=1024, rate=44100";
        assert_eq!(samples(&format!("{dvi}, channels=1")), Some(2_041));
        assert_eq!(samples(&format!("{dvi}, channels=2")), Some(1_017));
        let microsoft = "audio/x-adpcm, layout=microsoft, block_align=256, rate=22050, channels=1";
        assert_eq!(samples(microsoft), Some(500));
        assert_eq!(blocks(microsoft).unwrap().time(256 * 441), gst::ClockTime::from_seconds(10));
        assert_eq!(samples("audio/x-adpcm, layout=dvi, block_align=4, rate=1, channels=2"), None);
    }
}
