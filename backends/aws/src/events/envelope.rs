//! Parses messages into events: EventBridge envelopes and S3's own notifications, each also inside an SNS message. Every
//! input has a result, and no error quotes a message: messages contain keys, and keys may be personal.
//!
//! Sources: Amazon S3 User Guide, "EventBridge event message structure" (raw keys) and "Event message structure"
//! (URL-encoded keys); Amazon SNS Developer Guide, "Message format".

use data_encoding::HEXLOWER;
use reelgate_flow::ids::SourceId;
use reelgate_ports::events::{EventBatch, RefusedEvent};
use reelgate_ports::records::{EventKind, ExternalScanEvent, MediaEvent};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::malformed::malformed;
use super::object_fields::{ObjectEvent, RejectReason, S3EventKind, S3ObjectFields};
use super::{finding, notification};
use crate::location::{Area, Location, is_upload};

/// The content of one message.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ParsedMessage {
    /// Uploads and deletions.
    pub events: Vec<MediaEvent>,
    /// Findings.
    pub scans: Vec<ExternalScanEvent>,
    /// Objects that were restored from an archive storage class.
    pub unarchived: Vec<SourceId>,
    /// For each part that could not be parsed: what was expected and what was found.
    pub refused: Vec<String>,
}

impl ParsedMessage {
    /// Adds the content to a batch. Events and restorations are added only for uploads in the ingest area, so that an EventBridge rule which
    /// matches too much (for example our own outputs) does no harm. Refusals get the location of the message and the
    /// SHA-256 of its bytes.
    pub fn add_to(self, batch: &mut EventBatch, ingest: &Area, location: &str, bytes: &[u8]) {
        let inside = |event: &MediaEvent| {
            let source = &event.source;
            // An event of a deletion has no size.
            let size_bytes = (event.kind == EventKind::Created).then_some(event.size_bytes);
            let at = Location::new(&source.bucket, &source.key);
            is_upload(&source.key, size_bytes) && ingest.name_of(&at).is_some()
        };
        let is_ours = |source: &SourceId| {
            let at = Location::new(&source.bucket, &source.key);
            is_upload(&source.key, None) && ingest.name_of(&at).is_some()
        };
        batch.unarchived.extend(self.unarchived.into_iter().filter(is_ours));
        batch.events.extend(self.events.into_iter().filter(inside));
        batch.scans.extend(self.scans);
        batch.refused.extend(self.refused.into_iter().map(|reason| RefusedEvent {
            location: location.to_owned(),
            sha256: HEXLOWER.encode(&Sha256::digest(bytes)),
            reason,
        }));
    }

    fn refused(reason: impl Into<String>) -> Self {
        Self { refused: vec![reason.into()], ..Self::default() }
    }
}

/// Parses one message of any kind. A known message that Reelgate does not need (a queue's test message, an S3 event of
/// another kind) gives an empty result.
pub fn parse_message(bytes: &[u8]) -> ParsedMessage {
    match outer(bytes) {
        Ok(Outer { message: Some(message), records: None, detail: None, .. }) => {
            match outer(message.as_bytes()) {
                Ok(inner) => inside(inner),
                Err(reason) => ParsedMessage::refused(reason),
            }
        }
        Ok(outer) => inside(outer),
        Err(reason) => ParsedMessage::refused(reason),
    }
}

/// The members by which the kinds of message differ.
#[derive(Deserialize)]
struct Outer<'a> {
    /// EventBridge.
    source: Option<String>,
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    /// S3.
    #[serde(rename = "Records", borrow)]
    records: Option<Vec<&'a RawValue>>,
    /// SNS.
    #[serde(rename = "Message")]
    message: Option<String>,
    /// S3's test message, sent when a notification is configured.
    #[serde(rename = "Event")]
    event: Option<String>,
}

fn outer(bytes: &[u8]) -> Result<Outer<'_>, RejectReason> {
    serde_json::from_slice(bytes).map_err(|error| malformed("a JSON object", &error))
}

fn inside(outer: Outer<'_>) -> ParsedMessage {
    if let Some(records) = outer.records {
        return notified(&records);
    }
    if outer.event.as_deref() == Some("s3:TestEvent") {
        return ParsedMessage::default();
    }
    let (Some(source), Some(detail_type), Some(detail)) = (outer.source, outer.detail_type, outer.detail)
    else {
        return ParsedMessage::refused("expected an event of S3 or Macie, found an object of another kind");
    };
    bridged(&source, &detail_type, detail.get())
}

fn notified(records: &[&RawValue]) -> ParsedMessage {
    let mut parsed = ParsedMessage::default();
    for record in records {
        match notification::read(record.get()) {
            Ok(Some(ObjectEvent::Changed(event))) => parsed.events.push(event),
            Ok(Some(ObjectEvent::Unarchived(source))) => parsed.unarchived.push(source),
            Ok(None) => {}
            Err(reason) => parsed.refused.push(reason),
        }
    }
    parsed
}

fn bridged(source: &str, detail_type: &str, detail: &str) -> ParsedMessage {
    let event = match (source, detail_type) {
        ("aws.s3", "Object Created" | "Object Deleted") => object(detail_type, detail),
        // The restored copy of an archived object; of what has expired again the archive has the original, which an asset
        // that has ended does not need.
        ("aws.s3", "Object Restore Completed") => {
            return match restored(detail) {
                Ok(source) => ParsedMessage { unarchived: vec![source], ..ParsedMessage::default() },
                Err(reason) => ParsedMessage::refused(reason),
            };
        }
        ("aws.s3", _) => return ParsedMessage::default(),
        ("aws.macie", "Macie Finding") => {
            return match finding::read(detail) {
                Ok(scan) => ParsedMessage { scans: vec![scan], ..ParsedMessage::default() },
                Err(reason) => ParsedMessage::refused(reason),
            };
        }
        _ => return ParsedMessage::refused("expected an event of S3 or Macie, found one of another source"),
    };
    match event {
        Ok(event) => ParsedMessage { events: event.into_iter().collect(), ..ParsedMessage::default() },
        Err(reason) => ParsedMessage::refused(reason),
    }
}

#[derive(Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
    #[serde(rename = "deletion-type")]
    deletion_type: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    size: Option<u64>,
    /// AWS writes `etag`; some compatible servers write `eTag`.
    #[serde(alias = "eTag")]
    etag: Option<String>,
    #[serde(rename = "version-id")]
    version: Option<String>,
    sequencer: Option<String>,
}

fn restored(detail: &str) -> Result<SourceId, RejectReason> {
    let detail: Detail =
        serde_json::from_str(detail).map_err(|error| malformed("the detail of an S3 event", &error))?;
    detail.fields().source()
}

impl Detail {
    fn fields(self) -> S3ObjectFields {
        S3ObjectFields {
            by_lifecycle: self.reason.as_deref() == Some("Lifecycle Expiration"),
            bucket: self.bucket.name,
            key: self.object.key,
            version: self.object.version,
            etag: self.object.etag,
            size_bytes: self.object.size,
            sequencer: self.object.sequencer,
        }
    }
}

fn object(detail_type: &str, detail: &str) -> Result<Option<MediaEvent>, RejectReason> {
    let detail: Detail =
        serde_json::from_str(detail).map_err(|error| malformed("the detail of an S3 event", &error))?;
    let change = match (detail_type, detail.deletion_type.as_deref()) {
        ("Object Created", _) => S3EventKind::Created,
        (_, Some("Delete Marker Created")) => S3EventKind::Marked,
        _ => S3EventKind::Removed,
    };
    detail.fields().event(change)
}

#[cfg(test)]
mod tests;
