//! Duplicates: an upload with the content of an earlier one shares that one's result instead of being processed.
//!
//! Duplicates share the work, not the files. A duplicate of a published original screens its own name and then publishes a
//! copy of the original's outputs (hard links or server-side copies) at its own path. From then on neither depends on the
//! other: the original may be superseded, withdrawn or erased. If the original goes away before the copy is made, the
//! duplicate begins again and is processed on its own.

use alloc::vec::Vec;

use super::cause::Cause;
use super::messages::{Effect, Note, Original, OriginalEnd, Stale};
use super::state::Asset;
use super::words::{Exit, Phase, Response, Severity, TaskState, Verdict};
use crate::reason::{Code, Fault};
use crate::task::TaskKey;

impl OriginalEnd {
    /// Whether this ending follows from the content, so that every asset with the same content ends the same way.
    pub fn is_shared(&self) -> bool {
        match self.phase {
            Phase::Published | Phase::Quarantined => true,
            Phase::Rejected => self.reason.as_ref().is_some_and(|fault| fault.code.is_of_content()),
            _ => false,
        }
    }

    /// Whether policy or a person quarantined the content.
    pub(super) fn is_quarantined(&self) -> bool {
        self.phase == Phase::Quarantined || self.response == Response::Quarantine
    }
}

impl Asset {
    /// What policy asks of another asset that shares these outputs. A release of this asset releases no other one.
    pub fn shared_response(&self) -> Response {
        match self.flags.response {
            _ if self.flags.cleared => Response::Quarantine,
            Response::RedactThenPublish => Response::PublishTagged,
            other => other,
        }
    }

    /// How it ended, for the duplicates that are linked to it.
    pub(super) fn ending(&self) -> OriginalEnd {
        OriginalEnd {
            phase: self.phase,
            severity: self.severity,
            response: self.shared_response(),
            reason: self.reason.clone(),
        }
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
        match self.phase {
            Phase::Processing | Phase::Screened => Original::Running,
            Phase::Withdrawing if self.exit != Some(Exit::Supersede) => Original::Running,
            Phase::Published | Phase::Quarantined => Original::Ended(self.ending()),
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
        match (end.phase, end.is_shared(), end.reason) {
            // The original's screening covers the content, but not the name of this upload.
            (Phase::Published, ..) => {
                self.severity = self.severity.max(end.severity);
                self.flags.response = self.flags.response.max(end.response);
                if self.flags.quarantines() {
                    // A person released the original; that decision does not cover this upload.
                    self.verdict = Verdict::Flagged;
                    let reason = Fault::new(Code::PersonalData, Cause::SameContent.as_str());
                    return self.withdraw(Exit::Quarantine, reason, effects);
                }
                self.start(TaskKey::Screen, effects);
            }
            (Phase::Quarantined, _, Some(reason)) if !self.flags.cleared => {
                // Of content that could not be searched nothing is known.
                if reason.code != Code::ScreeningIncomplete {
                    self.severity = Severity::High;
                    self.verdict = Verdict::Flagged;
                }
                self.flags.response = Response::Quarantine;
                self.withdraw(Exit::Quarantine, reason, effects);
            }
            (Phase::Rejected, true, Some(reason)) => self.withdraw(Exit::Reject, reason, effects),
            // The original has no result to share, so this upload is processed on its own.
            _ => self.begin_again(effects),
        }
    }
}
