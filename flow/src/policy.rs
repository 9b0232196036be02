//! Policy: rules that map a finding to a response by severity, kind and key of the upload, as data.

use alloc::string::String;
use alloc::vec::Vec;

use crate::asset::{Response, Severity};
use crate::surface::{NotSearched, Surface, SurfaceReport};

/// One rule. It matches if all its conditions match; the first matching rule decides the response.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Rule {
    /// At least this severity.
    #[cfg_attr(feature = "serde", serde(default = "low"))]
    pub severity: Severity,
    /// One of these kinds, such as `CREDIT_CARD_NUMBER`; empty for all.
    #[cfg_attr(feature = "serde", serde(default))]
    pub kinds: Vec<String>,
    /// The upload's key begins with this; empty for all.
    #[cfg_attr(feature = "serde", serde(default))]
    pub prefix: String,
    /// The response to a matching finding.
    pub action: Response,
}

#[cfg(feature = "serde")]
fn low() -> Severity {
    Severity::Low
}

/// The surfaces that must be analysed whole before an asset counts as clean, unless the configuration names others. What
/// is read in pictures is required in addition where it is switched on.
pub const REQUIRED_SURFACES: [Surface; 7] = [
    Surface::Name,
    Surface::Metadata,
    Surface::Tags,
    Surface::Chapters,
    Surface::Subtitles,
    Surface::Captions,
    Surface::Locations,
];

/// Rules in order, before the default: High is quarantined, Medium is published and marked, Low is recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// The rules; the first matching one decides.
    pub rules: Vec<Rule>,
    /// The surfaces that must be analysed whole before an asset counts as clean.
    pub surfaces: Vec<Surface>,
    /// How long a release or an erasure that one person proposed waits for another one's approval, milliseconds. `None`: one person decides.
    pub approval_ms: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { rules: Vec::new(), surfaces: REQUIRED_SURFACES.to_vec(), approval_ms: None }
    }
}

impl Policy {
    /// The response to a finding in an upload with this key.
    pub fn answer(&self, severity: Severity, kind: &str, key: &str) -> Response {
        let fits = |rule: &&Rule| {
            severity >= rule.severity
                && (rule.kinds.is_empty() || rule.kinds.iter().any(|known| known == kind))
                && key.starts_with(&rule.prefix)
        };
        match (self.rules.iter().find(fits), severity) {
            (Some(rule), _) => rule.action,
            (None, Severity::High) => Response::Quarantine,
            (None, Severity::Medium) => Response::PublishTagged,
            (None, Severity::Low | Severity::None) => Response::Log,
        }
    }

    /// The required surfaces that were not analysed whole, in order. One without a report was not analysed.
    pub fn incomplete(&self, reports: &[SurfaceReport]) -> Vec<SurfaceReport> {
        let is_required = |surface: &&Surface| self.surfaces.contains(surface);
        let report = |surface: &Surface| {
            let known = reports.iter().find(|report| report.surface == *surface).cloned();
            known.unwrap_or_else(|| SurfaceReport::not_analysed(*surface, NotSearched::NotReported))
        };
        let required = Surface::ALL.iter().filter(is_required).map(report);
        required.filter(|report| !report.is_whole()).collect()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::surface::SurfaceState;

    fn rule(severity: Severity, kinds: &[&str], prefix: &str, action: Response) -> Rule {
        let kinds = kinds.iter().map(|kind| String::from(*kind)).collect();
        Rule { severity, kinds, prefix: prefix.into(), action }
    }

    #[test]
    fn without_rules_the_severity_decides() {
        let answer = |severity| Policy::default().answer(severity, "ANY", "a/b");
        assert_eq!(answer(Severity::High), Response::Quarantine);
        assert_eq!(answer(Severity::Medium), Response::PublishTagged);
        assert_eq!(answer(Severity::Low), Response::Log);
    }

    #[test]
    fn the_first_matching_rule_decides() {
        let policy = Policy {
            rules: vec![
                rule(Severity::Low, &["CARD"], "shop/", Response::RedactThenPublish),
                rule(Severity::Medium, &[], "", Response::Quarantine),
                rule(Severity::Low, &["CARD"], "", Response::PublishTagged),
            ],
            ..Policy::default()
        };
        let answer = |severity, kind, key| policy.answer(severity, kind, key);
        assert_eq!(answer(Severity::High, "CARD", "shop/a"), Response::RedactThenPublish);
        assert_eq!(answer(Severity::High, "PHONE", "shop/a"), Response::Quarantine);
        assert_eq!(answer(Severity::Low, "CARD", "a"), Response::PublishTagged);
        assert_eq!(answer(Severity::Low, "PHONE", "a"), Response::Log);
    }

    #[test]
    fn a_required_surface_is_whole_only_if_it_was_analysed_to_its_end_or_is_absent() {
        let report = |surface, state| SurfaceReport { state, ..SurfaceReport::analysed(surface) };
        let mut reports: Vec<SurfaceReport> =
            REQUIRED_SURFACES.iter().map(|one| SurfaceReport::analysed(*one)).collect();
        reports.push(report(Surface::Speech, SurfaceState::NotAnalysed));
        let policy = Policy::default();
        assert_eq!(policy.incomplete(&reports), [], "speech is not required");
        reports[4] = report(Surface::Subtitles, SurfaceState::Absent);
        assert_eq!(policy.incomplete(&reports), []);
        for state in [SurfaceState::Partly, SurfaceState::NotAnalysed] {
            reports[4] = report(Surface::Subtitles, state);
            assert_eq!(policy.incomplete(&reports), [report(Surface::Subtitles, state)]);
        }
        reports.remove(4);
        let missing = SurfaceReport::not_analysed(Surface::Subtitles, NotSearched::NotReported);
        assert_eq!(policy.incomplete(&reports), [missing]);
        let lenient = Policy { surfaces: vec![Surface::Name], ..Policy::default() };
        assert_eq!(lenient.incomplete(&reports), []);
    }
}
