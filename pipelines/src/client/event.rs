//! What the caller learns while a job runs.

/// What happens while a job runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The worker process runs.
    Started { pid: u32 },
    /// The worker has loaded its plugins and has read nothing yet.
    Greeted { gstreamer: String },
    /// The jail is closed and the worker gets its job.
    Jailed,
    /// The worker has done more of its job.
    Progress {
        /// Nanoseconds of media done in this job, as the worker reports.
        done_ns: u64,
        /// Frames done in this job, as the worker reports.
        frames: u64,
    },
}
