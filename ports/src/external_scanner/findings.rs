//! Many events into what is known: repeats folded, each asset's findings gathered, and whether the scanner has answered.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::asset::Severity;
use reelgate_flow::ids::{AssetId, SourceId};

use super::report::{Detection, ExternalScanReport};
use super::sidecar::{SidecarMap, SidecarName};
use super::{BatchId, JobFailure, JobId, JobStatus, custom};
use crate::records::{ExternalScanEvent, Finder, FindingLocation, FindingRecord};

/// What a finding is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Subject {
    /// The text of an asset, by a sidecar of ours. The asset's id stands for bucket, key and version of the upload.
    Asset(AssetId),
    /// Another object, at a version.
    Object(SourceId),
}

/// One finding, however often it was told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExternalScanFinding {
    /// What it is about.
    pub subject: Subject,
    /// The batch whose map ties its lines, where it is about an asset.
    pub batch: Option<BatchId>,
    /// The job that told it.
    pub job: Option<JobId>,
    /// Over all its types.
    pub severity: Severity,
    /// By type, in order.
    pub detections: Vec<Detection>,
    /// More places than are listed.
    pub more_occurrences: bool,
    /// The object was read to its end, in one of the runs that told it.
    pub whole: bool,
    /// Ids of the events that told it, in order.
    pub ids: Vec<String>,
}

/// Events, sorted out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Folded {
    /// In order of their subject.
    pub findings: Vec<ExternalScanFinding>,
    /// Ids of events that say nothing about the content of an object: samples, findings about policies, and those
    /// whose summary cannot be read.
    pub set_aside: BTreeSet<String>,
}

type Types = BTreeSet<(String, String)>;

/// Folds events by what they are about and the types they name: the same event again, and a later run over the same
/// text that finds the same, count once. The answer does not depend on the order of the events.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a ExternalScanEvent>, scan_bucket: &str) -> Folded {
    let mut folded = Folded::default();
    let mut groups: BTreeMap<(Subject, Types), ExternalScanFinding> = BTreeMap::new();
    for event in events {
        let (Some(source), false, Ok(report)) = (&event.source, event.sample, event.report()) else {
            folded.set_aside.insert(event.id.clone());
            continue;
        };
        let finding = finding(event, source, report, scan_bucket);
        let types = finding.detections.iter().map(|found| (found.category.clone(), found.r#type.clone()));
        let key = (finding.subject.clone(), types.collect());
        match groups.remove(&key) {
            None => groups.insert(key, finding),
            Some(known) => groups.insert(key, merged(known, finding)),
        };
    }
    folded.findings = groups.into_values().collect();
    folded
}

fn finding(
    event: &ExternalScanEvent,
    source: &SourceId,
    report: ExternalScanReport,
    scan_bucket: &str,
) -> ExternalScanFinding {
    let name = SidecarName::of(source, scan_bucket);
    let whole = report.is_whole();
    let mut detections = report.detections;
    detections.sort();
    ExternalScanFinding {
        subject: name
            .as_ref()
            .map_or_else(|| Subject::Object(source.clone()), |name| Subject::Asset(name.asset.clone())),
        batch: name.map(|name| name.batch),
        job: report.job,
        severity: event.severity,
        detections,
        more_occurrences: report.more_occurrences.unwrap_or(false),
        whole,
        ids: vec![event.id.clone()],
    }
}

/// One of two that say the same: the graver one, and the ids of both. A text that one of the runs read to its end was read
/// to its end.
fn merged(one: ExternalScanFinding, other: ExternalScanFinding) -> ExternalScanFinding {
    let rank = |f: &ExternalScanFinding| {
        (f.severity, total(f), f.batch.clone(), f.job.clone(), f.detections.clone())
    };
    let ids: BTreeSet<String> = one.ids.iter().chain(&other.ids).cloned().collect();
    let whole = one.whole || other.whole;
    let more_occurrences = one.more_occurrences || other.more_occurrences;
    let graver = if rank(&one) >= rank(&other) { one } else { other };
    ExternalScanFinding { ids: ids.into_iter().collect(), whole, more_occurrences, ..graver }
}

fn total(finding: &ExternalScanFinding) -> u64 {
    finding.detections.iter().fold(0, |sum, found| sum.saturating_add(found.count))
}

impl ExternalScanFinding {
    /// A record for each type, a custom identifier's under the operator's name, with places where the map of its batch is at hand. The severity is the whole finding's:
    /// the scanner tells none by type. Beside a place stand no characters and no masked form, which it does not tell.
    pub fn records(&self, map: Option<&SidecarMap>) -> Vec<FindingRecord> {
        let record = |found: &Detection| FindingRecord {
            kind: custom::operator_name(&found.r#type).to_owned(),
            severity: self.severity,
            count: found.count,
            source: Finder::Macie,
            locations: map
                .map_or_else(Vec::new, |map| map.tie(&found.records).places)
                .into_iter()
                .map(|place| FindingLocation { place, value: None })
                .collect(),
        };
        self.detections.iter().map(record).collect()
    }
}

/// The findings of an asset with more of them: one for each kind and finder, the graver one, in the order in which they came.
pub fn join(known: &[FindingRecord], more: &[FindingRecord]) -> Vec<FindingRecord> {
    let mut all = known.to_vec();
    for one in more {
        match all.iter_mut().find(|other| (other.source, &other.kind) == (one.source, &one.kind)) {
            Some(other) if (one.severity, one.count) >= (other.severity, other.count) => *other = one.clone(),
            Some(_) => {}
            None => all.push(one.clone()),
        }
    }
    all
}

/// What the scanner says about an asset. Findings count in either case; their absence counts only in an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExternalScanAnswer {
    /// Its text was read to the end.
    Answered(Vec<ExternalScanFinding>),
    /// It was not, or not yet: the asset is unscanned.
    Unanswered {
        /// Why.
        why: Unanswered,
        /// What was found all the same.
        findings: Vec<ExternalScanFinding>,
    },
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unanswered {
    /// The job has not ended; wait.
    Running,
    /// The job failed.
    Job(JobFailure),
    /// The job ended, but a finding says that the asset's text was not read to its end.
    PartlyRead,
}

/// Judges an asset by how its last job ended and by what that job found in it.
pub fn verdict(status: &JobStatus, findings: Vec<ExternalScanFinding>) -> ExternalScanAnswer {
    let why = match status {
        JobStatus::Running => Unanswered::Running,
        JobStatus::Failed(failure) => Unanswered::Job(failure.clone()),
        JobStatus::Complete if findings.iter().any(|finding| !finding.whole) => Unanswered::PartlyRead,
        JobStatus::Complete => return ExternalScanAnswer::Answered(findings),
    };
    ExternalScanAnswer::Unanswered { why, findings }
}

#[cfg(test)]
mod tests;
