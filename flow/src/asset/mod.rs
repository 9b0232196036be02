//! The life of an asset: [`Asset::step`] alone knows what comes after what.
//!
//! This file holds the way from arrival to publishing. `tasks` starts, fences and retries the units of
//! work, `originals` follows an earlier asset with the same content, `exits` leads out and back in, `redo` makes part of
//! what stands published anew, `decisions` is what people decide about personal data.

mod decisions;
mod duplicates;
mod exits;
mod flags;
mod messages;
mod redo;
mod tasks;
mod words;

#[cfg(test)]
mod tests;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

pub use decisions::{Cause, Parts};
pub use flags::Flags;
pub use messages::{Effect, Input, Note, Original, OriginalEnd, Outcome, Screening, Stale};
pub use tasks::TaskRecord;
pub use words::{Exit, NoticeKind, Phase, Redo, Response, Severity, TaskState, Verdict};

use crate::limits::CHUNKS_MAX;
use crate::reason::{Code, Fault};
use crate::task::TaskKey;

/// An asset as the core sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asset {
    /// Where it is in its life.
    pub phase: Phase,
    /// Its tasks, at most [`crate::limits::TASKS_MAX`]; none is ever taken out, for its attempts are the fence.
    pub tasks: BTreeMap<TaskKey, TaskRecord>,
    /// Screening's result so far.
    pub verdict: Verdict,
    /// Highest severity so far; an original's counts as its own.
    pub severity: Severity,
    /// What people and policy decided about it.
    pub flags: Flags,
    /// Why it was refused or failed.
    pub reason: Option<Fault>,
    /// The exit it leaves by while withdrawing; kept once it has left.
    pub exit: Option<Exit>,
    /// Whether its outputs are a copy of an earlier asset's instead of encoded anew.
    pub linked: bool,
    /// Times it was redriven, redone, redacted by hand or released.
    pub redrives: u32,
    /// Seeds the jitter, so that assets do not retry in step; derived from the id by the store.
    pub jitter_seed: u64,
}

impl Asset {
    /// An asset that [`Input::Arrived`] is about to be fed to.
    pub fn new(jitter_seed: u64) -> Self {
        Self {
            phase: Phase::Received,
            tasks: BTreeMap::new(),
            verdict: Verdict::Unscanned,
            severity: Severity::None,
            flags: Flags::default(),
            reason: None,
            exit: None,
            linked: false,
            redrives: 0,
            jitter_seed,
        }
    }

    /// Applies one input: either changes the asset and lists the effects, or changes nothing.
    ///
    /// Every task record that changes is named by an [`Effect::Start`] or [`Effect::Settle`], so a store
    /// writes the records those name and the asset's own row, and nothing else.
    pub fn step(&mut self, input: Input, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        match input {
            Input::Arrived => self.arrived(effects),
            Input::Done { task, attempt, outcome } => self.done(task, attempt, outcome, effects),
            Input::Failed { task, attempt, fault } => self.failed(task, attempt, fault, effects),
            Input::GivenBack { task, attempt } => self.given_back(task, attempt, effects),
            Input::OriginalEnded(end) => self.original_ended(end, effects),
            Input::Superseded => self.superseded(effects),
            Input::Redrive => self.redriven(effects),
            Input::Redo(what) => self.redone(what, effects),
            Input::Quarantine(cause) => self.quarantine(cause, effects),
            Input::Found { severity, response } => self.found(severity, response, effects),
            Input::Release => self.released(effects),
            Input::Erase => self.erased(effects),
            Input::Hold(held) => self.held(held, effects),
            Input::Redact(parts) => self.redacted(&parts, effects),
        }
    }

    fn arrived(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        if self.phase != Phase::Received || !self.tasks.is_empty() {
            return Err(Stale);
        }
        self.enter(Phase::Received, effects);
        self.start(TaskKey::Validate, effects);
        Ok(())
    }

    fn done(
        &mut self,
        task: TaskKey,
        attempt: u32,
        outcome: Outcome,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Stale> {
        self.answer(task, attempt)?;
        if !fits(task, &outcome) {
            // Calling it stale would leave the task leased to nobody until the lease runs out.
            let fault = Fault::new(Code::WorkerProtocol, "expected a result that fits its task");
            self.count_fault(task, attempt, fault, effects);
            return Ok(());
        }
        if let Outcome::Waiting { delay_ms } = outcome {
            self.wait(task, attempt, delay_ms, effects);
            return Ok(());
        }
        self.settle(task, TaskState::Done, effects);
        effects.push(Effect::Note(Note::Finished(task, attempt)));
        match outcome {
            Outcome::Validated { video_chunks, audio, original } => {
                self.validated(video_chunks, audio, original, effects);
            }
            Outcome::Screened(screening) => self.screened(screening, effects),
            Outcome::ExternallyScanned(screening) => self.scanned(&screening, effects),
            Outcome::Restored { outputs } => self.restored(outputs, effects),
            Outcome::Finished | Outcome::Waiting { .. } => self.finished(task, effects),
        }
        Ok(())
    }

    fn validated(&mut self, video_chunks: u16, audio: bool, original: Original, effects: &mut Vec<Effect>) {
        match original {
            Original::Running => self.link(effects),
            // Who was let go is not quarantined again because the other one still is.
            Original::Ended(end) if end.is_shared() && !(self.flags.cleared && end.is_quarantined()) => {
                self.link(effects);
                self.follow(end, effects);
            }
            Original::None | Original::Ended(_) => self.process(video_chunks, audio, effects),
        }
    }

    fn process(&mut self, video_chunks: u16, audio: bool, effects: &mut Vec<Effect>) {
        self.enter(Phase::Processing, effects);
        for chunk in 0..video_chunks {
            self.start(TaskKey::Video { chunk }, effects);
        }
        if audio {
            self.start(TaskKey::Audio, effects);
        }
        self.start(TaskKey::Enrich, effects);
    }

    /// Counts what was found to what is known; without the scanner's answer there is no verdict yet.
    fn judge(&mut self, screening: &Screening, effects: &mut Vec<Effect>) {
        self.severity = self.severity.max(screening.severity);
        self.flags.response = self.flags.response.max(screening.response);
        self.verdict = match self.severity {
            _ if screening.scan => Verdict::Unscanned,
            Severity::None | Severity::Low if !self.flags.quarantines() => Verdict::Clean,
            _ => Verdict::Flagged,
        };
        effects.push(Effect::Note(Note::Judged(self.verdict, self.severity)));
    }

    fn screened(&mut self, screening: Screening, effects: &mut Vec<Effect>) {
        self.judge(&screening, effects);
        if self.flags.response == Response::RedactThenPublish && !self.flags.cleared {
            match screening.parts {
                // Once is enough: what is still found in what was redacted cannot be redacted.
                Some(parts) if !self.flags.redacted && !self.linked && self.has(&parts) => {
                    return self.redact(&parts, effects);
                }
                _ => self.flags.response = Response::Quarantine,
            }
        }
        if self.flags.quarantines() {
            let fault = Fault::new(Code::PersonalData, "");
            self.withdraw(Exit::Quarantine, fault, effects);
            effects.push(Effect::CloseOver { same_content: screening.of_content });
            return;
        }
        if screening.scan {
            return self.start(TaskKey::ExternalScan, effects);
        }
        self.settle(TaskKey::ExternalScan, TaskState::Dropped, effects);
        self.publish_when_ready(effects);
    }

    fn scanned(&mut self, screening: &Screening, effects: &mut Vec<Effect>) {
        self.judge(screening, effects);
        if self.flags.response == Response::RedactThenPublish && !self.flags.cleared {
            self.flags.response = Response::Quarantine;
        }
        if self.flags.quarantines() {
            let fault = Fault::new(Code::PersonalData, Cause::Scanner.as_str());
            self.withdraw(Exit::Quarantine, fault, effects);
            effects.push(Effect::CloseOver { same_content: screening.of_content });
            return;
        }
        self.publish_when_ready(effects);
    }

    fn finished(&mut self, task: TaskKey, effects: &mut Vec<Effect>) {
        match task {
            TaskKey::Video { .. } | TaskKey::Audio => {
                if self.is_encoded() {
                    self.encoded(effects);
                }
            }
            TaskKey::Enrich => self.start(TaskKey::Screen, effects),
            TaskKey::Package => self.publish_when_ready(effects),
            TaskKey::Publish => self.end(Phase::Published, effects),
            // Without an exit there is no telling where it was to go: ours to mend.
            TaskKey::Withdraw => self.end(self.exit.map_or(Phase::Failed, Exit::leads_to), effects),
            TaskKey::Validate | TaskKey::Screen | TaskKey::ExternalScan | TaskKey::Restore => {}
        }
    }

    fn publish_when_ready(&mut self, effects: &mut Vec<Effect>) {
        let packaged = self.linked || self.is_done(TaskKey::Package);
        let accepted = self.is_done(TaskKey::Screen) && self.verdict != Verdict::Unscanned;
        if packaged && accepted && !self.awaits_scan() {
            self.enter(Phase::Screened, effects);
            self.start(TaskKey::Publish, effects);
        }
    }

    fn encoded(&mut self, effects: &mut Vec<Effect>) {
        self.start(TaskKey::Package, effects);
        // Pictures and text of what is redacted come from the encodes, not from the source.
        if self.flags.redacted && !self.is_done(TaskKey::Enrich) {
            self.start(TaskKey::Enrich, effects);
        }
    }

    /// Whether a scanner outside was asked and has not answered.
    pub(crate) fn awaits_scan(&self) -> bool {
        !matches!(self.state_of(TaskKey::ExternalScan), None | Some(TaskState::Done | TaskState::Dropped))
    }

    /// Whether every encode that the plan asks for is done; what an earlier plan asked for is dropped.
    pub(crate) fn is_encoded(&self) -> bool {
        let planned = |(key, t): &(&TaskKey, &TaskRecord)| {
            matches!(key, TaskKey::Video { .. } | TaskKey::Audio) && t.state != TaskState::Dropped
        };
        self.tasks.iter().filter(planned).all(|(_, t)| t.state == TaskState::Done)
    }

    fn enter(&mut self, phase: Phase, effects: &mut Vec<Effect>) {
        self.phase = phase;
        effects.push(Effect::Note(Note::Entered(phase)));
    }
}

fn fits(task: TaskKey, outcome: &Outcome) -> bool {
    match (outcome, task) {
        (Outcome::Validated { video_chunks, audio, .. }, TaskKey::Validate) => {
            *video_chunks <= CHUNKS_MAX && (*video_chunks > 0 || *audio)
        }
        (Outcome::Screened(_), TaskKey::Screen)
        | (Outcome::ExternallyScanned(_) | Outcome::Waiting { .. }, TaskKey::ExternalScan)
        | (Outcome::Restored { .. }, TaskKey::Restore) => true,
        (
            Outcome::Finished,
            TaskKey::Validate | TaskKey::Screen | TaskKey::ExternalScan | TaskKey::Restore,
        ) => false,
        (Outcome::Finished, _) => true,
        _ => false,
    }
}
