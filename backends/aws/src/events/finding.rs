//! Findings of Amazon Macie, from an event or from its API. Categories, types, counts and line numbers are kept, but no
//! found value and no JSON path, whose element names come from uploads.
//!
//! Sources: Amazon Macie User Guide, "EventBridge event schema for findings"; Macie API Reference, "Findings". Every
//! member may be null, and Macie adds members without notice.

use reelgate_flow::asset::Severity;
use reelgate_ports::external_scanner::{
    CUSTOM_CATEGORY, Detection, ExternalScanReport, JobId, LOCATIONS_MAX,
};
use reelgate_ports::records::ExternalScanEvent;
use serde::Deserialize;

use super::malformed::malformed;
use super::object_fields::{RejectReason, S3ObjectFields};

/// Most types of one finding; Macie has fewer than 200, and a job has at most 30 custom identifiers.
const DETECTIONS_MAX: usize = 200;
/// Longest id, type or identifier's name, characters; Macie allows 128.
const NAME_CHARS_MAX: usize = 256;

/// The members of a Macie finding that are read.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Finding {
    pub id: Option<String>,
    pub r#type: Option<String>,
    /// `CLASSIFICATION` or `POLICY`.
    pub category: Option<String>,
    pub severity: Option<Grade>,
    pub sample: Option<bool>,
    pub count: Option<u64>,
    pub resources_affected: Option<Affected>,
    pub classification_details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Grade {
    pub description: Option<String>,
    pub score: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Affected {
    pub s3_bucket: Option<Bucket>,
    pub s3_object: Option<Object>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Bucket {
    pub name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Object {
    pub key: Option<String>,
    #[serde(rename = "eTag", alias = "etag")]
    pub etag: Option<String>,
    pub version_id: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Details {
    pub job_id: Option<String>,
    pub result: Option<Outcome>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Outcome {
    pub size_classified: Option<u64>,
    pub additional_occurrences: Option<bool>,
    pub status: Option<Status>,
    pub sensitive_data: Option<Vec<Group>>,
    pub custom_data_identifiers: Option<Group>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Status {
    pub code: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Group {
    pub category: Option<String>,
    pub detections: Option<Vec<Detected>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Detected {
    #[serde(alias = "name")]
    pub r#type: Option<String>,
    pub count: Option<u64>,
    pub occurrences: Option<Occurrences>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Occurrences {
    pub records: Option<Vec<Record>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Record {
    pub record_index: Option<u64>,
}

/// Parses the `detail` of a Macie finding.
pub(super) fn read(json: &str) -> Result<ExternalScanEvent, RejectReason> {
    let finding: Finding =
        serde_json::from_str(json).map_err(|error| malformed("a Macie finding", &error))?;
    finding.event()
}

impl Finding {
    /// The finding as an event; the error states what was expected and what was found, without quoting the finding.
    pub(crate) fn event(self) -> Result<ExternalScanEvent, RejectReason> {
        let severity = self.severity.as_ref().and_then(Grade::severity);
        let severity = severity.ok_or("expected severity Low, Medium or High, found another")?;
        let source = self.source()?;
        let report = serde_json::to_value(self.report());
        let id = self.id.filter(|id| {
            (1..=NAME_CHARS_MAX).contains(&id.len()) && id.chars().all(|c| c.is_ascii_graphic())
        });
        Ok(ExternalScanEvent {
            id: id.ok_or("expected a finding's id of 1 to 256 printable characters, found another")?,
            kind: word(self.r#type.as_deref().ok_or("expected a finding's type, found none")?),
            severity,
            source,
            asset: None,
            findings: Vec::new(),
            sample: self.sample.unwrap_or(false),
            summary: report.map_err(|_| "expected a finding that can be serialised, found another")?,
        })
    }

    /// The object; `None` if the finding is about a bucket. Policy findings name no object. A finding in content must name
    /// one: otherwise it is refused, because it belongs to no asset.
    fn source(&self) -> Result<Option<reelgate_flow::ids::SourceId>, RejectReason> {
        match &self.resources_affected {
            Some(Affected { s3_bucket: Some(bucket), s3_object: Some(object) }) => {
                object_fields(bucket, object).source().map(Some)
            }
            _ if self.category.as_deref() == Some("CLASSIFICATION") => {
                Err("expected the object of a finding in content, found none".into())
            }
            _ => Ok(None),
        }
    }

    fn report(&self) -> ExternalScanReport {
        let bucket = self.resources_affected.as_ref().and_then(|affected| affected.s3_bucket.as_ref());
        let details = self.classification_details.as_ref();
        let result = details.and_then(|details| details.result.as_ref());
        ExternalScanReport {
            count: self.count,
            bucket: bucket.and_then(|bucket| bucket.name.as_deref()).map(word),
            job: details.and_then(|details| details.job_id.as_deref()).map(|id| JobId::new(word(id))),
            status: result.and_then(|r| r.status.as_ref()).and_then(|s| s.code.as_deref()).map(word),
            bytes_classified: result.and_then(|r| r.size_classified),
            more_occurrences: result.and_then(|r| r.additional_occurrences),
            detections: result.map(detections).unwrap_or_default(),
        }
    }
}

impl Grade {
    /// The severity; the higher one if word and number differ, `None` if neither is known.
    fn severity(&self) -> Option<Severity> {
        let by_word = match self.description.as_deref() {
            Some("Low") => Some(Severity::Low),
            Some("Medium") => Some(Severity::Medium),
            Some("High") => Some(Severity::High),
            _ => None,
        };
        let by_score = match self.score {
            Some(1) => Some(Severity::Low),
            Some(2) => Some(Severity::Medium),
            Some(3) => Some(Severity::High),
            _ => None,
        };
        by_word.max(by_score)
    }
}

fn object_fields(bucket: &Bucket, object: &Object) -> S3ObjectFields {
    S3ObjectFields {
        bucket: bucket.name.clone().unwrap_or_default(),
        key: object.key.clone().unwrap_or_default(),
        version: object.version_id.clone(),
        etag: object.etag.clone(),
        ..S3ObjectFields::default()
    }
}

fn detections(result: &Outcome) -> Vec<Detection> {
    let groups = result.sensitive_data.iter().flatten();
    let managed = groups.flat_map(|group| listed(group.category.as_deref().unwrap_or_default(), group));
    let custom = result.custom_data_identifiers.iter().flat_map(|group| listed(CUSTOM_CATEGORY, group));
    managed.chain(custom).take(DETECTIONS_MAX).collect()
}

fn listed<'a>(category: &'a str, group: &'a Group) -> impl Iterator<Item = Detection> + 'a {
    group.detections.iter().flatten().map(move |found| Detection {
        category: word(category),
        r#type: word(found.r#type.as_deref().unwrap_or_default()),
        count: found.count.unwrap_or(0),
        records: found.occurrences.iter().flat_map(records).take(LOCATIONS_MAX).collect(),
    })
}

fn records(occurrences: &Occurrences) -> impl Iterator<Item = u64> + '_ {
    occurrences.records.iter().flatten().filter_map(|record| record.record_index)
}

/// A name, truncated, without the characters that a database cannot hold.
fn word(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
