//! Same content, uploaded again: the duplicate shares the first one's result instead of being processed.
//!
//! What is shared is the work, not the files. A duplicate of a published original screens its own name and
//! then publishes a copy of the original's outputs (hard links or server-side copies) in its own place, so
//! that from then on neither depends on the other: the original may be superseded, withdrawn, erased. Until
//! it has its copy, an original that goes away sends it back to the beginning, to be processed on its own.

use alloc::vec::Vec;

use super::{
    Asset, Cause, Effect, Exit, Note, OriginalEnd, Phase, Response, Severity, Stale, TaskState, Verdict,
};
use crate::reason::{Code, Fault};
use crate::task::TaskKey;

impl OriginalEnd {
    /// Whether this ending is the content's, and so every asset's that has the same content.
    pub fn is_shared(&self) -> bool {
        match self.phase {
            Phase::Published | Phase::Quarantined => true,
            Phase::Rejected => self.reason.as_ref().is_some_and(|fault| fault.code.is_of_content()),
            _ => false,
        }
    }

    /// Whether the content was quarantined.
    pub(super) fn is_quarantined(&self) -> bool {
        self.phase == Phase::Quarantined || self.response == Response::Quarantine
    }
}

impl Asset {
    /// What policy asks of another asset that shows the same outputs. Letting one go does not let others go.
    pub fn shared_response(&self) -> Response {
        match self.flags.response {
            _ if self.flags.cleared => Response::Quarantine,
            Response::RedactThenPublish => Response::PublishTagged,
            other => other,
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
        match (end.phase, end.is_shared(), end.reason) {
            // The content was screened with the original; this upload's own name was not.
            (Phase::Published, ..) => {
                self.severity = self.severity.max(end.severity);
                self.flags.response = self.flags.response.max(end.response);
                if self.flags.quarantines() {
                    // The original was let go by a person, who decided about that one alone.
                    self.verdict = Verdict::Flagged;
                    let reason = Fault::new(Code::PersonalData, Cause::SameContent.as_str());
                    return self.withdraw(Exit::Quarantine, reason, effects);
                }
                self.start(TaskKey::Screen, effects);
            }
            (Phase::Quarantined, _, Some(reason)) if !self.flags.cleared => {
                self.severity = Severity::High;
                self.verdict = Verdict::Flagged;
                self.flags.response = Response::Quarantine;
                self.withdraw(Exit::Quarantine, reason, effects);
            }
            (Phase::Rejected, true, Some(reason)) => self.withdraw(Exit::Reject, reason, effects),
            // The original left no result to share: this upload is processed on its own.
            _ => self.begin_again(effects),
        }
    }
}
