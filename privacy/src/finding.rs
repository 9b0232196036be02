//! Findings: what leaves this crate, shaped like Macie's and free of the values themselves.

use std::collections::BTreeMap;

use reelgate_flow::place::TextPlace;

use crate::identifier::{Kind, Severity};

/// Locations listed per finding; more are only counted. Macie's number.
pub const LOCATIONS_MAX: usize = 15;

/// One place where something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The line it was found in.
    pub address: TextPlace,
    /// First character of the value in the line's text, in characters.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The value, masked by the identifier's rule.
    pub masked: String,
    /// Keyed hash of the value, where the classifier was given a key: the same value has the same in every asset.
    pub fingerprint: Option<String>,
}

/// Everything found of one identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which identifier.
    pub kind: Kind,
    /// Severity by the identifier's rule and `count`.
    pub severity: Severity,
    /// Occurrences, listed or not.
    pub count: u64,
    /// The first [`LOCATIONS_MAX`] occurrences.
    pub locations: Vec<Location>,
    /// Occurrences beyond `locations`.
    pub additional_occurrences: u64,
}

/// Macie's type of a finding that holds more than one category.
const MULTIPLE: &str = "SensitiveData:S3Object/Multiple";

impl Finding {
    /// Macie's type of this finding alone, such as `SensitiveData:S3Object/Financial`.
    pub fn finding_type(&self) -> &'static str {
        self.kind.category.finding_type()
    }

    /// Macie's category of this finding, such as `FINANCIAL_INFORMATION`.
    pub fn category(&self) -> &'static str {
        self.kind.category.as_str()
    }

    /// Macie's score of the severity: 1, 2 or 3.
    pub fn score(&self) -> u8 {
        self.severity.score()
    }
}

/// The highest severity of `findings`; `None` where there are none.
pub fn severity<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Option<Severity> {
    findings.into_iter().map(|finding| finding.severity).max()
}

/// Macie's type of one finding that reports all of `findings` together: the category's own type where they share one,
/// `Multiple` where they do not, `None` where there are none.
pub fn finding_type<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Option<&'static str> {
    let mut categories = findings.into_iter().map(|finding| finding.kind.category);
    let first = categories.next()?;
    let one = categories.all(|category| category == first);
    Some(if one { first.finding_type() } else { MULTIPLE })
}

/// Gathers occurrences by identifier. Bounded: [`LOCATIONS_MAX`] places for each identifier of the registry.
#[derive(Default)]
pub(crate) struct Tally {
    by_kind: BTreeMap<Kind, (u64, Vec<Location>)>,
}

impl Tally {
    /// Counts one occurrence; asks for its location only while there is room to list it.
    pub fn add(&mut self, kind: Kind, location: impl FnOnce() -> Location) {
        let (count, locations) = self.by_kind.entry(kind).or_default();
        *count = count.saturating_add(1);
        if locations.len() < LOCATIONS_MAX {
            locations.push(location());
        }
    }

    /// The findings, the most severe first, then by id. A count without a severity is no finding.
    pub fn into_findings(self, severity: impl Fn(Kind, u64) -> Option<Severity>) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .by_kind
            .into_iter()
            .filter_map(|(kind, (count, locations))| {
                let severity = severity(kind, count)?;
                let additional_occurrences = count.saturating_sub(locations.len() as u64);
                Some(Finding { kind, severity, count, additional_occurrences, locations })
            })
            .collect();
        findings.sort_by_key(|f| (std::cmp::Reverse(f.severity), f.kind.id));
        findings
    }
}
