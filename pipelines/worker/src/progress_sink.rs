//! The receiver of results: the pipe to the engine in production, memory in tests.

use reelgate_flow::reason::Fault;

/// Receives what a job produces. Shared by the threads of a pipeline.
pub trait ProgressSink: Send + Sync {
    /// Reports progress: nanoseconds of media and frames that this job has done so far.
    fn progress(&self, done_ns: u64, frames: u64);

    /// Sends one complete output under a relative name such as `720p/00003.m4s`.
    ///
    /// Fails with `budget_output` if the job's outputs exceed their budget.
    fn output(&self, name: &str, bytes: &[u8]) -> Result<(), Fault>;
}
