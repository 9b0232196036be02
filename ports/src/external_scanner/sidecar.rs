//! An asset's text as a file for the external scanner, and the map from a line of that file back to its place in the asset.
//!
//! Each piece of text is one line of JSON with a single element, named after the field: the scanner matches element names
//! on the JSON path as keywords (Amazon Macie User Guide, "Keyword requirements"). A finding in JSON Lines names the
//! line by its index from 0 (Macie API Reference, `Record`), so the map is a list of places in order. The map is stored
//! outside the scanned prefix. Otherwise its field names would be scanned twice.

use reelgate_flow::ids::{AssetId, SourceId};
use reelgate_flow::place::TextPlace;
use serde::{Deserialize, Serialize};

use super::ids::{BatchId, Delivered};
use crate::error::{ErrorKind, Port, PortError, PortResult};

/// Longest element name, characters; Macie truncates longer names at the front (API Reference, `Record`).
const ELEMENT_CHARS_MAX: usize = 240;
/// Version of the map's form.
const MAP_SCHEMA: u32 = 1;
const SCANNED: &str = "scan";
const MAPS: &str = "map";
const SENT: &str = "sent";

/// One piece of text with its place. It has no `Debug`, because the text must not be printed.
pub struct ExternalScanLine {
    /// Where the text is in the asset. The classifier has already masked its findings in the name of the `field`.
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
    /// Parses a stored map; `Corrupt` if it is not a map of this version.
    pub fn parse(bytes: &[u8]) -> PortResult<Self> {
        let corrupt = |found: &str| {
            let detail = format!("expected a map of version {MAP_SCHEMA}, found {found}");
            PortError::new(Port::ExternalScanner, ErrorKind::Corrupt, "read the map of a sidecar", detail)
        };
        let map: Self = serde_json::from_slice(bytes).map_err(|_| corrupt("other content"))?;
        if map.schema == MAP_SCHEMA { Ok(map) } else { Err(corrupt(&format!("version {}", map.schema))) }
    }

    /// The map as it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a list of places always serialises")
    }

    /// Number of lines of the sidecar.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether the sidecar has no line, so that there is nothing to scan.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The places of these lines, each once, in the order of the lines; and the number of lines that the sidecar does not
    /// have. If there are such lines, this is not the map of the scanned file.
    pub fn locate(&self, records: &[u64]) -> LocatedLines {
        let mut records = records.to_vec();
        records.sort_unstable();
        records.dedup();
        let mut located = LocatedLines::default();
        for record in records {
            let place = usize::try_from(record).ok().and_then(|at| self.places.get(at));
            match place {
                Some(place) => located.places.push(place.clone()),
                None => located.unknown += 1,
            }
        }
        located
    }
}

/// The places of a finding's lines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LocatedLines {
    /// In the order of the lines.
    pub places: Vec<TextPlace>,
    /// Number of lines without a place.
    pub unknown: u64,
}

/// The file that is scanned, and its map.
pub struct Written {
    /// Lines of JSON.
    pub jsonl: Vec<u8>,
    /// The places of these lines.
    pub map: SidecarMap,
}

/// Writes the lines as JSON Lines with their map. Both leave out blank text.
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

/// The name that the scanner matches as a keyword: the field, or the surface if the field is blank. A name that is too long
/// keeps its end.
fn element_name(place: &TextPlace) -> String {
    let name = if place.field.trim().is_empty() { &place.surface } else { &place.field };
    let chars = name.chars().count();
    name.chars().skip(chars.saturating_sub(ELEMENT_CHARS_MAX)).collect()
}

/// The keys of one asset's objects in a batch, relative to the scanner's area.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SidecarName {
    /// The batch whose job reads the sidecar.
    pub batch: BatchId,
    /// The asset whose text it holds.
    pub asset: AssetId,
}

impl SidecarName {
    /// The prefix that the batch's job reads.
    pub fn scanned_prefix(batch: &BatchId) -> String {
        format!("{SCANNED}/{}/", batch.as_str())
    }

    /// The prefix of the batch's maps.
    pub fn map_prefix(batch: &BatchId) -> String {
        format!("{MAPS}/{}/", batch.as_str())
    }

    /// The key of the sidecar.
    pub fn scanned(&self) -> String {
        format!("{}{}.jsonl", Self::scanned_prefix(&self.batch), self.asset)
    }

    /// The key of its map.
    pub fn map(&self) -> String {
        format!("{}{}.json", Self::map_prefix(&self.batch), self.asset)
    }

    /// The prefix of the record of everything that was sent of one asset.
    pub fn sent_prefix(asset: &AssetId) -> String {
        format!("{SENT}/{asset}/")
    }

    /// The key of the record that this sidecar was sent. It is written first and removed last, so that every sidecar is found by
    /// its asset alone, whichever attempt wrote it.
    pub fn sent(&self, job_from_ms: u64) -> String {
        format!("{}{job_from_ms:020}-{}", Self::sent_prefix(&self.asset), self.batch.as_str())
    }

    /// The batch in the key of a record below [`SidecarName::sent_prefix`], and when its job may begin.
    pub fn parse_sent(key: &str) -> Option<Delivered> {
        let (job_from_ms, batch) = key.rsplit('/').next()?.split_once('-')?;
        Some(Delivered { batch: BatchId::parse(batch)?, job_from_ms: job_from_ms.parse().ok()? })
    }

    /// Parses the key of an object that a finding is about; `None` if the object is no sidecar in the scanner's bucket.
    pub fn of(source: &SourceId, scan_bucket: &str) -> Option<Self> {
        if source.bucket != scan_bucket {
            return None;
        }
        let mut parts = source.key.rsplit('/');
        let asset = parts.next()?.strip_suffix(".jsonl").filter(|asset| AssetId::has_form(asset))?;
        let batch = BatchId::parse(parts.next()?)?;
        (parts.next()? == SCANNED).then(|| Self { batch, asset: AssetId::new(asset) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(surface: &str, field: &str, start_ns: Option<u64>, text: &str) -> ExternalScanLine {
        let untimed = TextPlace::untimed(surface, field, start_ns.map(|_| 2));
        let place = TextPlace { start_ns, end_ns: start_ns, ..untimed };
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
    fn each_line_of_a_finding_is_located_once() {
        let lines: Vec<ExternalScanLine> =
            (0..5).map(|at| line("subtitle", "text", Some(at), "words")).collect();
        let map = write(&lines).map;
        let located = SidecarMap::parse(&map.to_bytes()).unwrap().locate(&[4, 1, 4, 99, u64::MAX]);
        let starts: Vec<_> = located.places.iter().map(|place| place.start_ns).collect();
        assert_eq!((starts, located.unknown), (vec![Some(1), Some(4)], 2));
    }

    #[test]
    fn a_map_of_another_version_or_none_is_corrupt() {
        for bytes in [&b"{\"schema\":2,\"places\":[]}"[..], b"[]", b"", b"{\"schema\":1,\"places\":[7]}"] {
            assert_eq!(SidecarMap::parse(bytes).unwrap_err().kind, ErrorKind::Corrupt);
        }
    }

    #[test]
    fn a_sidecar_s_key_is_parsed_only_in_the_scanner_s_bucket() {
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
    fn the_record_of_a_sidecar_names_its_batch() {
        let asset = AssetId::new("yqlryqpcysmiifymzqpkjf5zq6");
        let name = SidecarName { batch: BatchId::of("text", 1, 2), asset };
        let key = name.sent(u64::MAX);
        assert!(key.starts_with(&SidecarName::sent_prefix(&name.asset)));
        let sent = Delivered { batch: name.batch.clone(), job_from_ms: u64::MAX };
        assert_eq!(SidecarName::parse_sent(&format!("some/prefix/{key}")), Some(sent));
        for other in ["", "sent/a/7", "sent/a/-", "sent/a/7-x", "sent/a/x-yqlryqpcysmiifymzqpkjf5zq6"] {
            assert_eq!(SidecarName::parse_sent(other), None, "{other}");
        }
    }

    #[test]
    fn a_place_s_field_is_not_in_its_debug_text() {
        let place = line("tag", "planted", None, "").place;
        assert!(!format!("{place:?}").contains("planted"));
    }
}
