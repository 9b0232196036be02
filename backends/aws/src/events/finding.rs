//! Findings of Amazon Macie. Only categories, types and counts are kept: no found value, no place, no key.
//!
//! Source: Amazon Macie User Guide, "EventBridge event schema for findings".

use reelgate_flow::asset::{Response, Severity};
use reelgate_ports::records::ScanEvent;
use serde::Deserialize;
use serde_json::{Value, json};

use super::object::{Told, Why};

/// Lines of a summary; a finding has about a dozen categories and types.
const LINES_MAX: usize = 200;
/// Characters of an id, a type or an identifier's name; Macie allows 128.
const NAME_CHARS_MAX: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    id: String,
    r#type: String,
    severity: Description,
    #[serde(default)]
    sample: bool,
    #[serde(default)]
    count: Option<u64>,
    #[serde(default)]
    resources_affected: Option<Affected>,
    #[serde(default)]
    classification_details: Option<Details>,
}

#[derive(Deserialize)]
struct Description {
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Affected {
    s3_bucket: Option<Bucket>,
    s3_object: Option<Object>,
}

#[derive(Deserialize)]
struct Bucket {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: Option<String>,
    #[serde(rename = "eTag", alias = "etag")]
    etag: Option<String>,
    version_id: Option<String>,
}

#[derive(Deserialize)]
struct Details {
    result: Option<Outcome>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    size_classified: Option<u64>,
    additional_occurrences: Option<bool>,
    status: Option<Status>,
    sensitive_data: Option<Vec<Category>>,
    custom_data_identifiers: Option<Custom>,
}

#[derive(Deserialize)]
struct Status {
    code: Option<String>,
}

#[derive(Deserialize)]
struct Category {
    category: Option<String>,
    detections: Option<Vec<Detection>>,
}

#[derive(Deserialize)]
struct Custom {
    detections: Option<Vec<Detection>>,
}

#[derive(Deserialize)]
struct Detection {
    #[serde(alias = "name")]
    r#type: Option<String>,
    count: Option<u64>,
}

/// Reads the `detail` of a Macie finding.
pub(super) fn read(json: &str) -> Result<ScanEvent, Why> {
    let finding: Finding =
        serde_json::from_str(json).map_err(|error| super::envelope::damaged("a Macie finding", &error))?;
    if finding.id.is_empty() || finding.id.len() > NAME_CHARS_MAX || finding.id.contains('\0') {
        return Err("expected a finding's id of 1 to 256 characters, found another".into());
    }
    let severity = severity(&finding.severity)?;
    let source = match &finding.resources_affected {
        Some(Affected { s3_bucket: Some(bucket), s3_object: Some(object) }) => {
            Some(told(bucket, object).source()?)
        }
        _ => None,
    };
    Ok(ScanEvent {
        summary: summary(&finding),
        kind: word(&finding.r#type),
        id: finding.id,
        severity,
        // Policy is the intake's matter.
        response: Response::default(),
        source,
        sample: finding.sample,
    })
}

fn severity(told: &Description) -> Result<Severity, Why> {
    match told.description.as_deref() {
        Some("Low") => Ok(Severity::Low),
        Some("Medium") => Ok(Severity::Medium),
        Some("High") => Ok(Severity::High),
        _ => Err("expected severity Low, Medium or High, found another".into()),
    }
}

fn told(bucket: &Bucket, object: &Object) -> Told {
    Told {
        bucket: bucket.name.clone().unwrap_or_default(),
        key: object.key.clone().unwrap_or_default(),
        version: object.version_id.clone(),
        etag: object.etag.clone(),
        ..Told::default()
    }
}

fn summary(finding: &Finding) -> Value {
    let result = finding.classification_details.as_ref().and_then(|details| details.result.as_ref());
    let bucket = finding.resources_affected.as_ref().and_then(|affected| affected.s3_bucket.as_ref());
    json!({
        "count": finding.count,
        "bucket": bucket.and_then(|bucket| bucket.name.as_deref()).map(word),
        "status": result.and_then(|r| r.status.as_ref()).and_then(|s| s.code.as_deref()).map(word),
        "bytes_classified": result.and_then(|r| r.size_classified),
        "more_occurrences": result.and_then(|r| r.additional_occurrences),
        "detections": result.map(detections).unwrap_or_default(),
    })
}

fn detections(result: &Outcome) -> Vec<Value> {
    let mut lines = Vec::new();
    for group in result.sensitive_data.iter().flatten() {
        lines.extend(listed(group.category.as_deref(), group.detections.as_deref()));
    }
    let custom = result.custom_data_identifiers.as_ref();
    lines.extend(listed(Some("CUSTOM_IDENTIFIER"), custom.and_then(|custom| custom.detections.as_deref())));
    lines.truncate(LINES_MAX);
    lines
}

fn listed(category: Option<&str>, detections: Option<&[Detection]>) -> Vec<Value> {
    let line = |found: &Detection| json!({"category": category.map(word), "type": found.r#type.as_deref().map(word), "count": found.count});
    detections.unwrap_or_default().iter().take(LINES_MAX).map(line).collect()
}

/// A name, cut, without what a database cannot hold.
fn word(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}
