//! The ids of batches, with the time of their jobs, and of the scanner's jobs.

use data_encoding::BASE32_NOPAD;
use reelgate_flow::ids::AssetId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::identity::ID_CHARS;

/// The id of a batch: the assets that one job reads. It is part of the names of objects and of the job.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchId(String);

impl BatchId {
    /// The batch of the sidecars that are delivered to `area` from `start_ms` until before `end_ms`, milliseconds since 1970.
    /// Its id is 26 characters of lower-case base32 of SHA-256 over all three, so that every node derives the same batch.
    pub fn of(area: &str, start_ms: u64, end_ms: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(start_ms.to_be_bytes());
        hash.update(end_ms.to_be_bytes());
        hash.update(area.as_bytes());
        let mut text = BASE32_NOPAD.encode(&hash.finalize()).to_ascii_lowercase();
        text.truncate(ID_CHARS);
        Self(text)
    }

    /// Parses an id; `None` if the text has another form.
    pub fn parse(text: &str) -> Option<Self> {
        // Derived as an asset's id is, so of the same form.
        AssetId::has_form(text).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which batch the text of an asset was delivered to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Delivered {
    /// The batch.
    pub batch: BatchId,
    /// When its job may begin, milliseconds since 1970.
    pub job_from_ms: u64,
}

/// The scanner's id of a job.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(String);

impl JobId {
    /// Wraps the scanner's text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_id_is_parsed_as_it_was_written() {
        let id = BatchId::of("s3://sidecars", 7, 9);
        assert_eq!(BatchId::parse(id.as_str()), Some(id));
    }

    #[test]
    fn only_a_derived_id_is_parsed_as_a_batch_id() {
        for text in [
            "",
            "../x",
            "abcdefghijklmnopqrstuvwxy",
            "abcdefghijklmnopqrstuvwxy1",
            "Abcdefghijklmnopqrstuvwxyz",
        ] {
            assert_eq!(BatchId::parse(text), None, "{text}");
        }
    }
}
