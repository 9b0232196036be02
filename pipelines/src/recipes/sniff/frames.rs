//! Formats without a signature, recognised by frames or packets that repeat at the right distance.

use reelgate_flow::facts::Container;

const TS_SYNC: u8 = 0x47;
/// Packets that must follow one another. If the upload is shorter, at least two.
const TS_PACKETS: usize = 5;
/// Audio frames that must follow one another, as far as the prefix reaches.
const AUDIO_FRAMES: usize = 3;
const ID3_HEADER_BYTES: usize = 10;

/// MPEG transport stream (ISO/IEC 13818-1, 2.4.3.2), packets of 188 bytes or of 192 with a leading
/// time code (Blu-ray, AVCHD). The upload may begin in the middle of a packet.
pub fn transport_stream(prefix: &[u8]) -> bool {
    [188, 192].into_iter().any(|stride| (0..stride).any(|start| packets_from(prefix, start, stride)))
}

fn packets_from(prefix: &[u8], start: usize, stride: usize) -> bool {
    let heads =
        (start..prefix.len()).step_by(stride).filter_map(|at| prefix.get(at..at + 4)).take(TS_PACKETS);
    let mut count = 0;
    for head in heads {
        // Adaptation field control 00 is reserved. The check also excludes a text of only `G`.
        if head[0] != TS_SYNC || head[3] & 0x30 == 0 {
            return false;
        }
        count += 1;
    }
    count >= 2 && (count == TS_PACKETS || start <= 4)
}

/// MPEG audio, ADTS or FLAC, with or without leading ID3v2 tags.
pub fn audio(prefix: &[u8], size_bytes: u64) -> Option<Container> {
    let mut rest = prefix;
    let mut tagged = false;
    while let Some(bytes) = id3_bytes(rest) {
        tagged = true;
        let Some(after) = rest.get(bytes..) else {
            // The tag, perhaps with a cover picture, reaches past the prefix. Such tags belong to MPEG audio, and the
            // demuxer for it accepts nothing else.
            let fits = u64::try_from(prefix.len() - rest.len() + bytes).is_ok_and(|end| end < size_bytes);
            return fits.then_some(Container::Mp3);
        };
        rest = after;
    }
    if tagged {
        // Tags are often padded with zeros beyond their stated size.
        let padding = rest.iter().take_while(|byte| **byte == 0).count();
        rest = rest.get(padding..)?;
    }
    if rest.starts_with(b"fLaC") {
        return Some(Container::Flac);
    }
    if run(rest, mpeg_audio) {
        return Some(Container::Mp3);
    }
    run(rest, adts).then_some(Container::Adts)
}

/// Size of the ID3v2 tag at the beginning, header and footer included (ID3v2.4 structure, 3.1).
fn id3_bytes(bytes: &[u8]) -> Option<usize> {
    let header = bytes.first_chunk::<ID3_HEADER_BYTES>()?;
    let [b'I', b'D', b'3', version @ 2..=4, revision, flags, size @ ..] = *header else { return None };
    if revision == 0xFF || version == 0xFF || size.iter().any(|byte| *byte >= 0x80) {
        return None;
    }
    let size = size.iter().fold(0_usize, |sum, byte| (sum << 7) | usize::from(*byte));
    let footer = if flags & 0x10 == 0 { 0 } else { ID3_HEADER_BYTES };
    Some(ID3_HEADER_BYTES + size + footer)
}

/// The header bits that must agree between neighbouring frames, and the length in bytes.
struct Frame {
    fixed: [u8; 3],
    length: usize,
}

/// Whether frames of one kind follow one another: at least two, and up to [`AUDIO_FRAMES`] if the prefix is long
/// enough.
fn run(bytes: &[u8], frame: fn(&[u8]) -> Option<Frame>) -> bool {
    let Some(first) = frame(bytes) else { return false };
    let mut at = first.length;
    for count in 1..AUDIO_FRAMES {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.len() < 7 {
            return count >= 2;
        }
        match frame(rest) {
            Some(next) if next.fixed == first.fixed => at += next.length,
            _ => return false,
        }
    }
    true
}

/// MPEG audio frame header (ISO/IEC 11172-3, 2.4.1.3; ISO/IEC 13818-3 for the lower rates). Free-format
/// frames do not state their length and are not accepted.
fn mpeg_audio(bytes: &[u8]) -> Option<Frame> {
    const RATES_HZ: [usize; 3] = [44_100, 48_000, 32_000];
    const V1_KBPS: [[usize; 15]; 3] = [
        [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    ];
    const V2_KBPS: [[usize; 15]; 2] = [
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    let [a, b, c, _] = *bytes.first_chunk::<4>()?;
    if a != 0xFF || b & 0xE0 != 0xE0 {
        return None;
    }
    // Version 3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5, 1 is reserved.
    let version = (b >> 3) & 3;
    // Layer number, 1 to 3; the code 0 is reserved.
    let layer = 4_usize.checked_sub(usize::from((b >> 1) & 3)).filter(|layer| *layer < 4)?;
    let divisor = match version {
        3 => 1,
        2 => 2,
        0 => 4,
        _ => return None,
    };
    let rate_hz = RATES_HZ.get(usize::from((c >> 2) & 3))? / divisor;
    let kbps_of = if version == 3 { &V1_KBPS[layer - 1] } else { &V2_KBPS[usize::from(layer > 1)] };
    let kbps = *kbps_of.get(usize::from(c >> 4)).filter(|kbps| **kbps > 0)?;
    let padding = usize::from((c >> 1) & 1);
    let length = match (layer, version) {
        (1, _) => (12_000 * kbps / rate_hz + padding) * 4,
        (3, 0 | 2) => 72_000 * kbps / rate_hz + padding,
        _ => 144_000 * kbps / rate_hz + padding,
    };
    Some(Frame { fixed: [a, b & 0xFE, c & 0x0C], length })
}

/// ADTS header (ISO/IEC 13818-7, 6.2; ISO/IEC 14496-3, 1.A.2.2).
fn adts(bytes: &[u8]) -> Option<Frame> {
    let [a, b, c, d, e, f, _] = *bytes.first_chunk::<7>()?;
    let rate_index = (c >> 2) & 0x0F;
    if a != 0xFF || b & 0xF6 != 0xF0 || rate_index > 12 {
        return None;
    }
    let length = (usize::from(d & 3) << 11) | (usize::from(e) << 3) | usize::from(f >> 5);
    let header_bytes = if b & 1 == 0 { 9 } else { 7 };
    (length > header_bytes).then_some(Frame { fixed: [a, b, c], length })
}
