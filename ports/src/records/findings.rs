//! What was found in assets, here and by a scanner outside.

use reelgate_flow::asset::{Response, Severity};
use reelgate_flow::ids::{AssetId, SourceId};
use serde::{Deserialize, Serialize};

use super::location::FindingLocation;
use crate::identity;

/// A scanner outside (Amazon Macie) found something in an object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExternalScanEvent {
    /// The finding's own id: the same finding may come more than once.
    pub id: String,
    /// Its type, such as `SensitiveData:S3Object/Personal`.
    pub kind: String,
    /// Severity as the scanner says.
    pub severity: Severity,
    /// What policy asks for because of it.
    #[serde(default)]
    pub response: Response,
    /// The object; `None` where the finding is about a bucket.
    pub source: Option<SourceId>,
    /// The asset whose text the object holds, where it is not an upload itself.
    #[serde(default)]
    pub asset: Option<AssetId>,
    /// What was found in the asset, by kind and with its places; empty where only the event's severity is known.
    #[serde(default)]
    pub findings: Vec<FindingRecord>,
    /// A finding made for a test of the scanner's wiring.
    pub sample: bool,
    /// Categories, types and counts without any value, as a document.
    pub summary: serde_json::Value,
}

impl ExternalScanEvent {
    /// The asset it is about, known here or not.
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
    /// Severity.
    pub severity: Severity,
    /// Occurrences.
    pub count: u64,
    /// Up to 15 places.
    pub locations: Vec<FindingLocation>,
}
