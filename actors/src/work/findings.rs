//! The classifier's findings as records, and the response that policy gives to them.

use reelgate_flow::asset::{Response, Screening};
use reelgate_flow::policy::Policy;
use reelgate_flow::surface::SurfaceReport;
use reelgate_ports::judgement::{severity, strictest};
use reelgate_ports::records::{Finder, FindingLocation, FindingRecord, MaskedValue};
use reelgate_privacy::{Finding, Location};

/// The response of policy to findings in an upload with this key.
pub fn policy_response(policy: &Policy, key: &str, findings: &[Finding]) -> Response {
    strictest(policy, key, &findings.iter().map(record).collect::<Vec<_>>())
}

/// What policy makes of findings and of the surfaces in which they were searched: its strictest response, and what it requires
/// and was not analysed whole.
pub fn judge(
    policy: &Policy,
    key: &str,
    findings: &[FindingRecord],
    surfaces: Vec<SurfaceReport>,
) -> Screening {
    let (severity, response) = (severity(findings), strictest(policy, key, findings));
    let incomplete = policy.incomplete(&surfaces);
    let uncovered = Response::Log;
    Screening { severity, response, uncovered, parts: None, surfaces, incomplete, scan: false }
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
