//! The core's record of a task: its state, and the attempts that fence its answers.

use super::words::TaskState;

/// The core's record of one task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskRecord {
    /// Whether it is to be done, done, or given up.
    pub state: TaskState,
    /// How often it was started; the fence. It only grows, and the claim counts it before work starts.
    pub attempts: u32,
    /// Starts that do not count against any limit: those before the task last became due, and those that were given back.
    pub uncounted: u32,
    /// Counted starts that ended with a fault other than the producer's, or without an answer. They do not count against the
    /// limit of a producer's code: a file is not refused after one crash because a node was lost before.
    pub not_producers_fault: u32,
    /// The latest attempt that was answered or whose answer is no longer accepted. Each attempt is answered once, so a repeated
    /// answer is stale even before the next claim.
    pub answered: u32,
}

impl TaskRecord {
    /// A task that was never started.
    pub const NEW: Self =
        Self { state: TaskState::Ready, attempts: 0, uncounted: 0, not_producers_fault: 0, answered: 0 };

    /// Starts that count against the limits of our own codes.
    pub fn counted(&self) -> u32 {
        self.attempts.saturating_sub(self.uncounted)
    }
}
