//! GoPro's metadata format (GPMF: github.com/gopro/gpmf-parser, "GPMF Data Format"). An item has a key, a type, the size and
//! the number of structures, and data with padding to four bytes. If the type is 0, the data are nested items.

use reelgate_flow::place::TextPlace;

use super::super::lines::Lines;
use super::super::location::checked;

/// Items read of one sample.
const ITEMS_MAX: u32 = 20_000;
/// Nesting of items: devices contain streams, and streams contain items.
const DEPTH_MAX: u32 = 5;
/// Text items that can identify the camera or its owner.
const TEXTS: [([u8; 4], &str); 5] = [
    (*b"CASN", "camera_serial_number"),
    (*b"DVNM", "device_name"),
    (*b"MINF", "device_model"),
    (*b"FMWR", "firmware"),
    (*b"OREN", "orientation"),
];

/// Adds the first position of every stream, and the texts that identify the device. It stops at broken data.
pub fn read(bytes: &[u8], place: TextPlace, lines: &mut Lines) {
    GpmfReader { place, lines, items: 0 }.nested(bytes, 0);
}

struct GpmfReader<'a> {
    place: TextPlace,
    lines: &'a mut Lines,
    items: u32,
}

struct Item<'a> {
    key: [u8; 4],
    kind: u8,
    structure_bytes: usize,
    data: &'a [u8],
}

/// Items of a stream that precede its positions and apply to them.
#[derive(Default)]
struct Stream {
    scales: Vec<f64>,
    /// 0 if the receiver had no fix.
    fix: Option<u32>,
}

impl GpmfReader<'_> {
    fn nested(&mut self, mut rest: &[u8], depth: u32) {
        let mut stream = Stream::default();
        while let Some((item, next)) = next_item(rest) {
            self.items += 1;
            if depth > DEPTH_MAX || self.items > ITEMS_MAX {
                return;
            }
            rest = next;
            match (&item.key, item.kind) {
                (_, 0) => self.nested(item.data, depth + 1),
                (b"SCAL", _) => stream.scales = integers(&item).map(f64::from).collect(),
                (b"GPSF", _) => stream.fix = integers(&item).next().and_then(|fix| u32::try_from(fix).ok()),
                (b"GPS5" | b"GPS9", _) => self.position(&item, &stream),
                (key, b'c') => self.text(key, item.data),
                _ => {}
            }
        }
    }

    /// Adds a position. Latitude and longitude come first in both formats. The fix of GPS9 is its last value, unscaled.
    fn position(&mut self, item: &Item, stream: &Stream) {
        let entry = item.data.get(..item.structure_bytes).unwrap_or_default();
        let value = |index: usize| {
            let bytes = entry.get(index * 4..index * 4 + 4)?;
            let scale =
                stream.scales.get(index).or(stream.scales.first()).copied().filter(|scale| *scale != 0.0)?;
            Some(f64::from(i32::from_be_bytes(bytes.try_into().ok()?)) / scale)
        };
        let has_fix = match (&item.key, entry) {
            (b"GPS9", [.., high, low]) => u16::from_be_bytes([*high, *low]) > 0,
            _ => stream.fix != Some(0),
        };
        let position = value(0).zip(value(1)).and_then(|(latitude, longitude)| checked(latitude, longitude));
        if let Some(position) = position.filter(|_| has_fix) {
            self.lines.add_position(&self.place, position);
        }
    }

    fn text(&mut self, key: &[u8; 4], data: &[u8]) {
        let Some((_, field)) = TEXTS.iter().find(|(known, _)| known == key) else { return };
        let text: String = data.iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
        self.lines.add_tag(field, self.place.track, &text);
    }
}

fn next_item(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (head, rest) = bytes.split_at_checked(8)?;
    let key = head[..4].try_into().ok().filter(|key| *key != [0; 4])?;
    let structure_bytes = usize::from(head[5]);
    let length = structure_bytes * usize::from(u16::from_be_bytes([head[6], head[7]]));
    let data = rest.get(..length)?;
    let item = Item { key, kind: head[4], structure_bytes, data };
    Some((item, rest.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// The values of an item of 16 or 32 bit integers.
fn integers<'a>(item: &'a Item) -> Box<dyn Iterator<Item = i32> + 'a> {
    match item.kind {
        b'l' | b'L' => {
            Box::new(item.data.chunks_exact(4).map(|b| i32::from_be_bytes([b[0], b[1], b[2], b[3]])))
        }
        b's' | b'S' => {
            Box::new(item.data.chunks_exact(2).map(|b| i32::from(i16::from_be_bytes([b[0], b[1]]))))
        }
        _ => Box::new(std::iter::empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::lines::position_place;
    use super::super::gpmf_samples::{item, sample};
    use super::*;

    fn lines(bytes: &[u8]) -> String {
        let mut lines = Lines::default();
        read(bytes, position_place(None), &mut lines);
        String::from_utf8(lines.jsonl).unwrap()
    }

    #[test]
    fn a_position_with_a_fix_and_the_device_are_found() {
        let text = lines(&sample(488_582_220, 22_945_000, 3));
        assert!(text.contains("48.858222, 2.294500") && text.contains("Hero Nine"), "{text}");
        assert!(!lines(&sample(488_582_220, 22_945_000, 0)).contains("48.858"), "no fix");
    }

    #[test]
    fn gps9_has_its_fix_in_every_value() {
        let scale: Vec<u8> = [10_000_000i32; 9].iter().flat_map(|n| n.to_be_bytes()).collect();
        let gps9 = |fix: u16| {
            let mut entry: Vec<u8> =
                [488_582_220i32, 22_945_000, 0, 0, 0, 0, 0].iter().flat_map(|n| n.to_be_bytes()).collect();
            entry.extend(100u16.to_be_bytes());
            entry.extend(fix.to_be_bytes());
            [item(b"SCAL", b'l', 4, &scale), item(b"GPS9", b'?', 32, &entry)].concat()
        };
        assert!(lines(&gps9(3)).contains("48.858222, 2.294500"));
        assert_eq!(lines(&gps9(0)), "");
    }

    #[test]
    fn data_cut_anywhere_never_panic() {
        let whole = sample(1, 2, 3);
        for length in 0..whole.len() {
            lines(&whole[..length]);
        }
        lines(&item(b"DEVC", 0, 255, &[0xff; 255]));
    }
}
