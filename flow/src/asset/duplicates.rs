//! Duplicates: an upload with the content of an earlier one shares that one's result instead of being processed.
//!
//! Duplicates share the work, neither the verdict nor the files. A duplicate of a published original is screened with its own
//! name and the findings in the original's content, as policy answers them for this upload; the content is searched again
//! where the original was searched less than is asked now. Then it publishes a copy of the original's outputs (hard links or
//! server-side copies) at its own path. From then on neither depends on the
//! other: the original may be superseded, withdrawn or erased. If the original goes away before the copy is made, the
//! duplicate begins again and is processed on its own.

use alloc::vec::Vec;

use super::cause::Cause;
use super::flags::Flags;
use super::messages::{Effect, Note, Original, OriginalEnd, Stale};
use super::state::Asset;
use super::words::{Exit, Phase, Response, Severity, TaskState, Verdict};
use crate::reason::{Code, Fault};
use crate::task::TaskKey;

impl OriginalEnd {
    /// The original has nothing to share, at least for now.
    pub(super) const NOTHING: Self =
        Self { phase: Phase::Failed, released: false, redacted: false, reason: None };

    /// Whether another asset with the same content uses it: the outputs, a refusal of the content, or a person's decision. What
    /// policy decided about one upload says nothing about another one.
    pub fn is_shared(&self) -> bool {
        match self.phase {
            Phase::Published => true,
            Phase::Quarantined => self.reason.as_ref().is_some_and(Cause::decides),
            Phase::Rejected => self.reason.as_ref().is_some_and(|fault| fault.code.is_of_content()),
            _ => false,
        }
    }

    /// Whether it quarantines another upload of the content.
    pub(super) fn quarantines(&self) -> bool {
        self.phase == Phase::Quarantined || self.released
    }
}

impl Asset {
    /// How it ended, for the duplicates that are linked to it.
    pub(super) fn ending(&self) -> OriginalEnd {
        // Its outputs hold captions of its own.
        if self.flags.captioned && self.phase == Phase::Published && !self.flags.cleared {
            return OriginalEnd::NOTHING;
        }
        let Flags { cleared: released, redacted, .. } = self.flags;
        OriginalEnd { phase: self.phase, released, redacted, reason: self.reason.clone() }
    }

    /// What a later asset with the same content can share of this one.
    pub fn as_original(&self) -> Original {
        // A linked asset has nothing of its own before its copy is published.
        if self.linked && self.phase != Phase::Published {
            return Original::None;
        }
        // A version that did not report on surfaces published it, so its verdict covers nothing that a duplicate could share.
        if self.phase == Phase::Published && self.surfaces.is_empty() {
            return Original::None;
        }
        let shows = !matches!(self.phase, Phase::Quarantined | Phase::Withdrawing);
        if self.flags.captioned && shows && !self.flags.cleared {
            return if self.flags.redacted { Original::Redacted } else { Original::None };
        }
        let running = Original::Running { redacted: self.flags.redacted };
        match self.phase {
            Phase::Processing | Phase::Screened => running,
            // What begins again in order to be redacted is never linked itself.
            Phase::Received if self.flags.redacted => running,
            Phase::Withdrawing if self.exit != Some(Exit::Supersede) => running,
            Phase::Published | Phase::Quarantined => match self.ending() {
                end if end.is_shared() => Original::Ended(end),
                _ => Original::None,
            },
            _ => Original::None,
        }
    }

    pub(super) fn link(&mut self, effects: &mut Vec<Effect>) {
        self.linked = true;
        self.enter(Phase::Linked, effects);
        effects.push(Effect::Note(Note::LinkedToOriginal));
    }

    pub(super) fn original_ended(
        &mut self,
        end: OriginalEnd,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Stale> {
        let depends = self.linked && matches!(self.phase, Phase::Linked | Phase::Screened);
        let shares = matches!(self.state_of(TaskKey::Screen), Some(TaskState::Ready | TaskState::Done));
        let known = shares && end.phase == Phase::Published;
        if !depends || known || !end.phase.is_ended() {
            return Err(Stale);
        }
        self.follow(end, effects);
        Ok(())
    }

    pub(super) fn follow(&mut self, end: OriginalEnd, effects: &mut Vec<Effect>) {
        // The copy leaves out what its original leaves out, even if it must be made without that original later.
        self.flags.redacted |= end.redacted && end.phase == Phase::Published;
        match (end.phase, end.is_shared(), end.reason) {
            // A person released the original; that decision does not cover this upload.
            (Phase::Published, ..) if end.released && !self.flags.cleared => {
                self.follow_decision(Fault::new(Code::PersonalData, Cause::SameContent.as_str()), effects);
            }
            // What was found in the original is judged anew, with this upload's own name.
            (Phase::Published, ..) => self.start(TaskKey::Screen, effects),
            (Phase::Quarantined, true, Some(reason)) if !self.flags.cleared => {
                self.follow_decision(reason, effects);
            }
            (Phase::Rejected, true, Some(reason)) => self.withdraw(Exit::Reject, reason, effects),
            // The original has no result to share, so this upload is processed on its own.
            _ => self.begin_again(effects),
        }
    }

    /// Waits for the end of its original, whose outputs replace those of this copy.
    pub(super) fn wait_for_original(&mut self, effects: &mut Vec<Effect>) {
        self.verdict = Verdict::Unscanned;
        self.severity = Severity::None;
        self.surfaces.clear();
        self.flags.response = Response::Log;
        self.drop_results(effects);
        self.enter(Phase::Linked, effects);
        effects.push(Effect::Note(Note::LinkedToOriginal));
    }

    /// Quarantines it as a person decided about its content.
    fn follow_decision(&mut self, reason: Fault, effects: &mut Vec<Effect>) {
        self.severity = Severity::High;
        self.verdict = Verdict::Flagged;
        self.flags.response = Response::Quarantine;
        self.withdraw(Exit::Quarantine, reason, effects);
    }
}
