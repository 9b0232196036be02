//! Starts tasks, fences answers by their attempt, and retries tasks with growing delays or gives them up.

use alloc::vec::Vec;

use super::messages::{Effect, Note, Stale};
use super::state::Asset;
use super::task_record::TaskRecord;
use super::words::{Exit, Phase, Response, Severity, TaskState, Verdict};
use crate::limits::{BACKOFF_MAX_MS, BACKOFF_MIN_MS, TASKS_MAX, UNCOUNTED_MAX, WITHDRAWAL_BACKOFF_MAX_MS};
use crate::reason::{Code, Fault};
use crate::task::TaskKey;

impl Asset {
    pub(super) fn failed(
        &mut self,
        task: TaskKey,
        attempt: u32,
        fault: Fault,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Stale> {
        self.answer(task, attempt)?;
        self.count_fault(task, attempt, fault, effects);
        Ok(())
    }

    /// Retries the task or gives it up; the attempt is already marked as answered.
    pub(super) fn count_fault(
        &mut self,
        task: TaskKey,
        attempt: u32,
        fault: Fault,
        effects: &mut Vec<Effect>,
    ) {
        let Some(record) = self.tasks.get_mut(&task) else { return };
        // A withdrawal never gives up: what it has not removed yet may be readable. Nor does the copy of a source under hold,
        // which may be lost. So none of their starts count.
        let goes_on = matches!(task, TaskKey::Withdraw | TaskKey::KeepSource);
        if goes_on || (fault.code.is_waited_out() && record.uncounted < UNCOUNTED_MAX) {
            if goes_on {
                (record.uncounted, record.not_producers_fault) = (record.attempts, 0);
            } else {
                record.uncounted += 1;
            }
            let delay_ms = backoff_ms(self.jitter_seed, task, record.uncounted);
            effects.push(Effect::Note(Note::Retrying(task, attempt, fault, delay_ms)));
            effects.push(Effect::Start { task, delay_ms });
            return;
        }
        let counted = record.counted();
        let producers = fault.code.class().is_producers();
        let against = if producers { counted.saturating_sub(record.not_producers_fault) } else { counted };
        if against < fault.code.attempts_max() {
            record.not_producers_fault = record.not_producers_fault.saturating_add(u32::from(!producers));
            let delay_ms = backoff_ms(self.jitter_seed, task, counted);
            effects.push(Effect::Note(Note::Retrying(task, attempt, fault, delay_ms)));
            effects.push(Effect::Start { task, delay_ms });
            return;
        }
        self.give_up(task, attempt, fault, effects);
    }

    fn give_up(&mut self, task: TaskKey, attempt: u32, fault: Fault, effects: &mut Vec<Effect>) {
        self.settle(task, TaskState::Dead, effects);
        effects.push(Effect::Note(Note::GaveUp(task, attempt, fault.clone())));
        if !fault.code.class().is_producers() {
            self.park_ready(effects);
            self.reason = Some(fault);
            return self.end(Phase::Failed, effects);
        }
        let exit = match fault.code {
            Code::Superseded => Exit::Supersede,
            Code::PersonalData => {
                self.severity = Severity::High;
                self.verdict = Verdict::Flagged;
                self.flags.response = Response::Quarantine;
                Exit::Quarantine
            }
            _ => Exit::Reject,
        };
        self.withdraw(exit, fault, effects);
    }

    pub(super) fn given_back(
        &mut self,
        task: TaskKey,
        attempt: u32,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Stale> {
        self.answer(task, attempt)?;
        let Some(record) = self.tasks.get_mut(&task) else { return Err(Stale) };
        if record.uncounted >= UNCOUNTED_MAX {
            let fault = Fault::new(Code::WorkerLost, "its node gave it back too often");
            self.count_fault(task, attempt, fault, effects);
            return Ok(());
        }
        record.uncounted += 1;
        effects.push(Effect::Note(Note::GivenBack(task, attempt)));
        effects.push(Effect::Start { task, delay_ms: 0 });
        Ok(())
    }

    /// Makes the task due again after the delay, with the start uncounted; the attempt is already marked as answered.
    pub(super) fn wait(&mut self, task: TaskKey, attempt: u32, delay_ms: u64, effects: &mut Vec<Effect>) {
        let Some(record) = self.tasks.get_mut(&task) else { return };
        if record.uncounted >= UNCOUNTED_MAX {
            let fault = Fault::new(Code::ScannerUnanswered, "the external scanner did not answer in time");
            return self.count_fault(task, attempt, fault, effects);
        }
        record.uncounted += 1;
        effects.push(Effect::Start { task, delay_ms });
    }

    /// Makes the task due, whatever its state. Its earlier starts are uncounted, and the report of an attempt that still runs
    /// somewhere will be stale.
    pub(super) fn start(&mut self, task: TaskKey, effects: &mut Vec<Effect>) {
        let record = self.tasks.entry(task).or_insert(TaskRecord::NEW);
        record.state = TaskState::Ready;
        record.uncounted = record.attempts;
        record.not_producers_fault = 0;
        record.answered = record.attempts;
        effects.push(Effect::Note(Note::Due(task)));
        effects.push(Effect::Start { task, delay_ms: 0 });
        assert!(self.tasks.len() <= TASKS_MAX, "chunks are at most CHUNKS_MAX, the other kinds eleven");
    }

    /// Sets the task's state; does nothing if the task has this state or does not exist.
    pub(super) fn settle(&mut self, task: TaskKey, state: TaskState, effects: &mut Vec<Effect>) {
        if let Some(record) = self.tasks.get_mut(&task).filter(|t| t.state != state) {
            record.state = state;
            effects.push(Effect::Settle { task, state });
        }
    }

    /// Parks the ready tasks, so that a redrive can start them again. A source under hold is kept in every phase.
    fn park_ready(&mut self, effects: &mut Vec<Effect>) {
        for task in self.tasks_in(&[TaskState::Ready]).into_iter().filter(|task| *task != TaskKey::KeepSource)
        {
            self.settle(task, TaskState::Parked, effects);
        }
    }

    /// Parks everything that was planned until there is money for it. Nothing of it may have begun.
    pub(super) fn over_budget(&mut self, detail: &str, effects: &mut Vec<Effect>) -> Result<(), Stale> {
        let begun =
            |record: &TaskRecord| record.state == TaskState::Ready && record.attempts > record.answered;
        if self.phase != Phase::Processing || self.tasks.values().any(begun) {
            return Err(Stale);
        }
        let fault = Fault::new(Code::BudgetExceeded, detail);
        self.park_ready(effects);
        effects.push(Effect::Note(Note::OverBudget(fault.clone())));
        self.reason = Some(fault);
        self.end(Phase::Failed, effects);
        Ok(())
    }

    /// Ends a redo before it replaces outputs that are under hold. They stay visible, and a redrive goes on after the hold.
    pub(super) fn stop_for_hold(&mut self, effects: &mut Vec<Effect>) {
        let fault =
            Fault::new(Code::UnderHold, "expected outputs that may be replaced, found them under hold");
        self.start(TaskKey::Publish, effects);
        let attempt = self.tasks.get(&TaskKey::Publish).map_or(0, |publish| publish.attempts);
        self.give_up(TaskKey::Publish, attempt, fault, effects);
    }

    pub(super) fn tasks_in(&self, states: &[TaskState]) -> Vec<TaskKey> {
        self.tasks.iter().filter(|(_, t)| states.contains(&t.state)).map(|(key, _)| *key).collect()
    }

    pub(crate) fn is_done(&self, task: TaskKey) -> bool {
        self.state_of(task) == Some(TaskState::Done)
    }

    pub(crate) fn state_of(&self, task: TaskKey) -> Option<TaskState> {
        self.tasks.get(&task).map(|t| t.state)
    }

    /// The fence: accepts the answer of the current attempt, once.
    pub(super) fn answer(&mut self, task: TaskKey, attempt: u32) -> Result<(), Stale> {
        let record = self.tasks.get_mut(&task).ok_or(Stale)?;
        let current = record.state == TaskState::Ready && record.attempts == attempt;
        if !current || attempt <= record.answered {
            return Err(Stale);
        }
        // Earlier starts without an answer were lost, which is not the producer's fault.
        record.not_producers_fault = record.not_producers_fault.saturating_add(attempt - 1 - record.answered);
        record.answered = attempt;
        Ok(())
    }
}

/// Milliseconds until the next attempt: exponential and capped, plus up to a quarter derived from a hash, so that the core
/// needs no randomness.
fn backoff_ms(jitter_seed: u64, task: TaskKey, attempts: u32) -> u64 {
    let doublings = attempts.saturating_sub(1).min(16);
    let longest = if task == TaskKey::Withdraw { WITHDRAWAL_BACKOFF_MAX_MS } else { BACKOFF_MAX_MS };
    let base = (BACKOFF_MIN_MS << doublings).min(longest);
    let chunk = if let TaskKey::Video { chunk } = task { u64::from(chunk) } else { 0 };
    let mut hash = jitter_seed ^ (chunk << 32) ^ u64::from(attempts);
    // The finaliser of MurmurHash3: every input bit reaches every output bit.
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^= hash >> 33;
    base + hash % (base / 4).max(1)
}
