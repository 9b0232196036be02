//! The exits of an asset, and the ways back. Every exit passes through `withdrawing`, so that outputs are removed before the
//! asset ends.

use alloc::vec::Vec;

use super::messages::{Effect, Note, Stale};
use super::state::Asset;
use super::words::{Exit, Phase, Response, Severity, TaskState, Verdict};
use crate::limits::REDRIVES_MAX;
use crate::reason::{Code, Fault};
use crate::task::TaskKey;

impl Asset {
    pub(super) fn superseded(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        // An asset keeps its exit, even if withdrawing failed: a new upload must not undo a quarantine.
        let may_give_way = matches!(
            self.phase,
            Phase::Received
                | Phase::Linked
                | Phase::Processing
                | Phase::Screened
                | Phase::Published
                | Phase::Attached
                | Phase::Failed
                | Phase::Releasing
        );
        if !may_give_way || self.exit.is_some() {
            return Err(Stale);
        }
        self.withdraw(Exit::Supersede, Fault::new(Code::Superseded, ""), effects);
        Ok(())
    }

    pub(super) fn redriven(&mut self, published: bool, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        let may = matches!(self.phase, Phase::Failed | Phase::Rejected) && self.redrives < REDRIVES_MAX;
        let replaces =
            matches!(self.phase_before_failure(), Phase::Received | Phase::Processing | Phase::Screened);
        let makes_others = self.phase == Phase::Rejected || (replaces && !self.goes_on_publishing(published));
        let is_kept = self.flags.held && self.may_be_visible() && makes_others;
        if !may || is_kept {
            return Err(Stale);
        }
        self.redrives += 1;
        effects.push(Effect::Note(Note::Redriven(self.redrives)));
        let withdrawing = self.phase == Phase::Failed && self.exit.is_some();
        // Both begin again: the outputs of a rejected asset are gone, and the original of a linked one may be gone.
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
            // Asking a scanner again begins with delivering the text to it, which screening does.
            if wanted && task == TaskKey::ExternalScan {
                self.settle(task, TaskState::Dropped, effects);
                self.start(TaskKey::Screen, effects);
            } else if wanted {
                self.start(task, effects);
            }
        }
        // A caption file may have come since.
        if self.flags.captioned && !self.linked && matches!(self.phase, Phase::Processing | Phase::Screened) {
            self.read_caption_files(effects);
        }
        Ok(())
    }

    /// Whether a redrive only publishes the same outputs once more, as every retry does, and none were published before.
    fn goes_on_publishing(&self, published: bool) -> bool {
        let stopped = self.reason.as_ref().is_some_and(|fault| fault.code == Code::UnderHold);
        !published && !self.linked && !stopped && self.phase_before_failure() == Phase::Screened
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

    /// Drops every result and validates again. A redaction stays: a person asked for it, and nobody took it back.
    pub(super) fn begin_again(&mut self, effects: &mut Vec<Effect>) {
        self.verdict = Verdict::Unscanned;
        self.severity = Severity::None;
        self.surfaces.clear();
        self.flags.response = Response::Log;
        self.reason = None;
        self.exit = None;
        self.linked = false;
        self.drop_results(effects);
        self.enter(Phase::Received, effects);
        self.start(TaskKey::Validate, effects);
    }

    /// Drops the results of everything after validation. Task records stay, because their attempts are the fence.
    pub(super) fn drop_results(&mut self, effects: &mut Vec<Effect>) {
        let others = |task: &TaskKey| !matches!(task, TaskKey::Validate | TaskKey::KeepSource);
        let outdated: Vec<TaskKey> = self.tasks.keys().copied().filter(others).collect();
        for task in outdated {
            self.settle(task, TaskState::Dropped, effects);
        }
    }

    pub(super) fn withdraw(&mut self, exit: Exit, reason: Fault, effects: &mut Vec<Effect>) {
        for task in self.tasks_in(&[TaskState::Ready, TaskState::Parked]) {
            self.settle(task, TaskState::Dropped, effects);
        }
        self.exit = Some(exit);
        self.reason = Some(reason);
        self.enter(Phase::Withdrawing, effects);
        self.start(TaskKey::Withdraw, effects);
        self.leave_together(exit, effects);
    }

    pub(super) fn end(&mut self, phase: Phase, effects: &mut Vec<Effect>) {
        self.enter(phase, effects);
        effects.extend(phase.notice().map(Effect::Owe));
        effects.push(Effect::NotifyDuplicates(self.ending()));
        let is_kept = matches!(self.state_of(TaskKey::KeepSource), Some(TaskState::Ready | TaskState::Done));
        if self.flags.held && !is_kept {
            self.start(TaskKey::KeepSource, effects);
        }
    }
}
