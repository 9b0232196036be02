//! What the caller learns while a job runs.

/// What happens while a job runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The worker process runs.
    Started {
        /// Process id.
        pid: u32,
    },
    /// Its plugins are loaded; nothing was read yet.
    Greeted {
        /// GStreamer's version.
        gstreamer: String,
    },
    /// The jail is closed and the job was handed over.
    Jailed,
    /// The work moves on.
    Progress {
        /// Nanoseconds of media done in this job, as the worker says.
        done_ns: u64,
        /// Frames done in this job, as the worker says.
        frames: u64,
    },
}
