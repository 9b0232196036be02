//! A scanner outside (Amazon Macie) that reads the text of assets and answers hours later.
//!
//! Such a scanner never looks into media, so it gets what is readable in them as sidecar files: one line of JSON for
//! each piece of text. It charges and limits by jobs, so assets are gathered into batches ([`window`]), one job
//! each. What it finds names lines of a sidecar; a map kept apart from the sidecars ties them back to places inside the
//! asset ([`sidecar`]). An asset whose job did not end well is not clean but unscanned ([`findings::verdict`]).

mod custom;
pub mod findings;
mod report;
pub mod sidecar;
pub mod window;

use async_trait::async_trait;
use data_encoding::BASE32_NOPAD;
use reelgate_flow::ids::AssetId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::PortResult;
use crate::identity::ID_CHARS;
use crate::records::ExternalScanEvent;
pub use custom::CustomIdentifier;
pub use report::{CUSTOM_CATEGORY, Detection, ExternalScanReport, LOCATIONS_MAX};
pub use sidecar::{ExternalScanLine, SidecarMap, SidecarName};

/// Assets that one job reads: part of names of objects and of the job.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchId(String);

impl BatchId {
    /// The batch of what is delivered to an area of sidecars from one moment until before another, milliseconds since 1970:
    /// 26 characters of lower-case base32 of SHA-256 over all three, so that every node finds the same batch.
    pub fn of(area: &str, start_ms: u64, end_ms: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(start_ms.to_be_bytes());
        hash.update(end_ms.to_be_bytes());
        hash.update(area.as_bytes());
        let mut text = BASE32_NOPAD.encode(&hash.finalize()).to_ascii_lowercase();
        text.truncate(ID_CHARS);
        Self(text)
    }

    /// Reads one back; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        is_derived(text).then(|| Self(text.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text has the form of a derived id.
fn is_derived(text: &str) -> bool {
    text.len() == ID_CHARS && text.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
}

/// A job of the scanner, as the scanner names it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(String);

impl JobId {
    /// Wraps what the scanner calls it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is readable in one asset.
pub struct Sidecar {
    /// Which asset.
    pub asset: AssetId,
    /// Its text, line by line.
    pub lines: Vec<ExternalScanLine>,
}

/// What was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Removed {
    /// Versions of objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What became of the wish for a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Begun {
    /// The batch has this job, now or since an earlier call.
    Job(JobId),
    /// The scanner takes no job yet; ask again at this time, milliseconds since 1970.
    NotBefore(u64),
}

/// How a job stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobStatus {
    /// Not at its end.
    Running,
    /// Everything in its scope was read.
    Complete,
    /// It will not read everything in its scope, or has not.
    Failed(JobFailure),
}

/// Why a job is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobFailure {
    /// Somebody cancelled it, or it was paused for too long.
    Cancelled,
    /// Somebody paused it.
    PausedByUser,
    /// The account's monthly quota is used up.
    PausedByQuota,
    /// It ended, but could not read the whole bucket.
    PartlyFailed,
    /// The scanner says a word that this version does not know; or that the job should not have.
    Unknown(String),
}

impl JobFailure {
    /// What happened, for people and for the asset's history.
    pub fn message(&self) -> &'static str {
        match self {
            Self::Cancelled => "the scanner's job was cancelled",
            Self::PausedByUser => "the scanner's job was paused by a person",
            Self::PausedByQuota => "the scanner's job was paused because the account's quota is used up",
            Self::PartlyFailed => "the scanner's job could not read everything",
            Self::Unknown(_) => "the scanner's job is in a state that is not understood",
        }
    }
}

/// A scanner outside. All calls may be repeated: a repeat changes nothing more.
#[async_trait]
pub trait ExternalScanner: Send + Sync {
    /// Asks the scanner which identifiers it knows and gives it those of the operator's own; says what will be looked for.
    async fn prepare(&self) -> PortResult<String>;

    /// Puts a sidecar of a batch, with its map, where the scanner will read the first.
    async fn deliver(&self, batch: &BatchId, sidecar: &Sidecar) -> PortResult<()>;

    /// Begins the one job of a delivered batch; finds it where it was begun before.
    async fn begin(&self, batch: &BatchId) -> PortResult<Begun>;

    /// How a job stands; `Missing` where there is none.
    async fn status(&self, job: &JobId) -> PortResult<JobStatus>;

    /// What a job found, as the scanner keeps it: the same findings also come as events, but an event may be late or
    /// lost, and a job at its end without events is not yet clean.
    async fn findings(&self, job: &JobId) -> PortResult<Vec<ExternalScanEvent>>;

    /// The map of one sidecar; `None` where it was removed.
    async fn map(&self, batch: &BatchId, asset: &AssetId) -> PortResult<Option<SidecarMap>>;

    /// Removes the sidecar and the map of one asset, every version of them, and proves that none is left.
    async fn remove(&self, batch: &BatchId, asset: &AssetId) -> PortResult<Removed>;

    /// Proves that the scanner and its bucket can be reached, without starting anything.
    async fn check(&self) -> PortResult<String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_read_back_as_it_is_written() {
        let id = BatchId::of("s3://sidecars", 7, 9);
        assert_eq!(BatchId::parse(id.as_str()), Some(id));
    }

    #[test]
    fn only_a_derived_id_is_read_as_a_batch() {
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
