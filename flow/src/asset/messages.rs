//! What goes into a step and what comes out of it, as values.

use super::decisions::{Cause, Parts};
use super::words::{NoticeKind, Phase, Redo, Response, Severity, TaskState, Verdict};
use crate::reason::Fault;
use crate::task::TaskKey;

/// How the asset with the same content ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OriginalEnd {
    /// Its final phase.
    pub phase: Phase,
    /// Its severity.
    pub severity: Severity,
    /// What policy asks of every asset with this content.
    pub response: Response,
    /// Its reason, where it has one.
    pub reason: Option<Fault>,
}

/// What validation learned of an earlier asset with the same content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Original {
    /// There is none that can be linked to.
    None,
    /// It has not ended yet.
    Running,
    /// It has ended.
    Ended(OriginalEnd),
}

/// What screening found, and what policy asks for because of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Screening {
    /// Highest severity among the findings.
    pub severity: Severity,
    /// The strictest answer that policy has for any finding.
    pub response: Response,
    /// The content holds what asks for that answer, so that others with the same content hold it too; false where
    /// only the upload's own name does.
    pub of_content: bool,
    /// What is encoded again where the answer is [`Response::RedactThenPublish`]; `None` where encoding anew would not remove it.
    pub parts: Option<Parts>,
    /// A scanner outside reads the text too, and publishing waits for [`TaskKey::ExternalScan`].
    pub scan: bool,
}

impl Screening {
    /// A screening of the content, answered as the default policy does.
    pub fn of(severity: Severity) -> Self {
        let response = match severity {
            Severity::None | Severity::Low => Response::Log,
            Severity::Medium => Response::PublishTagged,
            Severity::High => Response::Quarantine,
        };
        Self { severity, response, of_content: true, parts: None, scan: false }
    }
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
        original: Original,
    },
    /// Screen: what was found.
    Screened(Screening),
    /// External scan: what the scanner found besides; nothing of it can be redacted, for it names no characters.
    ExternallyScanned(Screening),
    /// External scan: no answer yet. The task is due again after the delay, and the start is uncounted.
    Waiting {
        /// Milliseconds from now.
        delay_ms: u64,
    },
    /// Restore: the source is back.
    Restored {
        /// So are outputs that were visible before.
        outputs: bool,
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
    /// A claimed task was given back unfinished (drain); the start is uncounted.
    GivenBack {
        /// Which task.
        task: TaskKey,
        /// Which attempt; must be the current one.
        attempt: u32,
    },
    /// The asset with the same content ended.
    OriginalEnded(OriginalEnd),
    /// A newer version of the key arrived, or was published. Also fed right after [`Input::Arrived`] and
    /// [`Input::Redrive`] where a newer version is there already.
    Superseded,
    /// An operator wants another try.
    Redrive,
    /// An operator wants part of a published asset made anew.
    Redo(Redo),
    /// It is to be quarantined, whatever it is doing.
    Quarantine(Cause),
    /// A scanner outside found something.
    Found {
        /// How bad.
        severity: Severity,
        /// What policy asks for because of it.
        response: Response,
    },
    /// A security officer lets a quarantined asset go.
    Release,
    /// Everything of it is to be removed, the source too.
    Erase,
    /// It must not be erased, or may be again.
    Hold(bool),
    /// Parts of what stands published are to be made anew without what was found in them.
    Redact(Parts),
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
    /// Feed [`Input::OriginalEnded`] to every asset linked to this one; stale ones ignore it. A redo tells of a failed original:
    /// what it would share is about to change.
    NotifyDuplicates(OriginalEnd),
    /// Feed [`Input::Quarantine`] to the older versions of this asset's key and, where the content is the reason, to every
    /// asset with the same content; stale ones ignore it.
    CloseOver {
        /// The content is the reason, not the name alone.
        same_content: bool,
    },
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
    LinkedToOriginal,
    /// An operator asked for another try.
    Redriven(u32),
    /// An operator asked for this to be made anew.
    Redone(Redo, u32),
    /// Quarantined for another reason than its own screening.
    Quarantining(Cause),
    /// Put under hold, or no longer.
    Held(bool),
    /// Parts are encoded again without what was found.
    Redacting(Parts),
}

/// The input does not apply to the asset as it stands; nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stale;
