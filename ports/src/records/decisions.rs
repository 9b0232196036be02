//! What people decide about assets, and what is kept of it.

use reelgate_flow::asset::Parts;
use serde::{Deserialize, Serialize};

/// Something that a withdrawal took away.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Taken {
    /// `published`, `source` …: which area it was taken from.
    pub area: String,
    /// Its name among the outputs, `720p/00003.m4s`; `source` for the upload. Never a key.
    pub name: String,
    /// Bytes.
    pub size_bytes: u64,
}

/// What a withdrawal took away and proved: the record of a quarantine, the certificate of an erasure. It holds no
/// keys, so that it can be shown to anybody and kept after everything else is gone.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WithdrawalRecord {
    /// What was taken away, in order of area and name.
    pub taken: Vec<Taken>,
    /// Addresses that were looked at afterwards. None of them can be read, or the withdrawal would have failed.
    pub looked_at: u64,
    /// What could not be taken because it is not the gate's: a file outside its areas.
    pub left: Vec<String>,
}

/// What somebody decided about an asset.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// What.
    pub what: Decided,
    /// Who, by the name that the operator's system gives.
    pub by: String,
    /// Who approved of it, where policy wants a second person.
    pub approver: Option<String>,
    /// Why; kept for as long as the record is, so without personal data.
    pub reason: String,
    /// Until when a release holds, milliseconds since 1970.
    pub expires_ms: Option<u64>,
}

/// The kinds of decision.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// Quarantined by hand.
    Quarantine,
    /// Let go.
    Release,
    /// Everything removed.
    Erase,
    /// Not to be erased.
    Hold,
    /// May be erased again.
    Unhold,
    /// Made anew without what was found.
    Redact {
        /// What is encoded again.
        parts: Parts,
        /// What the encodes leave out, as a document.
        redaction: serde_json::Value,
    },
    /// A finding was no finding.
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
    /// The record as one line of JSON, without a line break; holds the hash of the line before it.
    pub line: String,
}
