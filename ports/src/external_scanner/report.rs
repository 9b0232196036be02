//! The typed form of [`ExternalScanEvent::summary`]: types, counts and line numbers only, never a found value, and no name
//! from the scanned text.

use serde::{Deserialize, Serialize};

use super::ids::JobId;
use crate::error::{ErrorKind, Port, PortError, PortResult};
use crate::records::ExternalScanEvent;

/// Most places that are kept of one type. Macie lists at most 15: see its User Guide, "Locating sensitive data with Amazon
/// Macie findings".
pub const LOCATIONS_MAX: usize = 15;
/// Category of findings of an operator's own identifier; Macie gives them none.
pub const CUSTOM_CATEGORY: &str = "CUSTOM_IDENTIFIER";

/// Occurrences of one type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Detection {
    /// `PERSONAL_INFORMATION`, …; [`CUSTOM_CATEGORY`].
    pub category: String,
    /// `CREDIT_CARD_NUMBER`, …; a custom identifier's name.
    pub r#type: String,
    /// Occurrences.
    pub count: u64,
    /// Lines of the sidecar, from 0, of the first [`LOCATIONS_MAX`] occurrences; empty if the scanner
    /// reported none.
    pub records: Vec<u64>,
}

/// A finding without any value.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExternalScanReport {
    /// The scanner's count for the whole finding; 1 for findings in objects.
    pub count: Option<u64>,
    /// The bucket it is about.
    pub bucket: Option<String>,
    /// The job that reported it; policy findings and findings of the scanner's automated discovery have none.
    pub job: Option<JobId>,
    /// How the object was read: `COMPLETE`, `PARTIAL` or `SKIPPED`.
    pub status: Option<String>,
    /// Bytes of the object that were read.
    pub bytes_classified: Option<u64>,
    /// There are more occurrences than are listed.
    pub more_occurrences: Option<bool>,
    /// By type, in the event's order.
    pub detections: Vec<Detection>,
}

impl ExternalScanReport {
    /// Whether the scanner read the whole object, as far as it reports this.
    pub fn is_whole(&self) -> bool {
        !matches!(self.status.as_deref(), Some(status) if status != "COMPLETE")
    }
}

impl ExternalScanEvent {
    /// The typed form of the summary; `Corrupt` if neither this version nor an earlier one wrote it.
    pub fn report(&self) -> PortResult<ExternalScanReport> {
        let corrupt = || {
            let detail = "expected a finding's summary of a known version, found other content";
            PortError::new(Port::ExternalScanner, ErrorKind::Corrupt, "read a finding of the scanner", detail)
        };
        // serde would read a list as the fields in order.
        if !self.summary.is_object() {
            return Err(corrupt());
        }
        ExternalScanReport::deserialize(&self.summary).map_err(|_| corrupt())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(summary: serde_json::Value) -> ExternalScanEvent {
        ExternalScanEvent {
            id: "f".into(),
            kind: "SensitiveData:S3Object/Personal".into(),
            severity: reelgate_flow::asset::Severity::Low,
            source: None,
            asset: None,
            findings: Vec::new(),
            sample: false,
            summary,
        }
    }

    #[test]
    fn a_summary_is_read_back_as_it_was_written() {
        let report = ExternalScanReport {
            job: Some(JobId::new("j")),
            detections: vec![Detection {
                category: "C".into(),
                r#type: "T".into(),
                count: 2,
                records: vec![0, 7],
            }],
            ..ExternalScanReport::default()
        };
        assert_eq!(event(serde_json::to_value(&report).unwrap()).report().unwrap(), report);
    }

    #[test]
    fn an_older_summary_without_places_is_read() {
        let old = json!({"count": 1, "status": "COMPLETE", "detections": [{"category": "C", "type": "T", "count": 3}]});
        let report = event(old).report().unwrap();
        assert_eq!((report.detections[0].count, report.detections[0].records.len()), (3, 0));
        assert!(report.is_whole() && event(json!({"status": null})).report().unwrap().is_whole());
    }

    #[test]
    fn an_object_read_in_part_or_not_at_all_is_not_whole_and_nonsense_is_corrupt() {
        for status in ["PARTIAL", "SKIPPED", "NEW_WORD"] {
            assert!(!event(json!({"status": status})).report().unwrap().is_whole(), "{status}");
        }
        for nonsense in [json!({"detections": "none"}), json!([]), json!(null)] {
            assert_eq!(event(nonsense).report().unwrap_err().kind, ErrorKind::Corrupt);
        }
    }
}
