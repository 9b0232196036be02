//! Where results go: the pipe to the engine in production, memory in tests.

use reelgate_flow::reason::Fault;

/// Receives what a job produces. Shared by the threads of a pipeline.
pub trait ProgressSink: Send + Sync {
    /// Says that the work moves on: nanoseconds of media and frames done in this job so far.
    fn progress(&self, done_ns: u64, frames: u64);

    /// Sends one complete output under a relative name such as `720p/00003.m4s`.
    ///
    /// Fails with `budget_output` where the job's outputs grow past their budget.
    fn output(&self, name: &str, bytes: &[u8]) -> Result<(), Fault>;
}
