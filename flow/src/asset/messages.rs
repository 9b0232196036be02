//! What goes into a step and what comes out of it, as values.

use super::words::{NoticeKind, Phase, Redo, Severity, TaskState, Verdict};
use crate::reason::Fault;
use crate::task::TaskKey;

/// How the asset with the same content ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TwinEnd {
    /// Its final phase.
    pub phase: Phase,
    /// Its severity.
    pub severity: Severity,
    /// Its reason, where it has one.
    pub reason: Option<Fault>,
}

/// What validation learned of an earlier asset with the same content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Twin {
    /// There is none that can be linked to.
    None,
    /// It has not ended yet.
    Running,
    /// It has ended.
    Ended(TwinEnd),
}

/// The result of a task that went well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Validate: the plan's size.
    Validated {
        /// Chunks of video, 0 for audio-only.
        video_chunks: u16,
        /// Whether there is audio to encode.
        audio: bool,
        /// Filled in by the store, which alone can look.
        twin: Twin,
    },
    /// Screen: the highest severity found.
    Screened {
        /// Highest severity among the findings.
        severity: Severity,
    },
    /// Any other task is simply finished.
    Finished,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// The upload was taken in.
    Arrived,
    /// An attempt went well.
    Done {
        /// Which task.
        task: TaskKey,
        /// Which attempt; must be the current one.
        attempt: u32,
        /// Its result.
        outcome: Outcome,
    },
    /// An attempt went wrong, or its lease ran out (`worker_lost`).
    Failed {
        /// Which task.
        task: TaskKey,
        /// Which attempt; must be the current one.
        attempt: u32,
        /// What went wrong.
        fault: Fault,
    },
    /// A claimed task was given back unfinished (drain); the start is excused.
    GivenBack {
        /// Which task.
        task: TaskKey,
        /// Which attempt; must be the current one.
        attempt: u32,
    },
    /// The asset with the same content ended.
    TwinEnded(TwinEnd),
    /// A newer version of the key arrived, or was published. Also fed right after [`Input::Arrived`] and
    /// [`Input::Redrive`] where a newer version is there already.
    Superseded,
    /// An operator wants another try.
    Redrive,
    /// An operator wants part of a published asset made anew.
    Redo(Redo),
}

/// What must be done about it, in the same transaction as the new state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Make the task claimable after the delay, lease cleared.
    Start {
        /// Which task.
        task: TaskKey,
        /// Milliseconds from now.
        delay_ms: u64,
    },
    /// Write the task's new state, lease cleared; whoever holds it is fenced.
    Settle {
        /// Which task.
        task: TaskKey,
        /// Its state.
        state: TaskState,
    },
    /// Put a notice into the outbox.
    Owe(NoticeKind),
    /// Feed [`Input::TwinEnded`] to every asset linked to this one; stale ones ignore it. A redo tells of a failed twin:
    /// what it would share is about to change.
    TellFollowers(TwinEnd),
    /// A line for the asset's history.
    Note(Note),
}

/// A line of the asset's history: what `reelgate why` prints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// The phase changed.
    Entered(Phase),
    /// A task is due.
    Due(TaskKey),
    /// A task went well.
    Finished(TaskKey, u32),
    /// An attempt went wrong; the next one starts after the delay.
    Retrying(TaskKey, u32, Fault, u64),
    /// An attempt went wrong and was the last.
    GaveUp(TaskKey, u32, Fault),
    /// Given back unfinished.
    GivenBack(TaskKey, u32),
    /// Screening's result.
    Judged(Verdict, Severity),
    /// Linked to an earlier asset with the same content.
    LinkedToTwin,
    /// An operator asked for another try.
    Redriven(u32),
    /// An operator asked for this to be made anew.
    Redone(Redo, u32),
}

/// The input does not apply to the asset as it stands; nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stale;
