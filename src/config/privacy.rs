//! What follows from personal data, as written in the configuration.

use reelgate_flow::asset::Severity;
use reelgate_flow::policy::Rule;
use serde::{Deserialize, Serialize};

/// What follows from personal data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrivacyRaw {
    /// Rules, in order; the first one that fits a finding answers it. Default none: high is set apart, medium is published
    /// and marked, low is recorded.
    pub rules: Vec<Rule>,
    /// Receivers of notices about severe findings alone, beside those of [notices]. Default none.
    pub alerts: Vec<AlertRaw>,
    /// A release and an erasure need the name of a second person who approved. Default false: small teams have no second one.
    pub two_people: bool,
    /// Days after which somebody is reminded of what is set apart, 1 to 3,650, and again as often. Default 90; nothing is
    /// ever removed for its age.
    pub review_days: u32,
}

impl Default for PrivacyRaw {
    fn default() -> Self {
        Self { rules: Vec::new(), alerts: Vec::new(), two_people: false, review_days: 90 }
    }
}

/// Who is told of severe findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRaw {
    /// At least this severity. Default `high`.
    #[serde(default = "high")]
    pub severity: Severity,
    /// The receiver: `sns:TOPIC-ARN`, `eventbridge:BUS`, `file:PATH`.
    pub url: String,
}

fn high() -> Severity {
    Severity::High
}

impl PrivacyRaw {
    /// Checks ranges.
    pub fn validate(&self) -> Result<(), String> {
        if !(1..=3_650).contains(&self.review_days) {
            return Err(format!("privacy.review_days: expected 1 to 3650, found {}", self.review_days));
        }
        Ok(())
    }
}
