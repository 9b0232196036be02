//! Text that encoders and cameras write between the pictures, where no player shows it: supplemental messages of H.264, HEVC and VVC
//! (ITU-T H.264, Annex D; H.274), user data of MPEG-2 and MPEG-4, messages of AV1. Captions have their own reader.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use gstreamer as gst;
use reelgate_flow::surface::{NotSearched, Surface};

use super::captions::messages_in_av1;
use super::lines::{Lines, position_place};
use super::location::checked;
use super::tags::{search_bytes, search_picture};

/// Different messages read of one file. A camera may write one with each picture.
const MESSAGES_MAX: usize = 100_000;
/// Bytes read of one message.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Units read of one picture.
const UNITS_MAX: usize = 10_000;
/// Beginnings of registered messages that are captions, shapes of the picture, or measures of light.
const TECHNICAL: [&[u8]; 5] = [
    b"\xb5\x00\x31GA94",
    b"\xb5\x00\x31DTG1",
    b"\xb5\x00\x3c\x00\x01",
    b"\xb5\x00\x3b\x00\x00\x08\x00",
    b"\xb5\x00\x31\x47\x41\x39\x34",
];
/// Beginnings of user data of MPEG-2 with the same.
const TECHNICAL_MPEG2: [&[u8]; 3] = [b"GA94", b"DTG1", b"CC\x01"];
/// Identifier of the messages of camcorders, and the mark behind it.
const CAMCORDER: &[u8] = b"\x17\xee\x8c\x60\xf8\x4d\x11\xd9\x8c\xd6\x08\x00\x20\x0c\x9a\x66MDPM";

/// How the pictures of a track carry messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carrier {
    /// Units of H.264, HEVC or VVC. Their length has so many bytes; `None`: start codes are between them.
    Units(Codec, Option<usize>),
    /// Start codes of MPEG-2 or MPEG-4 part 2.
    StartCodes,
    Av1,
    /// Whole pictures: JPEG or PNG.
    Pictures,
}

/// Which units have messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    H264,
    Hevc,
    Vvc,
}

impl Carrier {
    /// By the caps of the packets.
    pub fn of(caps: &gst::CapsRef) -> Option<Self> {
        let structure = caps.structure(0)?;
        let codec = match structure.name().as_str() {
            "video/x-h264" => Codec::H264,
            "video/x-h265" => Codec::Hevc,
            "video/x-h266" => Codec::Vvc,
            "video/mpeg" | "video/x-divx" | "video/x-xvid" => return Some(Self::StartCodes),
            "video/x-av1" => return Some(Self::Av1),
            "image/jpeg" | "image/png" => return Some(Self::Pictures),
            _ => return None,
        };
        let data = codec_data(caps);
        // The last bits of a byte of the configuration say how long a length is (ISO/IEC 14496-15, 5.3.3 and 8.3.3).
        let at = if codec == Codec::H264 { 4 } else { 21 };
        let length = data.and_then(|data| data.get(at).map(|byte| usize::from(byte & 3) + 1));
        let has_start_codes = structure.get::<&str>("stream-format").ok() == Some("byte-stream");
        Some(Self::Units(codec, length.filter(|_| !has_start_codes)))
    }
}

impl Carrier {
    /// Whether a packet is a whole picture in any container.
    pub fn is_framed(self) -> bool {
        !matches!(self, Self::Units(_, None) | Self::StartCodes)
    }
}

fn codec_data(caps: &gst::CapsRef) -> Option<Vec<u8>> {
    let buffer = caps.structure(0)?.get::<gst::Buffer>("codec_data").ok()?;
    buffer.map_readable().ok().map(|bytes| bytes.to_vec())
}

/// The messages of a file so far.
#[derive(Default)]
pub struct UserData {
    seen: HashSet<u64>,
    /// The last caps of each track, and what they mean.
    carriers: HashMap<(u32, bool), (gst::Caps, Carrier)>,
}

impl UserData {
    /// Adds the texts of one packet with these caps.
    pub fn read(&mut self, caps: &gst::Caps, packet: &[u8], track: u32, lines: &mut Lines) {
        // The demuxer and the parser may use different forms.
        let is_parsed = caps.structure(0).is_some_and(|caps| caps.get::<bool>("parsed") == Ok(true));
        let known = self.carriers.get(&(track, is_parsed));
        let carrier = match known.filter(|(known, _)| known == caps) {
            Some((_, carrier)) => *carrier,
            None => {
                let Some(carrier) = Carrier::of(caps) else { return };
                self.carriers.insert((track, is_parsed), (caps.clone(), carrier));
                self.configuration(caps, carrier, track, lines);
                carrier
            }
        };
        self.packet(carrier, packet, track, lines);
    }

    /// Adds the texts of the configuration of a track, which may have messages too.
    fn configuration(&mut self, caps: &gst::CapsRef, carrier: Carrier, track: u32, lines: &mut Lines) {
        let Some(data) = codec_data(caps) else { return };
        match carrier {
            Carrier::StartCodes => self.packet(carrier, &data, track, lines),
            Carrier::Units(Codec::Hevc, _) => {
                for unit in units_of_configuration(&data) {
                    self.unit(Codec::Hevc, unit, track, lines);
                }
            }
            _ => {}
        }
    }

    fn packet(&mut self, carrier: Carrier, packet: &[u8], track: u32, lines: &mut Lines) {
        match carrier {
            Carrier::Units(codec, Some(length)) => {
                let mut rest = packet;
                for _ in 0..UNITS_MAX {
                    let Some((head, after)) = rest.split_at_checked(length) else { break };
                    let size = head.iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
                    let Some((unit, next)) = after.split_at_checked(size) else { break };
                    self.unit(codec, unit, track, lines);
                    rest = next;
                }
            }
            Carrier::Units(codec, None) => {
                for unit in start_codes(packet).take(UNITS_MAX) {
                    self.unit(codec, unit, track, lines);
                }
            }
            Carrier::StartCodes => {
                for unit in start_codes(packet).take(UNITS_MAX) {
                    if let Some(data) = unit.strip_prefix(&[0xb2])
                        && !TECHNICAL_MPEG2.iter().any(|known| data.starts_with(known))
                    {
                        self.message(data, track, lines);
                    }
                }
            }
            Carrier::Av1 => {
                for message in messages_in_av1(packet) {
                    if !TECHNICAL.iter().any(|known| message.starts_with(known)) {
                        self.message(message, track, lines);
                    }
                }
            }
            Carrier::Pictures => search_picture(packet, Some(track), lines),
        }
    }

    fn unit(&mut self, codec: Codec, unit: &[u8], track: u32, lines: &mut Lines) {
        let Some(first) = unit.first() else { return };
        let (kind, head) = match codec {
            Codec::H264 => (first & 0x1f, 1),
            Codec::Hevc => ((first >> 1) & 0x3f, 2),
            Codec::Vvc => (unit.get(1).map_or(0, |second| second >> 3), 2),
        };
        let (is_message, is_free) = match codec {
            Codec::H264 => (kind == 6, matches!(kind, 0 | 12 | 16..=18 | 22..=31)),
            // Units 62 and 63 are layers of Dolby Vision.
            Codec::Hevc => (matches!(kind, 39 | 40), matches!(kind, 38 | 41..=61)),
            Codec::Vvc => (matches!(kind, 23 | 24), matches!(kind, 25..=31)),
        };
        if !is_message && !is_free {
            return;
        }
        let body = unit.get(head..).unwrap_or_default();
        let body = without_emulation_prevention(&body[..body.len().min(MESSAGE_BYTES_MAX)]);
        if is_free {
            let is_filler = body.iter().all(|byte| *byte == 0xff || *byte == 0x80);
            if !is_filler {
                self.message(&body, track, lines);
            }
            return;
        }
        for (kind, payload) in payloads(&body) {
            match kind {
                5 if payload.starts_with(CAMCORDER) => camcorder(&payload[CAMCORDER.len()..], track, lines),
                5 => self.message(payload.get(16..).unwrap_or(payload), track, lines),
                4 if TECHNICAL.iter().any(|known| payload.starts_with(known)) => {}
                // 3 is filler. Kinds above those that are assigned are anyone's.
                3 | 4 | 213.. => self.message(payload, track, lines),
                _ => {}
            }
        }
    }

    /// Adds the text of one message, once.
    fn message(&mut self, payload: &[u8], track: u32, lines: &mut Lines) {
        let mut hasher = DefaultHasher::new();
        payload.hash(&mut hasher);
        if self.seen.len() >= MESSAGES_MAX {
            lines.record_gap(Surface::Tags, Some(track), NotSearched::LimitReached);
        } else if self.seen.insert(hasher.finish()) {
            search_bytes(payload, "user_data", Some(track), lines);
        }
    }
}

/// The payloads of a message unit: kind and size, of which each byte 255 continues the number, then data (7.3.2.3.1).
fn payloads(mut rest: &[u8]) -> Vec<(u32, &[u8])> {
    let mut found = Vec::new();
    // The last byte only ends the unit.
    while rest.len() > 2 && found.len() < UNITS_MAX {
        let Some((kind, after)) = number(rest) else { break };
        let Some((size, after)) = number(after) else { break };
        let size = (size as usize).min(after.len());
        let (payload, next) = after.split_at(size);
        found.push((kind, payload));
        rest = next;
    }
    found
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let ones = bytes.iter().take_while(|byte| **byte == 255).count();
    let last = *bytes.get(ones)?;
    let value = u32::try_from(ones).ok()?.checked_mul(255)?.checked_add(last.into())?;
    Some((value, &bytes[ones + 1..]))
}

/// Removes the third byte of each 00 00 03 (7.4.1).
fn without_emulation_prevention(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut zeros = 0;
    for byte in bytes {
        if *byte == 3 && zeros >= 2 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        kept.push(*byte);
    }
    kept
}

/// What is between the start codes 00 00 01.
fn start_codes(packet: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_code = |bytes: &[u8]| bytes == [0, 0, 1];
    let mut rest = packet.windows(3).position(is_code).map(|at| &packet[at + 3..]);
    std::iter::from_fn(move || {
        let unit = rest?;
        let end = unit.windows(3).position(is_code);
        rest = end.map(|end| &unit[end + 3..]);
        Some(end.map_or(unit, |end| &unit[..end]))
    })
}

/// The units in the configuration of HEVC (ISO/IEC 14496-15, 8.3.3.1): arrays of one kind each.
fn units_of_configuration(data: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let Some((arrays, mut rest)) = data.get(22..).and_then(<[u8]>::split_first) else { return found };
    for _ in 0..*arrays {
        let [_, high, low, after @ ..] = rest else { return found };
        rest = after;
        for _ in 0..u16::from_be_bytes([*high, *low]) {
            let [high, low, after @ ..] = rest else { return found };
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some((unit, next)) = after.split_at_checked(length) else { return found };
            found.push(unit);
            rest = next;
        }
    }
    found
}

/// The entries of a camcorder's message: a count, then a tag and four bytes each. Tags 0xb0 to 0xb8 are the position, as Exif has
/// it: hemisphere, then degrees, minutes and seconds as fractions of 16 bits.
fn camcorder(entries: &[u8], track: u32, lines: &mut Lines) {
    let Some((count, entries)) = entries.split_first() else { return };
    let entries = entries.chunks_exact(5).take(usize::from(*count));
    let mut values: [Option<[u8; 4]>; 256] = [None; 256];
    for entry in entries {
        values[usize::from(entry[0])] = entry[1..].try_into().ok();
    }
    let angle = |first: usize, negative: u8| {
        let part = |tag: usize| {
            let [a, b, c, d] = values[tag]?;
            let (over, under) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            (under != 0).then(|| f64::from(over) / f64::from(under))
        };
        let degrees = part(first + 1)?
            + part(first + 2).unwrap_or(0.0) / 60.0
            + part(first + 3).unwrap_or(0.0) / 3_600.0;
        Some(if values[first]?[0] == negative { -degrees } else { degrees })
    };
    if let (Some(latitude), Some(longitude)) = (angle(0xb1, b'S'), angle(0xb5, b'W'))
        && let Some(position) = checked(latitude, longitude)
    {
        lines.add_position(&position_place(Some(track)), position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: [u8; 16] = *b"0123\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c";

    fn payload(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend(vec![255; body.len() / 255]);
        bytes.push((body.len() % 255) as u8);
        [bytes, body.to_vec()].concat()
    }

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [payload(kind, body), vec![0x80]].concat()
    }

    fn collected(carrier: Carrier, packets: &[Vec<u8>]) -> String {
        let (mut data, mut lines) = (UserData::default(), Lines::default());
        packets.iter().for_each(|packet| data.packet(carrier, packet, 3, &mut lines));
        String::from_utf8(lines.jsonl).unwrap()
    }

    fn unregistered(text: &[u8]) -> Vec<u8> {
        message(5, &[&UUID[..], text].concat())
    }

    #[test]
    fn messages_of_every_codec_are_read_and_their_captions_are_not() {
        let captions = message(4, b"\xb5\x00\x31GA94\x03captions have their own reader");
        let registered = message(4, b"\xb5\x00\x99text of a maker");
        let long = unregistered(&[b"long ".repeat(100), b"jane@x.org".to_vec()].concat());
        for (codec, head, free) in [
            (Codec::H264, &[6][..], &[30][..]),
            (Codec::Hevc, &[78, 1], &[50 << 1, 1]),
            (Codec::Vvc, &[0, 23 << 3], &[0, 28 << 3]),
        ] {
            let units: Vec<Vec<u8>> =
                [&captions, &registered, &long].map(|body| [head, body].concat()).to_vec();
            let units = [
                units,
                vec![[free, b"text in a free unit"].concat(), [&[1][..], b"a picture has no text"].concat()],
            ]
            .concat();
            let with_lengths: Vec<u8> = units
                .iter()
                .flat_map(|unit| [&(unit.len() as u32).to_be_bytes()[..], unit].concat())
                .collect();
            let with_codes: Vec<u8> = units.iter().flat_map(|unit| [&[0, 0, 1][..], unit].concat()).collect();
            for (carrier, packet) in
                [(Carrier::Units(codec, Some(4)), with_lengths), (Carrier::Units(codec, None), with_codes)]
            {
                let text = collected(carrier, &[packet.clone(), packet]);
                for value in ["text of a maker", "jane@x.org", "text in a free unit"] {
                    assert_eq!(text.matches(value).count(), 1, "{codec:?} {value}: {text}");
                }
                assert!(!text.contains("own reader") && !text.contains("a picture"), "{text}");
            }
        }
    }

    #[test]
    fn user_data_between_start_codes_and_emulation_prevention_are_read() {
        let packet =
            b"\0\0\x01\xb3head\0\0\x01\xb2operator Ann Lee\0\0\x01\xb2GA94\x03captions\0\0\x01\0picture"
                .to_vec();
        let text = collected(Carrier::StartCodes, &[packet]);
        assert!(text.contains("operator Ann Lee") && !text.contains("captions"), "{text}");
        assert_eq!(without_emulation_prevention(&[1, 0, 0, 3, 1, 0, 0, 3, 3]), [1, 0, 0, 1, 0, 0, 3]);
    }

    #[test]
    fn the_position_of_a_camcorder_is_read() {
        let entry =
            |tag: u8, over: u16, under: u16| [&[tag][..], &over.to_be_bytes(), &under.to_be_bytes()].concat();
        let entries = [
            vec![0xb1, b'N', 0, 0, 0],
            entry(0xb2, 48, 1),
            entry(0xb3, 30, 1),
            entry(0xb4, 0, 1),
            vec![0xb5, b'W', 0, 0, 0],
            entry(0xb6, 2, 1),
            entry(0xb7, 15, 1),
            entry(0xb8, 0, 1),
        ];
        let body = [CAMCORDER, &[8], &entries.concat()].concat();
        let unit = [&[6][..], &message(5, &body)].concat();
        let packet = [&[unit.len() as u8][..], &unit].concat();
        let text = collected(Carrier::Units(Codec::H264, Some(1)), &[packet]);
        assert!(text.contains("48.500000, -2.250000"), "{text}");
    }

    #[test]
    fn a_message_in_the_configuration_of_hevc_is_read() {
        gst::init().unwrap();
        let unit = [&[78, 1][..], &unregistered(b"x265 of Ann Lee")].concat();
        let mut data = vec![0; 22];
        data.extend([1, 39, 0, 1, 0, unit.len() as u8]);
        data.extend(&unit);
        let caps =
            gst::Caps::builder("video/x-h265").field("codec_data", gst::Buffer::from_slice(data)).build();
        let (mut read, mut lines) = (UserData::default(), Lines::default());
        read.read(&caps, &[], 0, &mut lines);
        assert!(String::from_utf8(lines.jsonl).unwrap().contains("x265 of Ann Lee"));
        assert_eq!(Carrier::of(&caps), Some(Carrier::Units(Codec::Hevc, Some(1))));
    }

    #[test]
    fn too_many_messages_are_a_gap() {
        let (mut data, mut lines) = (UserData::default(), Lines::default());
        for n in 0..=MESSAGES_MAX as u32 {
            data.message(&n.to_be_bytes(), 0, &mut lines);
        }
        assert_eq!(lines.reports()[0].gaps[0].why, NotSearched::LimitReached);
    }

    #[test]
    fn packets_cut_or_changed_anywhere_never_panic() {
        let unit = [&[6][..], &unregistered(b"text"), &[0, 0, 3, 0, 0, 1, 6, 255, 255]].concat();
        for carrier in [
            Carrier::Units(Codec::H264, Some(1)),
            Carrier::Units(Codec::Hevc, None),
            Carrier::StartCodes,
            Carrier::Av1,
            Carrier::Pictures,
        ] {
            for at in 0..unit.len() {
                for byte in 0..=255 {
                    let mut changed = unit.clone();
                    changed[at] = byte;
                    collected(carrier, &[changed[..at].to_vec(), changed]);
                }
            }
        }
        let (mut data, mut lines) = (UserData::default(), Lines::default());
        let camcorder = [CAMCORDER, &[255, 0xb1, 1]].concat();
        data.unit(Codec::H264, &[&[6][..], &message(5, &camcorder)].concat(), 0, &mut lines);
        (0..60).for_each(|length| drop(units_of_configuration(&vec![0xff; length])));
    }
}
