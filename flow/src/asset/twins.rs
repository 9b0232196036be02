//! Same content, uploaded again: the follower shares the first one's result instead of being processed.
//!
//! What is shared is the work, not the files. A follower of a published twin screens its own name and
//! then publishes a copy of the twin's outputs (hard links or server-side copies) in its own place, so
//! that from then on neither depends on the other: the twin may be superseded, withdrawn, erased. Until
//! it has its copy, a twin that goes away sends it back to the beginning, to be processed on its own.

use alloc::vec::Vec;

use super::{
    Asset, Cause, Door, Effect, Note, Phase, Response, Severity, Stale, TaskState, TwinEnd, Verdict,
};
use crate::reason::{Code, Fault};
use crate::task::TaskKey;

impl TwinEnd {
    /// Whether this ending is the content's, and so every asset's that has the same content.
    pub fn is_shared(&self) -> bool {
        match self.phase {
            Phase::Published | Phase::Quarantined => true,
            Phase::Rejected => self.reason.as_ref().is_some_and(|fault| fault.code.is_of_content()),
            _ => false,
        }
    }

    /// Whether the content was set apart.
    pub(super) fn is_set_apart(&self) -> bool {
        self.phase == Phase::Quarantined || self.response == Response::Quarantine
    }
}

impl Asset {
    /// What policy asks of another asset that shows the same outputs. Letting one go does not let others go.
    pub fn shared_response(&self) -> Response {
        match self.marks.response {
            _ if self.marks.cleared => Response::Quarantine,
            Response::RedactThenPublish => Response::PublishTagged,
            other => other,
        }
    }

    pub(super) fn link(&mut self, effects: &mut Vec<Effect>) {
        self.linked = true;
        self.enter(Phase::Linked, effects);
        effects.push(Effect::Note(Note::LinkedToTwin));
    }

    pub(super) fn twin_ended(&mut self, end: TwinEnd, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        let depends = self.linked && matches!(self.phase, Phase::Linked | Phase::Screened);
        let shares = matches!(self.state_of(TaskKey::Screen), Some(TaskState::Ready | TaskState::Done));
        let known = shares && end.phase == Phase::Published;
        if !depends || known || !end.phase.is_ended() {
            return Err(Stale);
        }
        self.follow(end, effects);
        Ok(())
    }

    pub(super) fn follow(&mut self, end: TwinEnd, effects: &mut Vec<Effect>) {
        match (end.phase, end.is_shared(), end.reason) {
            // The content was screened with the twin; this upload's own name was not.
            (Phase::Published, ..) => {
                self.severity = self.severity.max(end.severity);
                self.marks.response = self.marks.response.max(end.response);
                if self.marks.sets_apart() {
                    // The twin was let go by a person, who decided about that one alone.
                    self.verdict = Verdict::Flagged;
                    let reason = Fault::new(Code::PersonalData, Cause::SameContent.as_str());
                    return self.withdraw(Door::Quarantine, reason, effects);
                }
                self.start(TaskKey::Screen, effects);
            }
            (Phase::Quarantined, _, Some(reason)) if !self.marks.cleared => {
                self.severity = Severity::High;
                self.verdict = Verdict::Flagged;
                self.marks.response = Response::Quarantine;
                self.withdraw(Door::Quarantine, reason, effects);
            }
            (Phase::Rejected, true, Some(reason)) => self.withdraw(Door::Reject, reason, effects),
            // The twin left no result to share: this upload is processed on its own.
            _ => self.begin_again(effects),
        }
    }
}
