//! Findings in assets, by the local classifier and by the external scanner.

use reelgate_flow::asset::Severity;
use reelgate_flow::ids::{AssetId, SourceId};
use serde::{Deserialize, Serialize};

use super::location::FindingLocation;
use crate::identity;

/// The external scanner (Amazon Macie) found something in an object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExternalScanEvent {
    /// The finding's id. The same finding may arrive more than once.
    pub id: String,
    /// Its type, such as `SensitiveData:S3Object/Personal`.
    pub kind: String,
    /// The scanner's severity.
    pub severity: Severity,
    /// The object; `None` if the finding is about a bucket.
    pub source: Option<SourceId>,
    /// The asset whose text the object holds, if the object is not itself an upload.
    #[serde(default)]
    pub asset: Option<AssetId>,
    /// Findings in the asset by kind, with their places; empty if only the event's severity is known.
    #[serde(default)]
    pub findings: Vec<FindingRecord>,
    /// A sample finding that tests the scanner's configuration.
    pub sample: bool,
    /// Categories, types and counts without any value, as a document.
    pub summary: serde_json::Value,
}

impl ExternalScanEvent {
    /// Its findings by kind. If only the event's severity is known, one of the event's kind stands for them.
    pub fn records(&self) -> Vec<FindingRecord> {
        if !self.findings.is_empty() {
            return self.findings.clone();
        }
        let (kind, severity, source) = (self.kind.clone(), self.severity, Finder::Macie);
        Vec::from([FindingRecord { source, kind, severity, count: 1, locations: Vec::new() }])
    }

    /// The asset that the event is about, even if the store does not know it.
    pub fn about(&self) -> Option<AssetId> {
        self.asset.clone().or_else(|| self.source.as_ref().map(identity::asset_id))
    }
}

/// Who found something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finder {
    /// The classifier of this program.
    #[default]
    Local,
    /// Amazon Macie.
    Macie,
}

impl Finder {
    /// The word used in rows, JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Macie => "macie",
        }
    }

    /// Reads what `as_str` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Local, Self::Macie].into_iter().find(|finder| finder.as_str() == text)
    }
}

/// One finding, without the value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FindingRecord {
    /// Who found it.
    #[serde(default)]
    pub source: Finder,
    /// Identifier, such as `CREDIT_CARD_NUMBER`.
    pub kind: String,
    /// Its severity.
    pub severity: Severity,
    /// Occurrences.
    pub count: u64,
    /// Places of the first occurrences, at most 15.
    pub locations: Vec<FindingLocation>,
}
