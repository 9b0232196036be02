//! Reads IPTC data sets, which editors of pictures write: authors, places, how to reach someone (IPTC-NAA IIM, 6).

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::Lines;
use super::value::{plain_text, utf8_or_latin};

/// Names of IPTC data sets of record 2 that are about people and places (IPTC-NAA IIM, 6).
const IPTC_NAMES: [(u8, &str); 10] = [
    (5, "title"),
    (25, "keywords"),
    (80, "author"),
    (90, "city"),
    (92, "location_name"),
    (101, "country"),
    (110, "credit"),
    (116, "copyright"),
    (118, "contact"),
    (120, "description"),
];

/// Adds the texts of IPTC data sets: 0x1c, record, number, length, value.
pub fn collect(mut rest: &[u8], track: Option<u32>, lines: &mut Lines) {
    while let [0x1c, record, number, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        // Lengths above 32 KiB have another form, which no text needs.
        let Some(value) = after.get(..length).filter(|_| high & 0x80 == 0) else {
            return lines.record_gap(Surface::Tags, track, NotSearched::Damaged);
        };
        let known = IPTC_NAMES.iter().find(|(known, _)| known == number && *record == 2);
        let text = utf8_or_latin(value);
        if plain_text(text.as_bytes()).is_some() {
            lines.add_tag(known.map_or("iptc", |(_, name)| name), track, &text);
        }
        rest = &after[length..];
    }
}
