//! The ways out, each through `withdrawing` so that outputs are gone before the asset is, and the ways back.

use alloc::vec::Vec;

use super::{Asset, Effect, Exit, Note, OriginalEnd, Phase, Response, Severity, Stale, TaskState, Verdict};
use crate::limits::REDRIVES_MAX;
use crate::reason::{Code, Fault};
use crate::task::TaskKey;

impl Asset {
    pub(super) fn superseded(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        // An asset that already has an exit keeps it, even where withdrawing failed: a quarantine must
        // not be undone by uploading again.
        let stands = matches!(
            self.phase,
            Phase::Received
                | Phase::Linked
                | Phase::Processing
                | Phase::Screened
                | Phase::Published
                | Phase::Failed
                | Phase::Releasing
        );
        if !stands || self.exit.is_some() {
            return Err(Stale);
        }
        self.withdraw(Exit::Supersede, Fault::new(Code::Superseded, ""), effects);
        Ok(())
    }

    pub(super) fn redriven(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        let may = matches!(self.phase, Phase::Failed | Phase::Rejected) && self.redrives < REDRIVES_MAX;
        if !may {
            return Err(Stale);
        }
        self.redrives += 1;
        effects.push(Effect::Note(Note::Redriven(self.redrives)));
        let withdrawing = self.phase == Phase::Failed && self.exit.is_some();
        // A rejected asset's outputs are gone, and a linked one's original may be: both from the beginning.
        let restoring = self.phase_before_failure() == Phase::Releasing;
        if !withdrawing && !restoring && (self.phase == Phase::Rejected || self.linked) {
            self.begin_again(effects);
            return Ok(());
        }
        if !withdrawing {
            self.reason = None;
        }
        self.enter(self.phase_before_failure(), effects);
        for task in self.tasks_in(&[TaskState::Parked, TaskState::Dead]) {
            let wanted = match task {
                TaskKey::Withdraw => withdrawing,
                TaskKey::Restore => restoring,
                _ => !withdrawing && !restoring,
            };
            // A scanner that gave no answer is asked anew, which begins with handing it the text.
            if wanted && task == TaskKey::ExternalScan {
                self.settle(task, TaskState::Dropped, effects);
                self.start(TaskKey::Screen, effects);
            } else if wanted {
                self.start(task, effects);
            }
        }
        Ok(())
    }

    fn phase_before_failure(&self) -> Phase {
        let stopped = |task| matches!(self.state_of(task), Some(TaskState::Parked | TaskState::Dead));
        if self.exit.is_some() {
            return Phase::Withdrawing;
        }
        if stopped(TaskKey::Restore) {
            return Phase::Releasing;
        }
        if stopped(TaskKey::Validate) {
            return Phase::Received;
        }
        if stopped(TaskKey::Publish) { Phase::Screened } else { Phase::Processing }
    }

    /// Forgets every result and validates anew. Records stay, for their attempts are the fence.
    pub(super) fn begin_again(&mut self, effects: &mut Vec<Effect>) {
        self.verdict = Verdict::Unscanned;
        self.severity = Severity::None;
        self.flags.response = Response::Log;
        self.flags.redacted = false;
        self.reason = None;
        self.exit = None;
        self.linked = false;
        let kept: Vec<TaskKey> = self.tasks.keys().copied().filter(|t| *t != TaskKey::Validate).collect();
        for task in kept {
            self.settle(task, TaskState::Dropped, effects);
        }
        self.enter(Phase::Received, effects);
        self.start(TaskKey::Validate, effects);
    }

    pub(super) fn withdraw(&mut self, exit: Exit, reason: Fault, effects: &mut Vec<Effect>) {
        for task in self.tasks_in(&[TaskState::Ready, TaskState::Parked]) {
            self.settle(task, TaskState::Dropped, effects);
        }
        self.exit = Some(exit);
        self.reason = Some(reason);
        self.enter(Phase::Withdrawing, effects);
        self.start(TaskKey::Withdraw, effects);
    }

    pub(super) fn end(&mut self, phase: Phase, effects: &mut Vec<Effect>) {
        self.enter(phase, effects);
        effects.extend(phase.notice().map(Effect::Owe));
        let response = self.shared_response();
        let end = OriginalEnd { phase, severity: self.severity, response, reason: self.reason.clone() };
        effects.push(Effect::NotifyDuplicates(end));
    }
}
