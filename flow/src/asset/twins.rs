//! Same content, uploaded again: the follower shares the first one's result instead of being processed.
//!
//! What is shared is the work, not the files. A follower of a published twin screens its own name and
//! then publishes a copy of the twin's outputs (hard links or server-side copies) in its own place, so
//! that from then on neither depends on the other: the twin may be superseded, withdrawn, erased. Until
//! it has its copy, a twin that goes away sends it back to the beginning, to be processed on its own.

use alloc::vec::Vec;

use super::{Asset, Door, Effect, Note, Phase, Severity, Stale, TaskState, TwinEnd, Verdict};
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
}

impl Asset {
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
                self.start(TaskKey::Screen, effects);
            }
            (Phase::Quarantined, _, Some(reason)) => {
                self.severity = Severity::High;
                self.verdict = Verdict::Flagged;
                self.withdraw(Door::Quarantine, reason, effects);
            }
            (Phase::Rejected, true, Some(reason)) => self.withdraw(Door::Reject, reason, effects),
            // The twin left no result to share: this upload is processed on its own.
            _ => self.begin_again(effects),
        }
    }
}
