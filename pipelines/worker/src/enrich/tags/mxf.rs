//! Searches the packets of an MXF file that have no essence (SMPTE ST 377-1, 6 and 9): header metadata, whose texts are in UTF-16,
//! descriptive schemes, XML of makers, and filling.

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;
use super::printable::{Budget, search};
use super::value::{Damaged, Window};
use crate::source::Source;

/// Packets read: a day of pictures, sound and system data.
const PACKETS_MAX: u32 = 20_000_000;
/// Bytes in front of the first packet (6.5).
const RUN_IN_BYTES_MAX: u64 = 65_536;
/// The beginning of every key.
const LABEL: [u8; 4] = [0x06, 0x0e, 0x2b, 0x34];

/// Adds every text of the packets without essence.
pub fn collect(source: &Source, lines: &mut Lines) -> Result<(), Damaged> {
    let mut window = Window::new(source);
    let mut budget = Budget::default();
    let end = source.size_bytes();
    let first = (0..RUN_IN_BYTES_MAX.min(end)).find(|at| window.array(*at) == Some(LABEL)).ok_or(Damaged)?;
    search(source, (0, first), ("file_header", None), &mut budget, lines);
    let mut at = first;
    for _ in 0..PACKETS_MAX {
        if at >= end {
            return Ok(());
        }
        let Some((key, body, length)) = packet(&mut window, at) else {
            search(source, (at, end), ("file_tail", None), &mut budget, lines);
            return Ok(());
        };
        let stop = body.saturating_add(length).min(end);
        match kind(&key) {
            Kind::Technical => {}
            Kind::Filling => search(source, (body, stop), ("free_space", None), &mut budget, lines),
            Kind::Metadata => search(source, (body, stop), ("header_metadata", None), &mut budget, lines),
        }
        at = stop;
    }
    lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
    Ok(())
}

/// The key, where the value begins, and its length.
fn packet(window: &mut Window, at: u64) -> Option<([u8; 16], u64, u64)> {
    let key = window.array::<16>(at).filter(|key| key.starts_with(&LABEL))?;
    let [first] = window.array::<1>(at + 16)?;
    if first < 0x80 {
        return Some((key, at + 17, first.into()));
    }
    let bytes = usize::from(first & 0x7f);
    let length = window.get(at + 17, bytes).filter(|length| (1..=8).contains(&length.len()))?;
    let length = length.iter().fold(0u64, |length, byte| length << 8 | u64::from(*byte));
    Some((key, at + 17 + bytes as u64, length))
}

enum Kind {
    /// Essence, indexes, partitions, lists of keys.
    Technical,
    Filling,
    Metadata,
}

fn kind(key: &[u8; 16]) -> Kind {
    // The eighth byte is a version.
    match (key[4], &key[8..13], key[13]) {
        (0x01, [0x03, 0x01, 0x02, 0x10, 0x01], _) => Kind::Filling,
        (_, [0x0d, 0x01, 0x03, 0x01, _], _) => Kind::Technical,
        (0x02, [0x0d, 0x01, 0x02, 0x01, 0x01], 0x02..=0x05 | 0x10 | 0x11) => Kind::Technical,
        _ => Kind::Metadata,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn packet(key: [u8; 12], body: &[u8]) -> Vec<u8> {
        [&LABEL[..], &key, &[0x83, 0, (body.len() >> 8) as u8, body.len() as u8], body].concat()
    }

    fn file() -> Vec<u8> {
        let wide: Vec<u8> = "Ann Lee's camera".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let set = [&[0x3c, 0x01, 0, 32][..], &wide].concat();
        [
            b"text of a run-in".to_vec(),
            packet([2, 5, 1, 1, 0x0d, 1, 2, 1, 1, 2, 4, 0], b"a partition has no text"),
            packet([2, 0x53, 1, 1, 0x0d, 1, 1, 1, 1, 1, 0x30, 0], &set),
            packet([1, 1, 1, 2, 3, 1, 2, 0x10, 1, 0, 0, 0], b"\0\0text in the filling\0"),
            packet([1, 2, 1, 1, 0x0d, 1, 3, 1, 0x15, 1, 5, 0], b"essence has no text"),
            packet([1, 1, 1, 0x0c, 0x0d, 1, 5, 9, 1, 0, 0, 0], b"<Owner>Bob B.</Owner>"),
            b"behind the last packet".to_vec(),
        ]
        .concat()
    }

    fn collected(file: &[u8]) -> String {
        samples::collected(collect, file).0
    }

    #[test]
    fn metadata_filling_and_the_tail_are_read_and_essence_is_not() {
        let text = collected(&file());
        let expected = [
            ("file_header", "text of a run-in"),
            ("header_metadata", "Ann Lee's camera"),
            ("free_space", "text in the filling"),
            ("header_metadata", "<Owner>Bob B.</Owner>"),
            ("file_tail", "behind the last packet"),
        ];
        samples::assert_lines(&text, &expected);
        assert!(!text.contains("has no text"), "{text}");
    }

    #[test]
    fn packets_cut_or_changed_anywhere_never_panic() {
        let whole = file();
        for at in 0..whole.len() {
            collected(&whole[..at]);
            for byte in [0x00, 0x7f, 0x88, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                collected(&changed);
            }
        }
    }
}
