//! The classifier's findings as records, and the response that policy gives to them.

use reelgate_flow::asset::{Response, Screening, Severity};
use reelgate_flow::policy::Policy;
use reelgate_flow::surface::SurfaceReport;
use reelgate_ports::records::{Finder, FindingLocation, FindingRecord, MaskedValue};
use reelgate_privacy::{Finding, Location};

/// The response of policy to findings in an upload with this key.
pub fn policy_response(policy: &Policy, key: &str, findings: &[Finding]) -> Response {
    strictest(policy, key, &findings.iter().map(record).collect::<Vec<_>>())
}

/// The strictest response of policy to any of the findings.
pub fn strictest(policy: &Policy, key: &str, findings: &[FindingRecord]) -> Response {
    findings.iter().map(|finding| answer(policy, key, finding)).max().unwrap_or_default()
}

/// What policy makes of findings and of the surfaces in which they were searched: its strictest response, whether the
/// content asks for it or only the upload's name, and what it requires and was not analysed whole.
pub fn judge(
    policy: &Policy,
    key: &str,
    findings: &[FindingRecord],
    surfaces: Vec<SurfaceReport>,
) -> Screening {
    let severity = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::None);
    let response = strictest(policy, key, findings);
    let of_content =
        findings.iter().any(|finding| answer(policy, key, finding) == response && lies_in_content(finding));
    let incomplete = policy.incomplete(&surfaces);
    Screening { severity, response, of_content, parts: None, surfaces, incomplete, scan: false }
}

fn answer(policy: &Policy, key: &str, finding: &FindingRecord) -> Response {
    policy.answer(finding.severity, &finding.kind, key)
}

/// Whether one of the listed places is not in the upload's name.
fn lies_in_content(finding: &FindingRecord) -> bool {
    finding.locations.iter().any(|found| found.place.surface != reelgate_privacy::text::FILE_NAME)
}

pub(super) fn record(finding: &Finding) -> FindingRecord {
    FindingRecord {
        source: Finder::Local,
        kind: finding.kind.id.to_owned(),
        severity: finding.severity,
        count: finding.count,
        locations: finding.locations.iter().map(location).collect(),
    }
}

/// A place of the classifier as findings record and show it.
pub fn location(found: &Location) -> FindingLocation {
    let Location { address, start, end, masked, fingerprint } = found.clone();
    FindingLocation { place: address, value: Some(MaskedValue { chars: (start, end), masked, fingerprint }) }
}
