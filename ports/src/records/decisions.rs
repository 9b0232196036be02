//! Decisions of people about assets, and the records that are kept of them.

use reelgate_flow::asset::Parts;
use serde::{Deserialize, Serialize};

use super::principal::Principal;

/// A file that a withdrawal removed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Taken {
    /// The area it was in: `published`, `source` …
    pub area: String,
    /// Its name among the outputs, `720p/00003.m4s`; `source` for the upload. Never a key.
    pub name: String,
    /// Bytes.
    pub size_bytes: u64,
}

/// What a withdrawal removed and proved: the record of a quarantine, the certificate of an erasure. It contains no
/// keys, so it can be shown to anybody and kept after everything else is gone.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WithdrawalRecord {
    /// Removed files, in order of area and name.
    pub taken: Vec<Taken>,
    /// Number of addresses that were read again afterwards. None of them is readable; otherwise the withdrawal fails.
    pub looked_at: u64,
    /// What was not removed because it is outside Reelgate's areas.
    pub left: Vec<String>,
}

/// A person's decision about an asset.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// The kind of decision.
    pub what: Decided,
    /// Who decided.
    pub by: Principal,
    /// Why it was decided. The reason is kept as long as the record, so it must not contain personal data.
    pub reason: String,
    /// When a release expires, milliseconds since 1970.
    pub expires_ms: Option<u64>,
}

/// The kinds of decision.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// Quarantined by hand.
    Quarantine,
    /// Released from quarantine.
    Release,
    /// All data of the asset is removed.
    Erase,
    /// Nothing of the asset may be removed or replaced.
    Hold,
    /// The asset may be removed and replaced again.
    Unhold,
    /// Encoded again with the findings covered.
    Redact {
        /// The parts that are encoded again.
        parts: Parts,
        /// What the encodes cover, as a document.
        redaction: serde_json::Value,
    },
    /// A finding is wrong.
    FalsePositive {
        /// The finding's kind.
        kind: String,
    },
}

impl Decided {
    /// The word used in rows, history and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Quarantine => "quarantine",
            Self::Release => "release",
            Self::Erase => "erase",
            Self::Hold => "hold",
            Self::Unhold => "unhold",
            Self::Redact { .. } => "redact",
            Self::FalsePositive { .. } => "false_positive",
        }
    }
}

/// One record of the audit log, as it is exported and chained.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditRecord {
    /// Position in the log, from 1, without gaps.
    pub number: u64,
    /// The record as one line of JSON, without a line break; contains the hash of the previous line.
    pub line: String,
}
