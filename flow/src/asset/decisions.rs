//! Decisions of people about personal data, and their consequences: quarantine by hand, release, erasure, hold, redaction.
//!
//! Policy or a person quarantines an asset; only a person releases it. The older versions of the key are quarantined too. A
//! person's decision also quarantines every asset with the same content; a finding is judged for each of them by policy.

use alloc::string::String;
use alloc::vec::Vec;

use super::cause::Cause;
use super::flags::Flags;
use super::messages::{Effect, Note, Stale, WithFilm};
use super::parts::Parts;
use super::state::Asset;
use super::words::{Exit, Phase, Response, Severity, TaskState, Verdict};
use crate::limits::REDRIVES_MAX;
use crate::reason::{Code, Fault};
use crate::task::TaskKey;

impl Asset {
    pub(super) fn quarantine(&mut self, cause: Cause, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        let arrived = !self.tasks.is_empty();
        let shut = matches!(self.exit, Some(Exit::Quarantine | Exit::Erase));
        let stays = cause.is_others() && self.flags.cleared;
        if !arrived || shut || stays || self.phase == Phase::Erased {
            return Err(Stale);
        }
        self.severity = Severity::High;
        self.verdict = Verdict::Flagged;
        self.flags = Flags { response: Response::Quarantine, cleared: false, ..self.flags };
        effects.push(Effect::Note(Note::Quarantining(cause)));
        self.withdraw(Exit::Quarantine, Fault::new(Code::PersonalData, cause.as_str()), effects);
        if !cause.is_others() {
            effects.push(Effect::CloseOver { same_content: cause.is_decided() });
        }
        Ok(())
    }

    /// Takes a finding into account that the asset's own screening did not have. A release covers what was known when it was
    /// given, and the store passes no such finding, so a released asset is quarantined again.
    pub(super) fn found(
        &mut self,
        severity: Severity,
        response: Response,
        cause: Cause,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Stale> {
        if !self.is_news(severity, response) {
            return Err(Stale);
        }
        let asks = response >= Response::RedactThenPublish;
        // An asset that was screened cannot stay visible until it is redacted; one that was not is redacted as its own
        // screening says. After a release a person decides in any case.
        let waits = cause == Cause::FoundInContent && !self.flags.cleared && self.is_before_screening();
        if response == Response::Quarantine || (asks && !waits) {
            return self.quarantine(cause, effects);
        }
        self.severity = self.severity.max(severity);
        self.flags.response = self.flags.response.max(response);
        let screened = self.is_done(TaskKey::Screen) && !self.awaits_scan();
        if screened && self.severity >= Severity::Medium {
            self.verdict = Verdict::Flagged;
        }
        effects.push(Effect::Note(Note::Judged(self.verdict, self.severity)));
        Ok(())
    }

    /// Whether such a finding changes anything.
    pub fn is_news(&self, severity: Severity, response: Response) -> bool {
        let ends_release = self.flags.cleared && response >= Response::RedactThenPublish;
        let adds = severity > self.severity || response > self.flags.response || ends_release;
        adds && !self.tasks.is_empty() && self.exit.is_none()
    }

    /// Whether its own screening is still to come, so that nothing of it is visible before that.
    fn is_before_screening(&self) -> bool {
        let unscreened = !self.is_done(TaskKey::Screen);
        unscreened && matches!(self.phase, Phase::Received | Phase::Linked | Phase::Processing)
    }

    pub(super) fn released(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        if self.phase != Phase::Quarantined || self.redrives >= REDRIVES_MAX {
            return Err(Stale);
        }
        self.redrives += 1;
        self.flags.cleared = true;
        self.exit = None;
        self.reason = None;
        self.enter(Phase::Releasing, effects);
        self.start(TaskKey::Restore, effects);
        self.step_caption_files(Some(WithFilm::Release), effects);
        Ok(())
    }

    /// The source is restored. If its outputs are visible again the asset is published, otherwise it begins again.
    pub(super) fn restored(&mut self, outputs: bool, effects: &mut Vec<Effect>) {
        if self.flags.attached {
            return self.attached(effects);
        }
        let whole = |asset: &Self| {
            asset.is_done(TaskKey::Publish)
                && asset.is_done(TaskKey::Screen)
                && (asset.linked || (asset.is_done(TaskKey::Package) && asset.is_encoded()))
        };
        if outputs && whole(self) && (self.linked || self.is_done(TaskKey::Enrich)) {
            return self.end(Phase::Published, effects);
        }
        self.begin_again(effects);
    }

    pub(super) fn erased(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        let may = self.phase.is_ended() && self.phase != Phase::Erased && !self.flags.held;
        if !may || self.tasks.is_empty() {
            return Err(Stale);
        }
        self.withdraw(Exit::Erase, Fault::new(Code::Erased, String::new()), effects);
        Ok(())
    }

    /// Whether an attempt that was started before a hold may still remove outputs.
    fn is_removing(&self) -> bool {
        let started = self.tasks.get(&TaskKey::Withdraw).is_some_and(|withdraw| withdraw.attempts > 0);
        let removes = self.exit.is_some_and(|exit| !self.flags.keeps_outputs(exit));
        self.phase == Phase::Withdrawing && removes && started
    }

    pub(super) fn held(&mut self, held: bool, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        let leaving = self.exit == Some(Exit::Erase);
        if self.flags.held == held || leaving || (held && self.is_removing()) {
            return Err(Stale);
        }
        self.flags.held = held;
        effects.push(Effect::Note(Note::Held(held)));
        self.step_caption_files(Some(WithFilm::Hold(held)), effects);
        if held && !matches!(self.phase, Phase::Withdrawing | Phase::Releasing) {
            self.start(TaskKey::KeepSource, effects);
        }
        if !held && self.state_of(TaskKey::KeepSource) == Some(TaskState::Ready) {
            self.settle(TaskKey::KeepSource, TaskState::Dropped, effects);
        }
        Ok(())
    }

    /// Starts to encode parts of a published asset again without what was found. A copy has no encodes, so it begins again and
    /// makes all of them.
    pub(super) fn redacted(&mut self, parts: &Parts, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        let may = self.phase == Phase::Published && !self.flags.cleared && !self.flags.held;
        if !may || self.redrives >= REDRIVES_MAX || !(self.linked || self.has(parts)) {
            return Err(Stale);
        }
        self.redrives += 1;
        // This includes duplicates without a copy, which must not copy what is about to be redacted.
        effects.push(Effect::RedactSameContent);
        match self.linked {
            true => self.redact_anew(effects),
            false => self.redact(parts, effects),
        }
        Ok(())
    }

    /// Another asset with the same content is redacted, so nothing of this one may go on showing what that one leaves out. What
    /// cannot be replaced is quarantined. What a person released, or what is out of sight already, stays as it is.
    pub(super) fn content_redacted(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        if self.tasks.is_empty() || self.exit.is_some() || self.flags.cleared {
            return Err(Stale);
        }
        // A hold keeps what is visible, and a running attempt to publish may make it visible at any moment.
        let stuck = self.flags.held || self.phase == Phase::Screened;
        let cannot = self.phase == Phase::Failed || self.redrives >= REDRIVES_MAX;
        if cannot || (stuck && self.may_be_visible()) {
            return self.quarantine(Cause::ContentRedacted, effects);
        }
        self.redrives += 1;
        let copies = self.linked && matches!(self.phase, Phase::Linked | Phase::Screened | Phase::Published);
        if !copies {
            self.redact_anew(effects);
            return Ok(());
        }
        self.flags.redacted = true;
        effects.push(Effect::Note(Note::RedactingCopy));
        self.wait_for_original(effects);
        Ok(())
    }

    fn redact_anew(&mut self, effects: &mut Vec<Effect>) {
        self.flags.redacted = true;
        effects.push(Effect::Note(Note::RedactingAnew));
        self.begin_again(effects);
    }

    /// Whether the current plan contains every one of these parts.
    pub(super) fn has(&self, parts: &Parts) -> bool {
        let planned = |task| matches!(self.state_of(task), Some(TaskState::Ready | TaskState::Done));
        let chunks = parts.chunks.iter().all(|chunk| planned(TaskKey::Video { chunk: *chunk }));
        chunks && (!parts.audio || planned(TaskKey::Audio))
    }

    /// Encodes the parts again, even if they are being encoded now. Frames and text are then sampled from the new encodes and
    /// screened.
    pub(super) fn redact(&mut self, parts: &Parts, effects: &mut Vec<Effect>) {
        self.flags.redacted = true;
        self.verdict = Verdict::Unscanned;
        self.severity = Severity::None;
        self.surfaces.clear();
        self.flags.response = Response::Log;
        effects.push(Effect::Note(Note::Redacting(parts.clone())));
        for task in [TaskKey::Screen, TaskKey::ExternalScan, TaskKey::Enrich, TaskKey::Publish] {
            self.settle(task, TaskState::Dropped, effects);
        }
        let chunks = parts.chunks.iter().map(|chunk| TaskKey::Video { chunk: *chunk });
        // What is left out of the captions is left out when they are packaged, which needs their cues anew.
        let captions = matches!(self.state_of(TaskKey::Captions), Some(TaskState::Ready | TaskState::Done));
        let audio = parts.audio.then_some(TaskKey::Audio);
        let captions = captions.then_some(TaskKey::Captions);
        let encodes: Vec<TaskKey> = chunks.chain(audio).chain(captions).collect();
        self.enter(Phase::Processing, effects);
        if !encodes.is_empty() {
            self.settle(TaskKey::Package, TaskState::Dropped, effects);
        }
        for task in encodes {
            self.start(task, effects);
        }
        if self.is_encoded() {
            self.start(TaskKey::Enrich, effects);
        }
    }
}
