//! One version of an object, as listings return it and removals name it.

use std::collections::BTreeMap;

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

/// The current objects among these versions: key to entity tag.
pub(crate) fn latest(found: Vec<ListedVersion>) -> BTreeMap<String, String> {
    found.into_iter().filter(|found| found.latest).map(|found| (found.key, found.etag)).collect()
}
