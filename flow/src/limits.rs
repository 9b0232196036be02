//! Every bound of the core in one place, each with its reason.

/// Chunks of one video: 24 h at 20 s a chunk is 4,320.
pub const CHUNKS_MAX: u16 = 5_000;
/// Tasks one asset may have at once: its chunks and the seven other kinds.
pub const TASKS_MAX: usize = CHUNKS_MAX as usize + 7;
/// Times an operator may redrive one asset.
pub const REDRIVES_MAX: u32 = 100;
/// First wait between two attempts, in milliseconds; doubles with each attempt.
pub const BACKOFF_MIN_MS: u64 = 500;
/// Longest wait between two attempts, in milliseconds, before jitter.
pub const BACKOFF_MAX_MS: u64 = 60_000;
