//! Searches the packets of an MPEG program stream that have neither sound nor pictures (ISO/IEC 13818-1, 2.5): the stream map,
//! padding, private data, and whatever is no packet.

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;
use super::printable::{Budget, search};
use super::value::{Damaged, Window};
use crate::source::Source;

/// Packets read. A packet has about two kilobytes.
const PACKETS_MAX: u32 = 50_000_000;
/// Bytes that are no packet and are looked through for the next.
const RESYNC_BYTES_MAX: u64 = 4 << 20;

/// Adds every text of the packets without media.
pub fn collect(source: &Source, lines: &mut Lines) -> Result<(), Damaged> {
    let mut window = Window::new(source);
    let mut budget = Budget::default();
    let end = source.size_bytes();
    let mut at = 0;
    for _ in 0..PACKETS_MAX {
        if at >= end {
            return Ok(());
        }
        let Some((kind, next)) = packet(&mut window, at) else {
            let until = end.min(at.saturating_add(RESYNC_BYTES_MAX));
            let next = (at + 1..until).find(|at| packet(&mut window, *at).is_some()).unwrap_or(until);
            search(source, (at, next), ("between_packets", None), &mut budget, lines);
            at = next;
            continue;
        };
        let next = next.min(end);
        let field = match kind {
            0xbc => Some("stream_map"),
            0xbe => Some("padding"),
            // ECM, EMM, private data, DSM-CC, other streams, directory. 0xbd has subtitles and sound.
            0xbf | 0xf0..=0xf9 | 0xff => Some("private_data"),
            _ => None,
        };
        if let Some(field) = field {
            search(source, (at + 6, next), (field, None), &mut budget, lines);
        }
        at = next;
    }
    lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
    Ok(())
}

/// The kind of the packet at a place, and where it ends; `None` if none begins there.
fn packet(window: &mut Window, at: u64) -> Option<(u8, u64)> {
    let [0, 0, 1, kind] = window.array::<4>(at)? else { return None };
    let end = match kind {
        0xb9 => at + 4,
        0xba => {
            let [first] = window.array::<1>(at + 4)?;
            match first >> 4 {
                0b0010 => at + 12, // MPEG-1
                _ => {
                    let [last] = window.array::<1>(at + 13)?;
                    at + 14 + u64::from(last & 7)
                }
            }
        }
        0xbb.. => at + 6 + u64::from(u16::from_be_bytes(window.array(at + 4)?)),
        _ => return None,
    };
    Some((kind, end))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[0, 0, 1, kind][..], &(body.len() as u16).to_be_bytes(), body].concat()
    }

    fn file() -> Vec<u8> {
        [
            b"\0\0\x01\xba\x44\0\x04\0\x04\x01\x01\x89\xc3\xf8".to_vec(),
            packet(0xbc, b"\xe0\xffmap of Ann Lee"),
            packet(0xe0, b"\x81\0\0pictures have no text"),
            packet(0xbe, b"\xff\xfftext in padding\xff"),
            packet(0xbf, b"\0private text of Bob"),
            b"between two packets".to_vec(),
            b"\0\0\x01\xba\x21\0\x01\0\x01\x80\x01\x01".to_vec(),
            b"\0\0\x01\xb9behind the end".to_vec(),
        ]
        .concat()
    }

    fn collected(file: &[u8]) -> String {
        samples::collected(collect, file).0
    }

    #[test]
    fn packets_without_media_and_what_is_no_packet_are_read() {
        let text = collected(&file());
        let expected = [
            ("stream_map", "map of Ann Lee"),
            ("padding", "text in padding"),
            ("private_data", "private text of Bob"),
            ("between_packets", "between two packets"),
            ("between_packets", "behind the end"),
        ];
        samples::assert_lines(&text, &expected);
        assert!(!text.contains("have no text"), "{text}");
    }

    #[test]
    fn packets_cut_or_changed_anywhere_never_panic() {
        let whole = file();
        for at in 0..whole.len() {
            collected(&whole[..at]);
            for byte in 0..=255 {
                let mut changed = whole.clone();
                changed[at] = byte;
                collected(&changed);
            }
        }
    }
}
