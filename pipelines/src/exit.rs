//! Exit statuses of the media worker, so that the engine can tell endings without a last word apart.

/// The worker said its last word.
pub const DONE: i32 = 0;
/// The engine went away: its end of a pipe closed.
pub const ORPHANED: i32 = 80;
/// The worker could not say what went wrong, because the pipe to the engine failed.
pub const REPLY_PIPE_BROKEN: i32 = 81;
/// The jail refused a system call; the number is on standard error, see [`crate::jail`].
pub const JAIL_VIOLATION: i32 = 82;
