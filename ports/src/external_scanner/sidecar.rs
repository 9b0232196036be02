//! Text of an asset as a file that a scanner of objects reads well, and the way back from a line to its place.
//!
//! Each piece of text is one line of JSON whose only element is named after the field: the scanner takes element names
//! on the JSON path for keywords (Amazon Macie User Guide, "Keyword requirements"). A finding in JSON Lines names the
//! line by its index from 0 (Macie API Reference, `Record`), so the map is nothing but the places in order. It lies
//! outside of what is scanned, or its field names would be scanned twice.

use reelgate_flow::ids::{AssetId, SourceId};
use reelgate_flow::place::TextPlace;
use serde::{Deserialize, Serialize};

use super::{BatchId, is_derived};
use crate::error::{ErrorKind, Port, PortError, PortResult};

/// Longest element name, characters; Macie cuts longer ones at the front (API Reference, `Record`).
const ELEMENT_CHARS_MAX: usize = 240;
/// Version of the map's form.
const MAP_SCHEMA: u32 = 1;
const SCANNED: &str = "scan";
const MAPS: &str = "map";

/// One piece of text with its place. No `Debug`: its text is what must not be printed.
pub struct ExternalScanLine {
    /// Where it sits. Its `field` has been through the classifier, which masks what it finds in a tag's name.
    pub place: TextPlace,
    /// The text.
    pub text: String,
}

/// The places of a sidecar's lines, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SidecarMap {
    schema: u32,
    places: Vec<TextPlace>,
}

impl SidecarMap {
    /// Reads a stored map; `Corrupt` where it is none of this version's.
    pub fn parse(bytes: &[u8]) -> PortResult<Self> {
        let corrupt = |found: &str| {
            let detail = format!("expected a map of version {MAP_SCHEMA}, found {found}");
            PortError::new(Port::ExternalScanner, ErrorKind::Corrupt, "read the map of a sidecar", detail)
        };
        let map: Self = serde_json::from_slice(bytes).map_err(|_| corrupt("something else"))?;
        if map.schema == MAP_SCHEMA { Ok(map) } else { Err(corrupt(&format!("version {}", map.schema))) }
    }

    /// The map as it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("names are texts, and nothing in it can fail to be written")
    }

    /// Lines of the sidecar.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The sidecar has no line, so there is nothing to scan.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The places of these lines, each once, in the order of the lines; and how many of the lines the sidecar does not
    /// have, which means that this is not the map of what was scanned.
    pub fn tie(&self, records: &[u64]) -> Tied {
        let mut records = records.to_vec();
        records.sort_unstable();
        records.dedup();
        let mut tied = Tied::default();
        for record in records {
            let place = usize::try_from(record).ok().and_then(|at| self.places.get(at));
            match place {
                Some(place) => tied.places.push(place.clone()),
                None => tied.unknown += 1,
            }
        }
        tied
    }
}

/// Where a finding's lines lie.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tied {
    /// In the order of the lines.
    pub places: Vec<TextPlace>,
    /// Lines without a place.
    pub unknown: u64,
}

/// A sidecar as it is scanned, and its map.
pub struct Written {
    /// Lines of JSON.
    pub jsonl: Vec<u8>,
    /// Their places.
    pub map: SidecarMap,
}

/// Writes the lines as JSON Lines with their map. Blank texts are left out of both.
pub fn write(lines: &[ExternalScanLine]) -> Written {
    let (mut jsonl, mut places) = (Vec::new(), Vec::new());
    for line in lines.iter().filter(|line| !line.text.trim().is_empty()) {
        let element = serde_json::Value::from(line.text.as_str());
        let object: serde_json::Map<_, _> = [(element_name(&line.place), element)].into_iter().collect();
        jsonl.extend_from_slice(serde_json::Value::Object(object).to_string().as_bytes());
        jsonl.push(b'\n');
        places.push(line.place.clone());
    }
    Written { jsonl, map: SidecarMap { schema: MAP_SCHEMA, places } }
}

/// What the scanner reads as keywords: the field, else the surface; its end where it is too long.
fn element_name(place: &TextPlace) -> String {
    let name = if place.field.trim().is_empty() { &place.surface } else { &place.field };
    let chars = name.chars().count();
    name.chars().skip(chars.saturating_sub(ELEMENT_CHARS_MAX)).collect()
}

/// What the objects of a batch are called, relative to the scanner's area.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SidecarName {
    /// Whose job reads it.
    pub batch: BatchId,
    /// Whose text it is.
    pub asset: AssetId,
}

impl SidecarName {
    /// The part of the area that one job reads.
    pub fn scanned_prefix(batch: &BatchId) -> String {
        format!("{SCANNED}/{}/", batch.as_str())
    }

    /// The part of the area with the maps of a batch.
    pub fn map_prefix(batch: &BatchId) -> String {
        format!("{MAPS}/{}/", batch.as_str())
    }

    /// The sidecar itself.
    pub fn scanned(&self) -> String {
        format!("{}{}.jsonl", Self::scanned_prefix(&self.batch), self.asset)
    }

    /// Its map.
    pub fn map(&self) -> String {
        format!("{}{}.json", Self::map_prefix(&self.batch), self.asset)
    }

    /// The name of an object that a finding is about; `None` where it is no sidecar in the scanner's bucket.
    pub fn of(source: &SourceId, scan_bucket: &str) -> Option<Self> {
        if source.bucket != scan_bucket {
            return None;
        }
        let mut parts = source.key.rsplit('/');
        let asset = parts.next()?.strip_suffix(".jsonl").filter(|asset| is_derived(asset))?;
        let batch = BatchId::parse(parts.next()?)?;
        (parts.next()? == SCANNED).then(|| Self { batch, asset: AssetId::new(asset) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(surface: &str, field: &str, start_ns: Option<u64>, text: &str) -> ExternalScanLine {
        let place = TextPlace {
            surface: surface.into(),
            field: field.into(),
            track: start_ns.map(|_| 2),
            start_ns,
            end_ns: start_ns,
            frame_box: None,
            line: None,
        };
        ExternalScanLine { place, text: text.into() }
    }

    #[test]
    fn a_line_is_one_object_whose_element_is_named_after_the_field() {
        let lines = [
            line("tag", "comment", None, "call \"me\"\nat noon"),
            line("subtitle", "text", Some(5), " \n"),
            line("file_name", "", None, "a.mp4"),
        ];
        let written = write(&lines);
        let text = String::from_utf8(written.jsonl).unwrap();
        assert_eq!(text, "{\"comment\":\"call \\\"me\\\"\\nat noon\"}\n{\"file_name\":\"a.mp4\"}\n");
        assert_eq!(written.map.len(), 2, "the blank line is in neither");
    }

    #[test]
    fn an_element_name_that_is_too_long_keeps_its_end() {
        let field = format!("{}phone", "é".repeat(300));
        let name = element_name(&line("tag", &field, None, "x").place);
        assert!(name.chars().count() == ELEMENT_CHARS_MAX && name.ends_with("phone"));
    }

    #[test]
    fn a_finding_s_lines_are_tied_to_their_places_each_once() {
        let lines: Vec<ExternalScanLine> =
            (0..5).map(|at| line("subtitle", "text", Some(at), "words")).collect();
        let map = write(&lines).map;
        let tied = SidecarMap::parse(&map.to_bytes()).unwrap().tie(&[4, 1, 4, 99, u64::MAX]);
        let starts: Vec<_> = tied.places.iter().map(|place| place.start_ns).collect();
        assert_eq!((starts, tied.unknown), (vec![Some(1), Some(4)], 2));
    }

    #[test]
    fn a_map_of_another_version_or_none_is_corrupt() {
        for bytes in [&b"{\"schema\":2,\"places\":[]}"[..], b"[]", b"", b"{\"schema\":1,\"places\":[7]}"] {
            assert_eq!(SidecarMap::parse(bytes).unwrap_err().kind, ErrorKind::Corrupt);
        }
    }

    #[test]
    fn a_sidecar_s_key_is_read_back_only_inside_the_scanner_s_bucket() {
        let asset = AssetId::new("yqlryqpcysmiifymzqpkjf5zq6");
        let name = SidecarName { batch: BatchId::of("text", 1, 2), asset };
        let key =
            |text: &str| SourceId { bucket: "scan-bucket".into(), key: text.into(), version: "v".into() };
        let found = key(&format!("some/prefix/{}", name.scanned()));
        assert_eq!(SidecarName::of(&found, "scan-bucket"), Some(name.clone()));
        assert_eq!(SidecarName::of(&found, "uploads"), None);
        for text in [&name.map(), "scan/x/y.jsonl", "", "scan", "yqlryqpcysmiifymzqpkjf5zq6.jsonl"] {
            assert_eq!(SidecarName::of(&key(text), "scan-bucket"), None, "{text}");
        }
    }

    #[test]
    fn a_place_s_field_is_not_in_its_debug_text() {
        let place = line("tag", "planted", None, "").place;
        assert!(!format!("{place:?}").contains("planted"));
    }
}
