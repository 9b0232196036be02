//! The classifier's findings as records, and the response that policy gives to them.

use reelgate_flow::asset::{Response, Screening, Severity};
use reelgate_flow::policy::Policy;
use reelgate_ports::records::{Finder, FindingLocation, FindingRecord, MaskedValue};
use reelgate_privacy::{Finding, Location};

/// The response of policy to findings in an upload with this key.
pub fn policy_response(policy: &Policy, key: &str, findings: &[Finding]) -> Response {
    judge(policy, key, &findings.iter().map(record).collect::<Vec<_>>()).response
}

/// The strictest response of policy, and whether the content asks for it or only the upload's name.
pub fn judge(policy: &Policy, key: &str, findings: &[FindingRecord]) -> Screening {
    let answer = |finding: &FindingRecord| policy.answer(finding.severity, &finding.kind, key);
    let severity = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::None);
    let response = findings.iter().map(answer).max().unwrap_or_default();
    let strictest = findings.iter().filter(|finding| answer(finding) == response);
    let of_content = strictest.clone().any(lies_in_content);
    Screening { severity, response, of_content, parts: None, scan: false }
}

/// Whether one of the listed places is not in the upload's name.
fn lies_in_content(finding: &FindingRecord) -> bool {
    finding.locations.iter().any(|found| found.place.surface != reelgate_privacy::text::FILE_NAME)
}

/// The classifier's severity as a severity of the core.
pub fn graded(severity: reelgate_privacy::Severity) -> Severity {
    match severity {
        reelgate_privacy::Severity::Low => Severity::Low,
        reelgate_privacy::Severity::Medium => Severity::Medium,
        reelgate_privacy::Severity::High => Severity::High,
    }
}

pub(super) fn record(finding: &Finding) -> FindingRecord {
    FindingRecord {
        source: Finder::Local,
        kind: finding.kind.id.to_owned(),
        severity: graded(finding.severity),
        count: finding.count,
        locations: finding.locations.iter().map(location).collect(),
    }
}

/// A place of the classifier as findings record and show it.
pub fn location(found: &Location) -> FindingLocation {
    let Location { address, start, end, masked, fingerprint } = found.clone();
    FindingLocation { place: address, value: Some(MaskedValue { chars: (start, end), masked, fingerprint }) }
}
