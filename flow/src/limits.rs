//! All bounds of the core, each with its reason.

/// Chunks of one video: 24 h at 20 s a chunk is 4,320.
pub const CHUNKS_MAX: u16 = 5_000;
/// Tasks one asset may have at once: its chunks and the eleven other kinds.
pub const TASKS_MAX: usize = CHUNKS_MAX as usize + 11;
/// How often operators may let one asset begin again.
pub const REDRIVES_MAX: u32 = 100;
/// First delay between two attempts, milliseconds; doubles with each attempt.
pub const BACKOFF_MIN_MS: u64 = 500;
/// Longest delay between two attempts, milliseconds, before jitter.
pub const BACKOFF_MAX_MS: u64 = 60_000;
/// The same for a withdrawal. What it has not removed is readable, and within a minute after storage is back everybody concerned is
/// to know that it is not any more.
pub const WITHDRAWAL_BACKOFF_MAX_MS: u64 = 15_000;
/// Maximum number of uncounted starts of one task other than a withdrawal. At the longest delay they last a week, which is how
/// long an asset waits for a service that is away. After that, giving it back or waiting counts as a fault: a node that always
/// gives back must not keep an asset from ending.
pub const UNCOUNTED_MAX: u32 = 10_000;
/// Counted starts of one task before it is settled: one less than the most any code of ours allows, and the
/// most any producer's code allows.
pub const STARTS_MAX: u32 = 13;
