//! The fields of an event about one object, validated and converted into an upload or a deletion. All sources of events
//! use the same rules.

use reelgate_flow::ids::{Sequencer, SourceId};
use reelgate_ports::order::Priority;
use reelgate_ports::records::{EventKind, MediaEvent, NULL_VERSION};

use crate::location::{KEY_BYTES_MAX, Location, version_of};

/// Longest version, characters; observed versions have at most 100.
const VERSION_CHARS_MAX: usize = 1_024;
/// Longest bucket name, bytes: buckets created before 2018 may have 255.
const BUCKET_BYTES_MAX: usize = 255;
/// Shortest bucket name, bytes.
const BUCKET_BYTES_MIN: usize = 3;

/// An object as an event describes it; the fields are not validated yet.
#[derive(Default)]
pub(super) struct S3ObjectFields {
    pub bucket: String,
    /// The raw key: decoded if the event had it encoded.
    pub key: String,
    pub version: Option<String>,
    pub etag: Option<String>,
    pub size_bytes: Option<u64>,
    pub sequencer: Option<String>,
    /// A lifecycle rule deleted it.
    pub by_lifecycle: bool,
}

/// What happened to the object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum S3EventKind {
    /// Put, copied, or completed as a multipart upload.
    Created,
    /// A delete marker hides every version.
    Marked,
    /// One version was deleted. If the event names none, it is the version without an id.
    Removed,
}

/// What a record of S3 says about an object.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum ObjectEvent {
    /// It was created or deleted.
    Changed(MediaEvent),
    /// It was restored from an archive storage class, and can be read again.
    Unarchived(SourceId),
}

/// Why an event is refused; never quotes the event.
pub(super) type RejectReason = String;

impl S3ObjectFields {
    /// The event; the error states what was expected and what was found, without quoting the fields. `None` for a deletion by a
    /// lifecycle rule without a sequencer: it cannot be put in order with the uploads of its key, and S3 sends many every night.
    pub(super) fn event(self, change: S3EventKind) -> Result<Option<MediaEvent>, RejectReason> {
        if self.by_lifecycle && self.sequencer.is_none() && change != S3EventKind::Created {
            return Ok(None);
        }
        let size_bytes = match (change, self.size_bytes) {
            (S3EventKind::Created, None) => return Err("expected a size, found none".into()),
            (S3EventKind::Created, Some(size)) if i64::try_from(size).is_err() => {
                return Err("expected a size below 2^63 bytes, found a larger one".into());
            }
            (S3EventKind::Created, Some(size)) => size,
            _ => 0,
        };
        let sequencer = self.sequencer.as_deref().and_then(Sequencer::parse);
        let sequencer = sequencer.ok_or("expected a sequencer of 1 to 64 hexadecimal digits, found none")?;
        let kind = match change {
            S3EventKind::Created => EventKind::Created,
            S3EventKind::Marked | S3EventKind::Removed => EventKind::Deleted,
        };
        let source = match change {
            S3EventKind::Created => self.source()?,
            S3EventKind::Removed => self.named(self.version().unwrap_or_else(|| NULL_VERSION.into()))?,
            S3EventKind::Marked => self.named(String::new())?,
        };
        Ok(Some(MediaEvent {
            kind,
            location: Location::new(&source.bucket, &source.key).to_string(),
            source,
            sequencer,
            size_bytes,
            force: false,
            priority: Priority::default(),
        }))
    }

    /// The identity of a stored object: its version, or its ETag if the bucket has no versioning.
    pub(super) fn source(&self) -> Result<SourceId, RejectReason> {
        let etag = self.etag.as_deref().unwrap_or_default();
        if self.version().is_none() && etag.trim_matches('"').is_empty() {
            return Err("expected a version or an ETag, found neither".into());
        }
        self.named(version_of(self.version.as_deref(), etag))
    }

    /// The version id; `None` for every form in which events state that there is none.
    fn version(&self) -> Option<String> {
        self.version.clone().filter(|version| !version.is_empty() && version != "null")
    }

    fn named(&self, version: String) -> Result<SourceId, RejectReason> {
        let bucket_char = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        let bucket_fits = (BUCKET_BYTES_MIN..=BUCKET_BYTES_MAX).contains(&self.bucket.len());
        if !bucket_fits || !self.bucket.bytes().all(bucket_char) {
            return Err("expected a bucket's name, found none".into());
        }
        if !(1..=KEY_BYTES_MAX).contains(&self.key.len()) {
            return Err(format!("expected a key of 1 to 1024 bytes, found {}", self.key.len()));
        }
        if self.key.contains('\0') {
            // Databases do not accept zero bytes in text, and one event must not block all others of its batch.
            return Err("expected a key without zero bytes, found one with".into());
        }
        let version_char = |c: char| c.is_ascii_graphic();
        if version.len() > VERSION_CHARS_MAX || !version.chars().all(version_char) {
            return Err("expected a version of at most 1024 printable characters, found another".into());
        }
        Ok(SourceId { bucket: self.bucket.clone(), key: self.key.clone(), version })
    }
}
