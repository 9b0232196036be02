//! Applies reports of attempts: the fence is checked first, then the core steps, then the results are recorded.

use reelgate_flow::asset::{Input, Outcome, Phase};
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;

use super::judgement::Weighed;
use super::rows::LearnedFact;
use super::steps::UnitOfWork;
use crate::history_lines::{self, Attribution};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::order::{self, Priority};
use reelgate_ports::records::{
    Applied, Ending, HistoryEvent, KeptSource, Success, TaskReport, WithdrawalRecord,
};

impl UnitOfWork {
    /// The content whose earlier assets must be loaded before this report is applied, as SHA-256 in lower-case
    /// hexadecimal. `None` if the report cannot link its asset to another one, or is stale.
    pub fn content_to_look_for(&self, report: &TaskReport) -> Option<String> {
        let Ending::Success(Success::Validated { .. }) = &report.ending else { return None };
        let loaded = self.loaded.get(&report.fence.asset)?;
        if loaded.row.forced || !loaded.holds_lease(report) {
            return None;
        }
        report.sha256.clone().or_else(|| loaded.row.sha256.clone())
    }

    /// Applies one report. The caller has loaded its asset and the assets of [`UnitOfWork::content_to_look_for`].
    pub fn report(&mut self, report: &TaskReport) -> PortResult<Applied> {
        let id = &report.fence.asset;
        let holds = self.loaded.get(id).is_some_and(|loaded| loaded.holds_lease(report));
        if !holds {
            self.charge(report, true);
            return Ok(Applied::Stale);
        }
        let weighed = self.weighed(report)?;
        let input = self.input(report, weighed.as_ref())?;
        self.account(report)?;
        self.prioritise(report)?;
        let by = Attribution { node: Some(&report.node), usage: Some(report.usage), cause: None };
        let applied = self.step(id, input, by)?;
        self.charge(report, !applied || !matches!(report.ending, Ending::Success(_)));
        if !applied {
            return Ok(Applied::Stale);
        }
        self.learn(report)?;
        if let Some(Weighed { findings, news, .. }) = weighed {
            self.found_in_content(id, &news);
            self.learned.push(LearnedFact::Findings(id.clone(), findings));
        }
        Ok(Applied::Committed(self.at(id)?.row.core.phase))
    }

    /// A screening with everything that is known of the content; `None` for every other report.
    fn weighed(&mut self, report: &TaskReport) -> PortResult<Option<Weighed>> {
        let id = &report.fence.asset;
        match &report.ending {
            Ending::Success(Success::Screened { screening, findings, shared, .. }) => {
                self.weigh_screening(id, screening, findings, *shared).map(Some)
            }
            Ending::Success(Success::ExternallyScanned { screening, findings }) => {
                self.weigh_answer(id, screening, findings).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn input(&mut self, report: &TaskReport, weighed: Option<&Weighed>) -> PortResult<Input> {
        let (task, attempt) = (report.fence.task, report.fence.attempt);
        let outcome = match &report.ending {
            Ending::Fault(fault) => return Ok(Input::Failed { task, attempt, fault: fault.clone() }),
            Ending::GivenBack => return Ok(Input::GivenBack { task, attempt }),
            Ending::Success(Success::Validated { video_chunks, audio, captions, .. }) => {
                let known = self.at(&report.fence.asset)?.row.sha256.clone();
                let sha256 = report.sha256.clone().or(known);
                let original = self.link_to_original(&report.fence.asset, sha256.as_deref())?;
                let files = self.has_caption_files(&report.fence.asset);
                Outcome::Validated {
                    files,
                    video_chunks: *video_chunks,
                    audio: *audio,
                    captions: *captions,
                    original,
                }
            }
            Ending::Success(Success::Attached { delay_ms }) => match self.films_of(&report.fence.asset)[..] {
                [] => Outcome::Waiting { delay_ms: *delay_ms },
                _ => Outcome::Attached,
            },
            Ending::Success(Success::Screened { screening, .. }) => {
                Outcome::Screened(weighed.map_or_else(|| screening.clone(), |all| all.screening.clone()))
            }
            Ending::Success(Success::LooksAgain) => Outcome::LooksAgain,
            Ending::Success(Success::ExternallyScanned { screening, .. }) => Outcome::ExternallyScanned(
                weighed.map_or_else(|| screening.clone(), |all| all.screening.clone()),
            ),
            Ending::Success(Success::Waiting { delay_ms }) => Outcome::Waiting { delay_ms: *delay_ms },
            Ending::Success(Success::Restored { published_location, .. }) => {
                Outcome::Restored { outputs: published_location.is_some() }
            }
            Ending::Success(_) => Outcome::Finished,
        };
        Ok(Input::Done { task, attempt, outcome })
    }

    /// Adds what the attempt used, and keeps the hash, the facts and the metadata of the source even if the attempt failed.
    fn account(&mut self, report: &TaskReport) -> PortResult<()> {
        let loaded = self.at(&report.fence.asset)?;
        if let Some(extra) = loaded.extras.get_mut(&report.fence.task) {
            extra.wall_ms = extra.wall_ms.saturating_add(report.usage.wall_ms);
            extra.cpu_ms = extra.cpu_ms.saturating_add(report.usage.cpu_ms);
            extra.memory_bytes_max = extra.memory_bytes_max.max(report.usage.memory_bytes_max);
        }
        if let Some(sha256) = &report.sha256 {
            loaded.hashed |= loaded.row.sha256.as_ref() != Some(sha256);
            loaded.row.sha256 = Some(sha256.clone());
        }
        if let Some(facts) = &report.facts {
            self.learned.push(LearnedFact::Facts(report.fence.asset.clone(), facts.clone()));
        }
        if let Some(metadata) = &report.metadata {
            self.learned.push(LearnedFact::Metadata(report.fence.asset.clone(), metadata.clone()));
        }
        Ok(())
    }

    /// Gives the asset the priority that its producer asks for, before its other tasks are placed. An operator's profile or import
    /// has decided if it is not the normal one.
    fn prioritise(&mut self, report: &TaskReport) -> PortResult<()> {
        let Ending::Success(Success::Validated { priority: Some(asked), .. }) = report.ending else {
            return Ok(());
        };
        let row = &mut self.at(&report.fence.asset)?.row;
        if row.priority == Priority::Normal {
            row.queue_position = order::moved(row.queue_position, row.received_ms, row.priority, asked);
            row.priority = asked;
        }
        Ok(())
    }

    fn learn(&mut self, report: &TaskReport) -> PortResult<()> {
        let Ending::Success(success) = &report.ending else { return Ok(()) };
        let asset = report.fence.asset.clone();
        let (task, attempt) = (report.fence.task, report.fence.attempt);
        let product = |result: &serde_json::Value, outputs: &[_]| LearnedFact::Product {
            asset: asset.clone(),
            task,
            attempt,
            result: result.clone(),
            outputs: outputs.to_vec(),
        };
        match success {
            Success::Validated { plan, jobs, .. } => {
                self.learned.push(product(plan, &[]));
                self.learned.push(LearnedFact::Jobs(asset, jobs.clone()));
            }
            Success::Produced { result, outputs } => self.learned.push(product(result, outputs)),
            Success::Packaged { result, renditions, left_out, outputs } => {
                self.learned.push(product(result, outputs));
                let (renditions, left_out) = (renditions.clone(), left_out.clone());
                self.learned.push(LearnedFact::Packaged { asset, renditions, left_out });
            }
            Success::Screened { redaction, result, .. } => {
                self.learned.extend(result.as_ref().map(|result| product(result, &[])));
                if let Some(redaction) = redaction {
                    self.learned.push(LearnedFact::Redaction(asset, redaction.clone()));
                }
            }
            Success::Attached { .. }
            | Success::ExternallyScanned { .. }
            | Success::LooksAgain
            | Success::Waiting { .. } => {}
            Success::Published { location } => {
                let loaded = self.at(&asset)?;
                loaded.row.published_location = Some(location.clone());
            }
            Success::Withdrawn { source_location, withdrawal_record } => {
                let row = &mut self.at(&asset)?.row;
                row.source.location = source_location.clone();
                row.published_location = None;
                let phase = row.core.phase;
                // No output of a rejected or superseded upload needs a proof that it is gone.
                if matches!(phase, Phase::Quarantined | Phase::Erased) {
                    self.record_withdrawal(&asset, attempt, withdrawal_record)?;
                }
            }
            Success::Restored { source_location, published_location } => {
                let row = &mut self.at(&asset)?.row;
                row.source.location = source_location.clone();
                row.published_location = published_location.clone();
            }
            Success::SourceKept(KeptSource::Copied(location)) => {
                self.at(&asset)?.row.source.location = location.clone();
            }
            Success::SourceKept(KeptSource::Already) => {}
            Success::SourceKept(KeptSource::Gone) => {
                let gone = "its source is gone: nothing of it can be kept";
                self.note(&asset, history_lines::line(self.now_ms, HistoryEvent::Held, gone))?;
            }
        }
        Ok(())
    }
}

impl UnitOfWork {
    /// Records what a withdrawal removed and proved; an erased asset's rows are emptied first.
    fn record_withdrawal(
        &mut self,
        id: &AssetId,
        attempt: u32,
        withdrawal_record: &WithdrawalRecord,
    ) -> PortResult<()> {
        let result = serde_json::to_value(withdrawal_record).map_err(|error| {
            PortError::new(Port::Store, ErrorKind::Invalid, "keep a withdrawal record", error.to_string())
        })?;
        let proof = history_lines::withdrawal_line(self.now_ms, withdrawal_record, &result);
        self.note(id, proof)?;
        if self.at(id)?.row.core.phase == Phase::Erased {
            self.learned.push(LearnedFact::Erased(id.clone()));
        }
        let (asset, task) = (id.clone(), TaskKey::Withdraw);
        self.learned.push(LearnedFact::Product { asset, task, attempt, result, outputs: Vec::new() });
        Ok(())
    }
}
