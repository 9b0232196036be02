//! One version of an object, as listings return it and removals name it.

use aws_sdk_s3::primitives::DateTime;

/// One version of one object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ListedVersion {
    pub key: String,
    /// `null` if the bucket has no versioning.
    pub version_id: Option<String>,
    /// Including its quotes.
    pub etag: String,
    pub size_bytes: u64,
    /// Whether a read without a version returns this version.
    pub latest: bool,
    pub modified: Option<DateTime>,
}
