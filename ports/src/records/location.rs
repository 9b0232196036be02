//! One place of a finding in its stored form: flat, and its box as four numbers (docs/guide/privacy.md).

use reelgate_flow::place::{FrameBox, TextPlace};
use serde::{Deserialize, Serialize};

/// One place where something was found, without the value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "StoredLocation", into = "StoredLocation")]
pub struct FindingLocation {
    /// The line of text that contains the value.
    pub place: TextPlace,
    /// The value's characters in the line, and the masked value; the external scanner reports neither.
    pub value: Option<MaskedValue>,
}

/// A value as a finding shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MaskedValue {
    /// Index of the first character in the line, and of the one after the last.
    pub chars: (usize, usize),
    /// The value, masked by the identifier's rule.
    pub masked: String,
    /// Keyed hash, if a key is configured: the same value has the same hash in every asset.
    pub fingerprint: Option<String>,
}

/// The stored form. Its fields are in alphabetical order, as in all stored findings.
#[derive(Serialize, Deserialize)]
struct StoredLocation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chars: Option<(usize, usize)>,
    end_ns: Option<u64>,
    field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    frame_box: Option<[u32; 4]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    masked: Option<String>,
    start_ns: Option<u64>,
    surface: String,
    track: Option<u32>,
}

impl From<StoredLocation> for FindingLocation {
    fn from(stored: StoredLocation) -> Self {
        let StoredLocation { surface, field, track, start_ns, end_ns, line, fingerprint, .. } = stored;
        let frame_box = stored.frame_box.map(|[x, y, width, height]| FrameBox { x, y, width, height });
        let value = stored.chars.zip(stored.masked);
        Self {
            place: TextPlace { surface, field, track, start_ns, end_ns, frame_box, line },
            value: value.map(|(chars, masked)| MaskedValue { chars, masked, fingerprint }),
        }
    }
}

impl From<FindingLocation> for StoredLocation {
    fn from(FindingLocation { place, value }: FindingLocation) -> Self {
        let TextPlace { surface, field, track, start_ns, end_ns, frame_box, line } = place;
        let (chars, masked, fingerprint) = match value {
            Some(MaskedValue { chars, masked, fingerprint }) => (Some(chars), Some(masked), fingerprint),
            None => (None, None, None),
        };
        let frame_box = frame_box.map(|FrameBox { x, y, width, height }| [x, y, width, height]);
        Self { chars, end_ns, field, fingerprint, frame_box, line, masked, start_ns, surface, track }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = r#"{"chars":[3,19],"end_ns":9,"field":"text","fingerprint":"f00","frame_box":[1,2,3,4],"line":7,"masked":"**** 1486","start_ns":5,"surface":"on_screen_text","track":0}"#;
    const OUTSIDE: &str =
        r#"{"end_ns":null,"field":"comment","frame_box":null,"start_ns":null,"surface":"tag","track":null}"#;

    #[test]
    fn a_place_is_written_in_the_documented_form_and_read_back() {
        for text in [OURS, OUTSIDE] {
            let read: FindingLocation = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        let ours: FindingLocation = serde_json::from_str(OURS).unwrap();
        assert_eq!(ours.place.frame_box, Some(FrameBox { x: 1, y: 2, width: 3, height: 4 }));
        assert_eq!(ours.value.unwrap().chars, (3, 19));
    }
}
