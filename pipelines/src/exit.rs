//! Exit statuses of the media worker. By them the engine knows why a worker ended without a final reply.

/// The worker sent its final reply.
pub const DONE: i32 = 0;
/// The engine is gone: its end of a pipe closed.
pub const ORPHANED: i32 = 80;
/// The worker could not report what went wrong, because the pipe to the engine failed.
pub const REPLY_PIPE_BROKEN: i32 = 81;
/// The jail refused a system call; the number is on standard error, see [`crate::jail`].
pub const JAIL_VIOLATION: i32 = 82;
