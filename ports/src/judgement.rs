//! Findings belong to the content in which they were made, or to the name of one upload. Policy answers them for each upload by
//! its own key. The stages that screen and the store that knows other uploads of the content share these rules.

use reelgate_flow::asset::{Response, Severity};
use reelgate_flow::policy::Policy;
use reelgate_flow::surface::Surface;
use unicode_normalization::UnicodeNormalization;

use crate::records::{Finder, FindingLocation, FindingRecord};

/// Places kept of one finding.
const LOCATIONS_MAX: usize = 15;

/// A key, or the beginning of one, in the form in which rules compare it. Unicode writes many letters in two ways, such as `é` and
/// `e` with an accent (Unicode Standard Annex #15). Here it is always the first (NFC), so that no spelling avoids a rule.
pub fn comparable(key: &str) -> String {
    key.nfc().collect()
}

/// The response of policy to one finding in an upload with this key. The prefixes of its rules are [`comparable`].
pub fn response(policy: &Policy, key: &str, finding: &FindingRecord) -> Response {
    policy.answer(finding.severity, &finding.kind, &comparable(key))
}

/// The strictest response of policy to any of the findings.
pub fn strictest<'a>(
    policy: &Policy,
    key: &str,
    findings: impl IntoIterator<Item = &'a FindingRecord>,
) -> Response {
    findings.into_iter().map(|finding| response(policy, key, finding)).max().unwrap_or_default()
}

/// The highest severity of the findings.
pub fn severity<'a>(findings: impl IntoIterator<Item = &'a FindingRecord>) -> Severity {
    findings.into_iter().map(|finding| finding.severity).max().unwrap_or(Severity::None)
}

/// What of the findings is in the content, not in the upload's name or metadata, so that it is in every upload of the content. An
/// occurrence without a place counts as one in the content.
pub fn in_content(findings: &[FindingRecord]) -> Vec<FindingRecord> {
    findings.iter().filter_map(content_part).collect()
}

fn content_part(finding: &FindingRecord) -> Option<FindingRecord> {
    let is_named = |found: &FindingLocation| Surface::of_line(&found.place.surface).is_of_upload();
    let (named, rest): (Vec<_>, Vec<_>) = finding.locations.iter().cloned().partition(is_named);
    let count = finding.count.saturating_sub(named.len() as u64);
    let is_there = count > 0 || !rest.is_empty() || finding.locations.is_empty();
    is_there.then(|| FindingRecord { count: count.max(1), locations: rest, ..finding.clone() })
}

/// The findings of the content together with those of an upload's name: one for each kind and finder, with the occurrences of
/// both.
pub fn with_name(content: &[FindingRecord], name: &[FindingRecord]) -> Vec<FindingRecord> {
    let mut all = content.to_vec();
    for one in name {
        match all.iter_mut().find(|other| (other.source, &other.kind) == (one.source, &one.kind)) {
            Some(other) => {
                other.severity = other.severity.max(one.severity);
                other.count = other.count.saturating_add(one.count);
                let locations = one.locations.iter().chain(&other.locations).take(LOCATIONS_MAX);
                other.locations = locations.cloned().collect();
            }
            None => all.push(one.clone()),
        }
    }
    all
}

/// The findings that a release does not cover, which was given when `known` was known: those of another kind, of a higher
/// severity, or of another finder.
pub fn not_covered<'a>(known: &[FindingRecord], found: &'a [FindingRecord]) -> Vec<&'a FindingRecord> {
    let covers = |one: &FindingRecord| {
        let same = |other: &&FindingRecord| (other.source, &other.kind) == (one.source, &one.kind);
        known.iter().filter(same).any(|other| other.severity >= one.severity)
    };
    found.iter().filter(|one| !covers(one)).collect()
}

/// The findings of an external scanner. A later look by the classifier does not replace them.
pub fn of_scanner(findings: &[FindingRecord]) -> Vec<FindingRecord> {
    findings.iter().filter(|finding| finding.source != Finder::Local).cloned().collect()
}

#[cfg(test)]
mod tests {
    use reelgate_flow::place::TextPlace;
    use reelgate_flow::policy::Rule;

    use super::*;

    fn at(surface: &str) -> FindingLocation {
        FindingLocation { place: TextPlace::untimed(surface, "text", None), value: None }
    }

    fn found(kind: &str, count: u64, surfaces: &[&str]) -> FindingRecord {
        let locations = surfaces.iter().map(|surface| at(surface)).collect();
        FindingRecord { source: Finder::Local, kind: kind.into(), severity: Severity::High, count, locations }
    }

    #[test]
    fn a_rule_applies_to_every_spelling_of_its_prefix() {
        let rule = Rule {
            severity: Severity::Low,
            kinds: Vec::new(),
            prefix: comparable("caf\u{e9}/"),
            action: Response::RedactThenPublish,
        };
        let policy = Policy { rules: vec![rule], ..Policy::default() };
        let answer = |key| response(&policy, key, &found("A", 1, &["tag"]));
        assert_eq!(answer("caf\u{e9}/a.mp4"), Response::RedactThenPublish);
        assert_eq!(answer("cafe\u{301}/a.mp4"), Response::RedactThenPublish);
        assert_eq!(answer("cafe/a.mp4"), Response::Quarantine);
        assert_eq!(comparable("cafe\u{301}/"), "caf\u{e9}/");
    }

    #[test]
    fn only_what_is_in_the_name_alone_stays_out_of_the_content() {
        let name = "file_name";
        assert_eq!(in_content(&[found("A", 2, &[name, name])]), []);
        assert_eq!(in_content(&[found("A", 3, &[name, "tag"])]), [found("A", 2, &["tag"])]);
        assert_eq!(in_content(&[found("A", 1, &["subtitle"])]), [found("A", 1, &["subtitle"])]);
        assert_eq!(in_content(&[found("A", 16, &[name; 15])]), [found("A", 1, &[])], "one has no place");
        assert_eq!(in_content(&[found("A", 1, &[])]), [found("A", 1, &[])], "the place is unknown");
        assert_eq!(in_content(&[found("A", 0, &[])]).len(), 1, "in case of doubt");
    }

    #[test]
    fn a_name_adds_to_the_findings_of_the_content() {
        let content = [found("A", 20, &["tag"; 15]), found("B", 1, &["tag"])];
        let all = with_name(&content, &[found("A", 1, &["file_name"]), found("C", 1, &["file_name"])]);
        assert_eq!(
            all.iter().map(|one| (one.kind.as_str(), one.count)).collect::<Vec<_>>(),
            [("A", 21), ("B", 1), ("C", 1)]
        );
        assert_eq!((all[0].locations.len(), all[0].locations[0].place.surface.as_str()), (15, "file_name"));
    }

    #[test]
    fn a_release_covers_the_kind_the_severity_and_the_finder_that_were_known() {
        let known = [FindingRecord { severity: Severity::Medium, ..found("A", 1, &[]) }];
        let covered = |one: FindingRecord| not_covered(&known, &[one]).is_empty();
        assert!(covered(FindingRecord { severity: Severity::Low, ..found("A", 9, &["tag"]) }));
        assert!(covered(FindingRecord { severity: Severity::Medium, ..found("A", 9, &["tag"]) }));
        assert!(!covered(found("A", 1, &[])), "more severe");
        assert!(!covered(FindingRecord { severity: Severity::Medium, ..found("B", 1, &[]) }));
        let other = FindingRecord { source: Finder::Macie, severity: Severity::Medium, ..found("A", 1, &[]) };
        assert!(!covered(other));
        assert_eq!(not_covered(&[], &known).len(), 1, "nothing was known");
    }
}
