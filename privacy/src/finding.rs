//! Findings: the results of this crate. They have the form of Macie's findings and never contain the values.

use std::collections::BTreeMap;

use reelgate_flow::place::{FrameBox, TextPlace};

use crate::identifier::{Kind, Severity, macie_score};

/// Most locations listed in a finding; further ones are only counted. Macie has the same limit.
pub const LOCATIONS_MAX: usize = 15;

/// Most places on screen listed in a [`Scan`]; further ones are only counted.
pub const ON_SCREEN_MAX: usize = 10_000;

/// The result of a whole scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// One for each identifier, the most severe first.
    pub findings: Vec<Finding>,
    /// Every place on screen of these findings, also beyond their listed locations, so that all of them can be covered.
    pub on_screen: Vec<OnScreen>,
    /// Places on screen beyond `on_screen`.
    pub more_on_screen: u64,
}

/// When and where in the picture a value was found. It holds no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnScreen {
    pub kind: Kind,
    pub start_ns: u64,
    /// Above `start_ns`.
    pub end_ns: u64,
    pub frame_box: FrameBox,
}

/// One place where a value was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The place of the line that has the value.
    pub address: TextPlace,
    /// Index of the value's first character in the line's text.
    pub start: usize,
    /// Index after the value's last character.
    pub end: usize,
    /// The value, masked by the identifier's rule.
    pub masked: String,
    /// Keyed hash of the value, which is the same in every asset; `None` if the classifier has no key.
    pub fingerprint: Option<String>,
}

/// All occurrences of one identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
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

/// Macie's type of a finding with more than one category.
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
        macie_score(self.severity)
    }
}

/// The highest severity of `findings`; `None` if there are none.
pub fn severity<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Option<Severity> {
    findings.into_iter().map(|finding| finding.severity).max()
}

/// Macie's type of one finding that reports all of `findings` together: the category's type if they share one,
/// otherwise `Multiple`; `None` if there are none.
pub fn finding_type<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Option<&'static str> {
    let mut categories = findings.into_iter().map(|finding| finding.kind.category);
    let first = categories.next()?;
    let one = categories.all(|category| category == first);
    Some(if one { first.finding_type() } else { MULTIPLE })
}

/// Collects occurrences by identifier. It is bounded: at most [`LOCATIONS_MAX`] places for each identifier, and
/// [`ON_SCREEN_MAX`] places on screen.
#[derive(Default)]
pub(crate) struct Tally {
    by_kind: BTreeMap<Kind, (u64, Vec<Location>)>,
    on_screen: Vec<OnScreen>,
    more_on_screen: u64,
}

impl Tally {
    /// Counts one occurrence; keeps its location while the list has room.
    pub fn add(&mut self, kind: Kind, location: Location) {
        if let Some(frame_box) = location.address.frame_box {
            self.add_on_screen(kind, &location.address, frame_box);
        }
        let (count, locations) = self.by_kind.entry(kind).or_default();
        *count = count.saturating_add(1);
        if locations.len() < LOCATIONS_MAX {
            locations.push(location);
        }
    }

    fn add_on_screen(&mut self, kind: Kind, place: &TextPlace, frame_box: FrameBox) {
        match place.start_ns {
            Some(start_ns) if self.on_screen.len() < ON_SCREEN_MAX => {
                let end_ns = place.end_ns.unwrap_or(start_ns).max(start_ns.saturating_add(1));
                self.on_screen.push(OnScreen { kind, start_ns, end_ns, frame_box });
            }
            _ => self.more_on_screen += 1,
        }
    }

    /// The findings, the most severe first, then by id. Counts without a severity are no findings.
    pub fn into_scan(self, severity: impl Fn(Kind, u64) -> Option<Severity>) -> Scan {
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
        let mut on_screen = self.on_screen;
        on_screen.retain(|seen| findings.iter().any(|finding| finding.kind == seen.kind));
        Scan { findings, on_screen, more_on_screen: self.more_on_screen }
    }
}
