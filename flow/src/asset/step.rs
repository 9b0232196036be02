//! The way of an asset from arrival to publishing.

use alloc::vec::Vec;

use super::cause::Cause;
use super::messages::{Effect, Input, Note, Original, Outcome, Screening, Stale};
use super::parts::Parts;
use super::state::Asset;
use super::words::{Exit, Phase, Response, Severity, TaskState, Verdict};
use crate::limits::CHUNKS_MAX;
use crate::reason::{Code, Fault};
use crate::surface;
use crate::task::TaskKey;

/// What validation planned.
struct Planned {
    video_chunks: u16,
    audio: bool,
    captions: bool,
}

impl Asset {
    /// Applies one input: either changes the asset and adds the effects, or changes nothing and returns `Stale`.
    ///
    /// An [`Effect::Start`] or [`Effect::Settle`] names every task record that changes. A store writes those records and the
    /// asset's own row, and nothing else.
    pub fn step(&mut self, input: Input, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        match input {
            Input::Arrived => self.arrived(effects),
            Input::Done { task, attempt, outcome } => self.done(task, attempt, outcome, effects),
            Input::Failed { task, attempt, fault } => self.failed(task, attempt, fault, effects),
            Input::GivenBack { task, attempt } => self.given_back(task, attempt, effects),
            Input::OriginalEnded(end) => self.original_ended(end, effects),
            Input::Superseded => self.superseded(effects),
            Input::Redrive { published } => self.redriven(published, effects),
            Input::Redo(what) => self.redone(what, effects),
            Input::Quarantine(cause) => self.quarantine(cause, effects),
            Input::Found { severity, response, cause } => self.found(severity, response, cause, effects),
            Input::Release => self.released(effects),
            Input::Erase => self.erased(effects),
            Input::Hold(held) => self.held(held, effects),
            Input::Redact(parts) => self.redacted(&parts, effects),
            Input::ContentRedacted => self.content_redacted(effects),
            Input::CaptionFileCame => self.caption_file_came(effects),
            Input::OverBudget { detail } => self.over_budget(&detail, effects),
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
        let alone = outcome == Outcome::LooksAgain && !self.linked;
        if alone || !fits(task, &outcome) {
            // A stale answer would leave the task unusable until its lease expires.
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
            Outcome::Validated { video_chunks, audio, captions, files, original } => {
                self.flags.captioned |= files;
                let captions = captions || self.flags.captioned;
                self.validated(Planned { video_chunks, audio, captions }, original, effects);
            }
            Outcome::Attached => self.attached(effects),
            Outcome::Screened(screening) => self.screened(screening, effects),
            Outcome::LooksAgain => {
                effects.push(Effect::Note(Note::LookingAgain));
                self.start(TaskKey::Enrich, effects);
            }
            Outcome::ExternallyScanned(screening) => self.scanned(&screening, effects),
            Outcome::Restored { outputs } => self.restored(outputs, effects),
            Outcome::Finished | Outcome::Waiting { .. } => self.finished(task, effects),
        }
        Ok(())
    }

    fn validated(&mut self, planned: Planned, original: Original, effects: &mut Vec<Effect>) {
        match original {
            // What must be left out of it may not be left out of the original.
            _ if self.flags.redacted => self.process(planned, effects),
            Original::Redacted => self.process_redacted(planned, effects),
            Original::Running { redacted: true } if self.flags.captioned => {
                self.process_redacted(planned, effects);
            }
            Original::Running { .. } if self.flags.captioned => self.process(planned, effects),
            // What its original publishes has no captions of its own.
            Original::Ended(end)
                if self.flags.captioned && end.phase == Phase::Published && !end.released =>
            {
                self.flags.redacted |= end.redacted;
                self.process(planned, effects);
            }
            Original::Running { redacted } => {
                self.flags.redacted = redacted;
                self.link(effects);
            }
            // A released asset is not quarantined again because its original still is, or was.
            Original::Ended(end) if end.is_shared() && !(self.flags.cleared && end.quarantines()) => {
                self.link(effects);
                self.follow(end, effects);
            }
            Original::None | Original::Ended(_) => self.process(planned, effects),
        }
    }

    fn process_redacted(&mut self, planned: Planned, effects: &mut Vec<Effect>) {
        self.flags.redacted = true;
        self.process(planned, effects);
    }

    fn process(&mut self, planned: Planned, effects: &mut Vec<Effect>) {
        self.enter(Phase::Processing, effects);
        for chunk in 0..planned.video_chunks {
            self.start(TaskKey::Video { chunk }, effects);
        }
        if planned.audio {
            self.start(TaskKey::Audio, effects);
        }
        if planned.captions {
            self.start(TaskKey::Captions, effects);
        }
        // The text of a redacted asset comes from its encodes.
        if !self.flags.redacted {
            self.start(TaskKey::Enrich, effects);
        }
    }

    /// Adds the findings to the known ones; without the external scanner's answer there is no verdict yet.
    fn judge(&mut self, screening: &Screening, redactable: bool, effects: &mut Vec<Effect>) {
        self.severity = self.severity.max(screening.severity);
        self.flags.response = self.flags.response.max(screening.response);
        if self.flags.response == Response::RedactThenPublish && !self.flags.cleared && !redactable {
            self.flags.response = Response::Quarantine;
        }
        self.surfaces.clone_from(&screening.surfaces);
        let incomplete = !screening.incomplete.is_empty();
        self.verdict = match self.severity {
            _ if screening.scan => Verdict::Unscanned,
            // After a release the findings still count, but what was not looked at is not clean.
            Severity::Medium | Severity::High if self.flags.cleared => Verdict::Flagged,
            _ if incomplete && !self.flags.quarantines() => Verdict::Unscanned,
            Severity::None | Severity::Low if !self.flags.quarantines() => Verdict::Clean,
            _ => Verdict::Flagged,
        };
        effects.push(Effect::Note(Note::Judged(self.verdict, self.severity)));
    }

    /// Ends a release that does not cover what was found now. A person decides again, whatever else policy asks for.
    fn end_release(&mut self, screening: &Screening, effects: &mut Vec<Effect>) -> Option<Cause> {
        if !self.flags.cleared || screening.uncovered < Response::RedactThenPublish {
            return None;
        }
        self.flags.cleared = false;
        self.flags.response = Response::Quarantine;
        effects.push(Effect::Note(Note::Quarantining(Cause::AfterRelease)));
        Some(Cause::AfterRelease)
    }

    fn screened(&mut self, screening: Screening, effects: &mut Vec<Effect>) {
        let ended = self.end_release(&screening, effects);
        let parts = self.redactable(&screening);
        self.judge(&screening, parts.is_some(), effects);
        if self.flags.response == Response::RedactThenPublish
            && !self.flags.cleared
            && let Some(parts) = parts
        {
            return self.redact(&parts, effects);
        }
        if self.flags.quarantines() {
            return self.quarantine_for_findings(ended.map_or("", Cause::as_str), effects);
        }
        if self.is_held_back(&screening) {
            return self.hold_back(&screening, effects);
        }
        if screening.scan {
            return self.start(TaskKey::ExternalScan, effects);
        }
        self.settle(TaskKey::ExternalScan, TaskState::Dropped, effects);
        self.publish_when_ready(effects);
    }

    fn scanned(&mut self, screening: &Screening, effects: &mut Vec<Effect>) {
        self.end_release(screening, effects);
        self.judge(screening, false, effects);
        if self.flags.quarantines() {
            return self.quarantine_for_findings(Cause::Scanner.as_str(), effects);
        }
        if self.is_held_back(screening) {
            return self.hold_back(screening, effects);
        }
        self.publish_when_ready(effects);
    }

    /// What a redaction because of this screening encodes again. Redacted only once: what is still found after a redaction cannot
    /// be redacted. A surface that was not analysed may hold more, which the new encodes would not leave out.
    fn redactable(&self, screening: &Screening) -> Option<Parts> {
        let may = !self.flags.redacted && !self.linked && screening.incomplete.is_empty();
        screening.parts.clone().filter(|parts| may && self.has(parts))
    }

    /// Quarantines an asset because policy asks for it, and the older versions of its key. Other uploads of the content are
    /// judged by themselves.
    fn quarantine_for_findings(&mut self, detail: &str, effects: &mut Vec<Effect>) {
        self.withdraw(Exit::Quarantine, Fault::new(Code::PersonalData, detail), effects);
        effects.push(Effect::CloseOver { same_content: false });
    }

    /// Whether something that policy requires was not analysed whole, and nobody has released the asset.
    fn is_held_back(&self, screening: &Screening) -> bool {
        !screening.incomplete.is_empty() && !self.flags.cleared
    }

    /// Quarantines an asset that could not be screened completely, until a person decides. Other uploads are not concerned:
    /// nothing was found that they could share.
    fn hold_back(&mut self, screening: &Screening, effects: &mut Vec<Effect>) {
        self.flags.response = Response::Quarantine;
        let reason = Fault::new(Code::ScreeningIncomplete, surface::label(&screening.incomplete));
        self.withdraw(Exit::Quarantine, reason, effects);
    }

    fn finished(&mut self, task: TaskKey, effects: &mut Vec<Effect>) {
        match task {
            TaskKey::Video { .. } | TaskKey::Audio | TaskKey::Captions => {
                if self.is_encoded() {
                    self.encoded(effects);
                }
                if task == TaskKey::Captions {
                    self.screen_caption_files(effects);
                }
            }
            TaskKey::Enrich if self.awaits_caption_files() => {}
            TaskKey::Enrich => self.start(TaskKey::Screen, effects),
            TaskKey::Package => self.publish_when_ready(effects),
            TaskKey::Publish => self.end(Phase::Published, effects),
            // Without an exit its end is unknown, which is our fault.
            TaskKey::Withdraw => self.end(self.exit.map_or(Phase::Failed, Exit::leads_to), effects),
            TaskKey::Validate
            | TaskKey::Screen
            | TaskKey::ExternalScan
            | TaskKey::Restore
            | TaskKey::KeepSource => {}
        }
    }

    fn publish_when_ready(&mut self, effects: &mut Vec<Effect>) {
        let packaged = self.linked || self.is_done(TaskKey::Package);
        // A person may publish what could not be screened completely; its verdict stays `unscanned`.
        let judged = self.verdict != Verdict::Unscanned || self.flags.cleared;
        let accepted = self.is_done(TaskKey::Screen) && judged;
        if packaged && accepted && !self.awaits_scan() {
            self.enter(Phase::Screened, effects);
            if self.flags.held && self.may_be_visible() {
                return self.stop_for_hold(effects);
            }
            self.start(TaskKey::Publish, effects);
        }
    }

    fn encoded(&mut self, effects: &mut Vec<Effect>) {
        self.start(TaskKey::Package, effects);
        // The frames and the text of a redacted asset come from its encodes, not from its source.
        if self.flags.redacted && !self.is_done(TaskKey::Enrich) {
            self.start(TaskKey::Enrich, effects);
        }
    }
}

fn fits(task: TaskKey, outcome: &Outcome) -> bool {
    match (outcome, task) {
        (Outcome::Validated { video_chunks, audio, .. }, TaskKey::Validate) => {
            *video_chunks <= CHUNKS_MAX && (*video_chunks > 0 || *audio)
        }
        (Outcome::Attached | Outcome::Waiting { .. }, TaskKey::Validate)
        | (Outcome::Screened(_) | Outcome::LooksAgain, TaskKey::Screen)
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
