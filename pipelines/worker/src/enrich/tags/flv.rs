//! Reads script data of Flash video (Adobe Flash Video File Format, E.4.4): values in AMF0 that players never show, such as who
//! operated the encoder, and cues with text.

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::{Lines, position_place};
use super::super::location::checked;
use super::printable::{Budget, search, search_bytes};
use super::value::{Damaged, Window, read, utf8_or_latin};
use crate::source::Source;

/// Tags read. A tag is a picture or a packet of sound: a day of them.
const TAGS_MAX: u32 = 10_000_000;
/// Bytes read of one tag with script data.
const SCRIPT_BYTES_MAX: usize = 4 << 20;
/// Values read of one tag.
const VALUES_MAX: usize = 100_000;
/// Nesting of objects.
const DEPTH_MAX: u32 = 16;
/// So many digits may be a number of a card, a phone, a customer.
const NUMBER_MIN: f64 = 1_000_000.0;
/// Numbers that describe the file.
const TECHNICAL: [&str; 8] = [
    "filesize",
    "videosize",
    "audiosize",
    "datasize",
    "lasttimestamp",
    "lastkeyframelocation",
    "lastkeyframetimestamp",
    "duration",
];

/// Adds every text of every script tag, and what follows the last tag.
pub fn collect(source: &Source, lines: &mut Lines) -> Result<(), Damaged> {
    let mut window = Window::new(source);
    let mut budget = Budget::default();
    let head = window.array::<9>(0).ok_or(Damaged)?;
    let first = u64::from(u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
    search(source, (9, first), ("file_header", None), &mut budget, lines);
    let mut at = first.saturating_add(4);
    for _ in 0..TAGS_MAX {
        let Some(head) = window.array::<11>(at) else { break };
        let size = u32::from_be_bytes([0, head[1], head[2], head[3]]);
        let (body, end) = (at + 11, at + 11 + u64::from(size));
        // The stream number is always zero. Anything else is no tag.
        if head[8..11] != [0; 3] || end > source.size_bytes() {
            break;
        }
        match head[0] & 0x3f {
            8 | 9 => {}
            15 | 18 => {
                let bytes = read(source, body, end, SCRIPT_BYTES_MAX)?;
                let bytes = if head[0] & 0x1f == 15 { bytes.get(1..).unwrap_or_default() } else { &bytes };
                let mut script = Script { rest: bytes, lines, values: 0, pair: (None, None) };
                if script.read().is_none() {
                    // What is left of a damaged value may still be text.
                    search_bytes(bytes, "script_data", None, lines);
                    lines.record_gap(Surface::Tags, None, NotSearched::Damaged);
                }
                if size as usize > SCRIPT_BYTES_MAX {
                    lines.record_gap(Surface::Tags, None, NotSearched::LimitReached);
                }
            }
            _ => search(source, (body, end), ("unknown_data", None), &mut budget, lines),
        }
        at = end + 4;
    }
    let tail = (at.min(source.size_bytes()), source.size_bytes());
    search(source, tail, ("file_tail", None), &mut budget, lines);
    Ok(())
}

struct Script<'a> {
    rest: &'a [u8],
    lines: &'a mut Lines,
    values: usize,
    pair: (Option<f64>, Option<f64>),
}

impl<'a> Script<'a> {
    /// All values of the tag; `None` if one is cut or nested too deep.
    fn read(&mut self) -> Option<()> {
        // The name of the script is the first value: `onMetaData`.
        while !self.rest.is_empty() {
            // Some writers end the tag with the mark of an object's end.
            if matches!(self.rest, [9] | [0, 0, 9]) {
                break;
            }
            self.value("script", 0)?;
        }
        if let (Some(latitude), Some(longitude)) = self.pair
            && let Some(position) = checked(latitude, longitude)
        {
            self.lines.add_position(&position_place(None), position);
        }
        Some(())
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn string(&mut self, is_long: bool) -> Option<String> {
        let length = match is_long {
            true => usize::try_from(u32::from_be_bytes(self.array()?)).ok()?,
            false => usize::from(u16::from_be_bytes(self.array()?)),
        };
        self.take(length).map(utf8_or_latin)
    }

    /// One value by its marker (AMF0, 2.1).
    fn value(&mut self, name: &str, depth: u32) -> Option<()> {
        self.values += 1;
        if self.values > VALUES_MAX || depth > DEPTH_MAX {
            return None;
        }
        match self.array::<1>()?[0] {
            0x00 => {
                let number = f64::from_be_bytes(self.array()?);
                self.number(name, number);
            }
            0x01 => drop(self.take(1)?),
            0x02 => self.text(name, false)?,
            0x0c | 0x0f => self.text(name, true)?,
            0x03 => self.object(depth)?,
            0x05 | 0x06 | 0x0d => {}
            0x07 => drop(self.take(2)?),
            0x08 => {
                self.take(4)?; // the count is a hint: an end mark counts
                self.object(depth)?;
            }
            0x0a => {
                let count = u32::from_be_bytes(self.array()?);
                for _ in 0..count {
                    // Numbers in a list are times and positions of keyframes.
                    match self.rest.first()? {
                        0x00 => drop(self.take(9)?),
                        _ => self.value(name, depth + 1)?,
                    }
                }
            }
            0x0b => drop(self.take(10)?),
            0x10 => {
                let class = self.string(false)?;
                self.lines.add_tag("script_class", None, &class);
                self.object(depth)?;
            }
            _ => return None,
        }
        Some(())
    }

    fn object(&mut self, depth: u32) -> Option<()> {
        loop {
            let key = self.string(false)?;
            if key.is_empty() && self.rest.first() == Some(&0x09) {
                self.take(1)?;
                return Some(());
            }
            if key.contains('@') || key.bytes().filter(u8::is_ascii_digit).count() >= 6 || key.len() > 32 {
                self.lines.add_tag("script_key", None, &key);
            }
            // Arrays may end with the tag.
            if self.rest.is_empty() {
                return Some(());
            }
            self.value(&key, depth + 1)?;
        }
    }

    fn text(&mut self, name: &str, is_long: bool) -> Option<()> {
        let text = self.string(is_long)?;
        self.lines.add_tag(name, None, &text);
        Some(())
    }

    fn number(&mut self, name: &str, number: f64) {
        let lower = name.to_ascii_lowercase();
        if lower.contains("latitude") || lower == "lat" {
            self.pair.0 = Some(number);
        } else if lower.contains("longitude") || matches!(lower.as_str(), "lon" | "lng") {
            self.pair.1 = Some(number);
        } else if number.abs() >= NUMBER_MIN && number.fract() == 0.0 && !TECHNICAL.contains(&lower.as_str())
        {
            self.lines.add_tag(name, None, &format!("{number:.0}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn tag(kind: u8, body: &[u8]) -> Vec<u8> {
        let size = &(body.len() as u32).to_be_bytes()[1..];
        let previous = (body.len() as u32 + 11).to_be_bytes();
        [&[kind], size, &[0; 7], body, &previous].concat()
    }

    fn string(text: &str) -> Vec<u8> {
        [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
    }

    fn pair(key: &str, value: &[u8]) -> Vec<u8> {
        [&string(key), value].concat()
    }

    fn text(text: &str) -> Vec<u8> {
        [vec![2], string(text)].concat()
    }

    fn number(number: f64) -> Vec<u8> {
        [&[0][..], &number.to_be_bytes()].concat()
    }

    fn file() -> Vec<u8> {
        let inner = [&[3][..], &pair("mail", &text("ann@x.org")), &[0, 0, 9]].concat();
        let list = [&[0x0a, 0, 0, 0, 2][..], &text("Bob in a list"), &number(1e9)].concat();
        let long = [&[0x0c, 0, 0, 0, 9][..], b"long text"].concat();
        let metadata = [
            text("onMetaData"),
            vec![8, 0, 0, 0, 9],
            pair("width", &number(640.0)),
            pair("operator", &inner),
            pair("crew", &list),
            pair("card", &number(4_539_578_763_621_486.0)),
            pair("filesize", &number(352_732_000.0)),
            pair("latitude", &number(48.858222)),
            pair("longitude", &number(2.2945)),
            pair("note", &long),
            pair("jane@x.org", &[5]),
            vec![0, 0, 9],
        ]
        .concat();
        [
            b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec(),
            tag(18, &metadata),
            tag(9, b"pictures have no text"),
            tag(18, &[text("onTextData"), text("a second script")].concat()),
            tag(20, b"an unknown tag"),
            b"behind the last tag".to_vec(),
        ]
        .concat()
    }

    fn collected(file: &[u8]) -> (String, bool) {
        samples::collected(collect, file)
    }

    #[test]
    fn every_string_key_and_long_number_of_every_script_is_read() {
        let (text, is_whole) = collected(&file());
        let expected = [
            ("mail", "ann@x.org"),
            ("crew", "Bob in a list"),
            ("card", "4539578763621486"),
            ("position", "48.858222, 2.294500"),
            ("note", "long text"),
            ("script_key", "jane@x.org"),
            ("script", "a second script"),
            ("unknown_data", "an unknown tag"),
            ("file_tail", "behind the last tag"),
        ];
        samples::assert_lines(&text, &expected);
        assert!(!text.contains("352732000") && !text.contains("pictures have"), "{text}");
        assert!(is_whole);
    }

    #[test]
    fn a_damaged_script_is_a_gap_and_its_text_is_searched() {
        let broken = [text("onMetaData"), vec![3], pair("mail", &[0x77]), b"ann@x.org".to_vec()].concat();
        let (text, is_whole) =
            collected(&[&b"FLV\x01\x05\0\0\0\x09\0\0\0\0"[..], &tag(18, &broken)].concat());
        assert!(text.contains("ann@x.org") && !is_whole, "{text}");
    }

    #[test]
    fn files_cut_or_changed_anywhere_never_panic() {
        let whole = file();
        for at in 0..whole.len() {
            collected(&whole[..at]);
            for byte in [0x03, 0x0a, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                collected(&changed);
            }
        }
        let deep = [text("x"), [&[3][..], &string("k")].concat().repeat(1_000)].concat();
        assert!(!collected(&[&b"FLV\x01\x05\0\0\0\x09\0\0\0\0"[..], &tag(18, &deep)].concat()).1);
    }
}
