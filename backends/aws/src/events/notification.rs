//! S3's own notifications, as queues and topics deliver them: `Records`, each with a URL-encoded key.
//!
//! Source: Amazon S3 User Guide, "Event message structure".

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::malformed::malformed;
use super::object_fields::{ObjectEvent, RejectReason, S3EventKind, S3ObjectFields};

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventName")]
    event_name: String,
    s3: Subject,
}

#[derive(Deserialize)]
struct Subject {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    size: Option<u64>,
    #[serde(rename = "eTag", alias = "etag")]
    etag: Option<String>,
    #[serde(rename = "versionId")]
    version: Option<String>,
    sequencer: Option<String>,
}

/// Parses one record; `None` if it is about no created, deleted or restored object.
pub(super) fn read(json: &str) -> Result<Option<ObjectEvent>, RejectReason> {
    let record: Record = serde_json::from_str(json).map_err(|error| malformed("a record of S3", &error))?;
    let Some(change) = change(&record.event_name) else { return Ok(None) };
    let by_lifecycle = record.event_name.contains("LifecycleExpiration");
    let fields = S3ObjectFields {
        bucket: record.s3.bucket.name,
        key: decoded(&record.s3.object.key)?,
        version: record.s3.object.version,
        etag: record.s3.object.etag,
        size_bytes: record.s3.object.size,
        sequencer: record.s3.object.sequencer,
        by_lifecycle,
    };
    match change {
        Change::Of(change) => Ok(fields.event(change)?.map(ObjectEvent::Changed)),
        Change::Unarchived => fields.source().map(|source| Some(ObjectEvent::Unarchived(source))),
    }
}

/// What happened to the object of a record.
enum Change {
    Of(S3EventKind),
    Unarchived,
}

fn change(event_name: &str) -> Option<Change> {
    let name = event_name.strip_prefix("s3:").unwrap_or(event_name);
    let (family, member) = name.split_once(':')?;
    match (family, member) {
        ("ObjectRestore", "Completed") => Some(Change::Unarchived),
        ("ObjectCreated", _) => Some(Change::Of(S3EventKind::Created)),
        ("ObjectRemoved" | "LifecycleExpiration", "DeleteMarkerCreated") => {
            Some(Change::Of(S3EventKind::Marked))
        }
        ("ObjectRemoved" | "LifecycleExpiration", _) => Some(Change::Of(S3EventKind::Removed)),
        _ => None,
    }
}

/// Decodes the HTML form encoding, exactly once: a key may itself look encoded.
fn decoded(key: &str) -> Result<String, RejectReason> {
    let spaced = key.replace('+', " ");
    let key = percent_decode_str(&spaced).decode_utf8();
    key.map(Into::into).map_err(|_| "expected a key of UTF-8, found other bytes".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_decoded_exactly_once() {
        let cases = [
            ("studio-a/Episode+01%2Bfinal+%28%C3%A9%29.mov", "studio-a/Episode 01+final (é).mov"),
            ("a%252Fb", "a%2Fb"),
            ("in%2F%C3%BC+1", "in/ü 1"),
            ("100%", "100%"),
            ("line%0Abreak", "line\nbreak"),
        ];
        for (encoded, key) in cases {
            assert_eq!(decoded(encoded).as_deref(), Ok(key));
        }
        assert!(decoded("%FF").is_err());
    }
}
