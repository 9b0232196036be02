//! Folds finding events: merges repeats, groups findings by asset, and judges whether the scanner has answered.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::asset::Severity;
use reelgate_flow::ids::{AssetId, SourceId};

use super::custom;
use super::ids::{BatchId, JobId};
use super::job::{JobFailure, JobStatus};
use super::report::{Detection, ExternalScanReport};
use super::sidecar::{SidecarMap, SidecarName};
use crate::records::{ExternalScanEvent, Finder, FindingLocation, FindingRecord};

/// The object that a finding is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Subject {
    /// The text of an asset, in a sidecar that Reelgate wrote. The asset's id stands for bucket, key and version of the upload.
    Asset(AssetId),
    /// Another object, at a version.
    Object(SourceId),
}

/// One finding, however often the scanner reported it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExternalScanFinding {
    /// The object that it is about.
    pub subject: Subject,
    /// The batch whose map locates the finding's lines; `None` if it is not about an asset.
    pub batch: Option<BatchId>,
    /// The job that reported it.
    pub job: Option<JobId>,
    /// Over all its types.
    pub severity: Severity,
    /// By type, in order.
    pub detections: Vec<Detection>,
    /// There are more occurrences than are listed.
    pub more_occurrences: bool,
    /// At least one of the runs that reported the finding read the object to its end.
    pub whole: bool,
    /// Ids of the events that reported it, in order.
    pub ids: Vec<String>,
}

/// Folded events.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Folded {
    /// In order of their subject.
    pub findings: Vec<ExternalScanFinding>,
    /// Ids of events that report nothing about an object's content: samples, policy findings, and events whose summary cannot
    /// be parsed.
    pub set_aside: BTreeSet<String>,
}

type Types = BTreeSet<(String, String)>;

/// Folds events by subject and types. A repeated event counts once, and so does a later run over the same text that finds
/// the same. The result does not depend on the order of the events.
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

/// Merges two reports of the same finding: keeps the graver one and the ids of both. If either run read the text to its
/// end, the merged finding is whole.
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
    /// One record for each type; a custom identifier has the operator's name. `map` is the map of the finding's batch: without
    /// it, the records have no places. Every record has the severity of the whole finding, because the scanner reports none
    /// by type. A place has neither characters nor a masked value, because the scanner reports neither.
    pub fn records(&self, map: Option<&SidecarMap>) -> Vec<FindingRecord> {
        let record = |found: &Detection| FindingRecord {
            kind: custom::operator_name(&found.r#type).to_owned(),
            severity: self.severity,
            count: found.count,
            source: Finder::Macie,
            locations: map
                .map_or_else(Vec::new, |map| map.locate(&found.records).places)
                .into_iter()
                .map(|place| FindingLocation { place, value: None })
                .collect(),
        };
        self.detections.iter().map(record).collect()
    }
}

/// Adds findings to an asset's known findings: keeps the graver one for each kind and finder, in order of arrival.
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

/// The scanner's result for an asset. Findings count in both cases; their absence counts only in an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExternalScanAnswer {
    /// The scanner read the asset's text to its end.
    Answered(Vec<ExternalScanFinding>),
    /// The scanner did not read the text to its end, or not yet: the asset is unscanned.
    Unanswered {
        /// The cause.
        why: Unanswered,
        /// Findings so far.
        findings: Vec<ExternalScanFinding>,
    },
}

/// Why the scanner has no answer for an asset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unanswered {
    /// The job has not ended yet.
    Running,
    /// The job failed.
    Job(JobFailure),
    /// The job ended, but a finding reports that the asset's text was not read to its end.
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
