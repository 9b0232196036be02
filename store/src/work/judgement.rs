//! What becomes of findings: those of other looks at the same content count for an asset too, and its own count for every other
//! asset with that content. Policy answers them for each asset by its own key, as it is configured now.

use std::collections::BTreeSet;

use reelgate_flow::asset::{Cause, Input, Phase, Response, Screening};
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::external_scanner::findings::join;
use reelgate_ports::judgement::{in_content, not_covered, of_scanner, response, severity, strictest};
use reelgate_ports::records::{Ending, FindingRecord, HistoryEvent, Success, TaskReport};

use super::rows::LearnedFact;
use super::steps::{FollowUp, UnitOfWork};
use crate::history_lines::{self, Attribution};

/// A screening as it counts, with every finding that it is made of.
pub(super) struct Weighed {
    pub screening: Screening,
    pub findings: Vec<FindingRecord>,
    /// Those that are answered for other uploads of the content too.
    pub news: Vec<FindingRecord>,
}

impl UnitOfWork {
    /// The contents that these reports have searched, as SHA-256 in lower-case hexadecimal. Every asset with one of them must be
    /// loaded before the reports are applied.
    pub fn searched_contents(&self, reports: &[TaskReport]) -> BTreeSet<String> {
        let content = |report: &TaskReport| match &report.ending {
            Ending::Success(Success::Screened { shared: false, .. }) => {
                let loaded = self.loaded.get(&report.fence.asset)?;
                loaded.row.sha256.clone().filter(|_| loaded.holds_lease(report))
            }
            _ => None,
        };
        reports.iter().filter_map(content).collect()
    }

    /// The loaded assets whose stored findings must be known before these reports are applied.
    pub fn findings_to_look_for(
        &self,
        reports: &[TaskReport],
        contents: &BTreeSet<String>,
    ) -> BTreeSet<AssetId> {
        let is_screening = |report: &&TaskReport| {
            let screened = matches!(
                report.ending,
                Ending::Success(Success::Screened { .. } | Success::ExternallyScanned { .. })
            );
            screened && self.loaded.contains_key(&report.fence.asset)
        };
        let own = reports.iter().filter(is_screening).map(|report| report.fence.asset.clone());
        let same = self
            .loaded
            .values()
            .filter(|loaded| loaded.row.sha256.as_ref().is_some_and(|sha256| contents.contains(sha256)));
        own.chain(same.map(|loaded| loaded.row.id.clone())).collect()
    }

    /// The loaded assets that a person released. What a release covers must be known before a finding of them is judged.
    pub fn released(&self) -> BTreeSet<AssetId> {
        let released = self.loaded.values().filter(|loaded| loaded.row.core.flags.cleared);
        released.map(|loaded| loaded.row.id.clone()).collect()
    }

    /// A screening with what an external scanner has found in this content before, in whichever upload. What the classifier has
    /// found before is replaced by its latest look.
    pub(super) fn weigh_screening(
        &mut self,
        id: &AssetId,
        screening: &Screening,
        findings: &[FindingRecord],
        shared: bool,
    ) -> PortResult<Weighed> {
        let others = if shared { Vec::new() } else { self.same_content(id)? };
        let mut all = join(findings, &of_scanner(self.known_of(id)));
        for other in others {
            all = join(&all, &in_content(&of_scanner(self.known_of(&other))));
        }
        // A shared look is no news, but what the scanner found in this upload before its content was known is.
        let news = if shared { of_scanner(self.known_of(id)) } else { all.clone() };
        self.weigh(id, screening, all, news)
    }

    /// The answer of an external scanner; `findings` contains what was found before.
    pub(super) fn weigh_answer(
        &mut self,
        id: &AssetId,
        screening: &Screening,
        findings: &[FindingRecord],
    ) -> PortResult<Weighed> {
        let news = not_covered(self.known_of(id), findings).into_iter().cloned().collect();
        self.weigh(id, screening, findings.to_vec(), news)
    }

    /// A screening with all its findings: policy answers those that the stage did not know, and those that a release does not
    /// cover.
    fn weigh(
        &mut self,
        id: &AssetId,
        screening: &Screening,
        findings: Vec<FindingRecord>,
        news: Vec<FindingRecord>,
    ) -> PortResult<Weighed> {
        let row = &self.at(id)?.row;
        let (key, released) = (row.source.id.key.clone(), row.core.flags.cleared);
        let mut screening = screening.clone();
        let scanners = of_scanner(&findings);
        screening.severity = screening.severity.max(severity(&scanners));
        screening.response = screening.response.max(strictest(&self.policy, &key, &scanners));
        if released {
            screening.uncovered = strictest(&self.policy, &key, not_covered(self.covered_of(id), &findings));
        }
        Ok(Weighed { screening, findings, news })
    }

    fn covered_of(&self, id: &AssetId) -> &[FindingRecord] {
        self.covered.get(id).map_or(&[], Vec::as_slice)
    }

    /// Writes down what a release covers: everything that is known of the asset now.
    pub(super) fn cover(&mut self, id: &AssetId) -> PortResult<()> {
        let covered: Vec<FindingRecord> = self
            .known_of(id)
            .iter()
            .map(|finding| FindingRecord { locations: Vec::new(), ..finding.clone() })
            .collect();
        let result = serde_json::to_value(covered).map_err(|error| {
            PortError::new(Port::Store, ErrorKind::Invalid, "keep what a release covers", error.to_string())
        })?;
        let (asset, task, attempt) = (id.clone(), TaskKey::Restore, 0);
        self.learned.push(LearnedFact::Product { asset, task, attempt, result, outputs: Vec::new() });
        Ok(())
    }

    pub(super) fn known_of(&self, id: &AssetId) -> &[FindingRecord] {
        self.known.get(id).map_or(&[], Vec::as_slice)
    }

    /// Remembers that these findings count for every other asset with the content of this one.
    pub(super) fn found_in_content(&mut self, id: &AssetId, findings: &[FindingRecord]) {
        let findings = in_content(findings);
        if !findings.is_empty() {
            self.follow_ups.push_back(FollowUp::SameContent { id: id.clone(), findings });
        }
    }

    /// Steps an asset with findings that its own screening did not have, and keeps them with it. False if they change nothing.
    pub(super) fn add_findings(
        &mut self,
        id: &AssetId,
        findings: &[FindingRecord],
        cause: Cause,
    ) -> PortResult<bool> {
        let row = &self.at(id)?.row;
        if row.core.phase == Phase::Erased {
            return Ok(false);
        }
        let (key, flags) = (row.source.id.key.clone(), row.core.flags);
        let counts: Vec<&FindingRecord> = match flags.cleared {
            true => not_covered(self.covered_of(id), findings),
            false => findings.iter().collect(),
        };
        // What its new encodes leave out is still in the content.
        let is_removed = |one: &FindingRecord| {
            let asked = response(&self.policy, &key, one) == Response::RedactThenPublish;
            asked && flags.redacted && cause == Cause::FoundInContent
        };
        let counts: Vec<FindingRecord> = counts.into_iter().filter(|one| !is_removed(one)).cloned().collect();
        self.learned.push(LearnedFact::MoreFindings(id.clone(), findings.to_vec()));
        if counts.is_empty() {
            return Ok(false);
        }
        let (severity, response) = (severity(&counts), strictest(&self.policy, &key, &counts));
        if cause == Cause::FoundInContent && self.at(id)?.row.core.is_news(severity, response) {
            let kinds: BTreeSet<&str> = counts.iter().map(|one| one.kind.as_str()).collect();
            let kinds: Vec<&str> = kinds.into_iter().collect();
            let detail = format!(
                "{} in another upload with the same content, severity {}",
                kinds.join(", "),
                severity.as_str()
            );
            let now_ms = self.now_ms;
            self.note(id, history_lines::line(now_ms, HistoryEvent::Scanned, detail))?;
        }
        self.step(id, Input::Found { severity, response, cause }, Attribution::default())
    }
}
