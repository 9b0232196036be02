//! Unique names on shared servers.

use std::sync::atomic::{AtomicU32, Ordering};

/// A name that nobody else uses on a shared server: `prefix-<process>-<number>`. It is valid for buckets, streams, queues
/// and (with `_` for `-`) databases.
pub fn fresh_name(prefix: &str) -> String {
    format!("{prefix}-{}-{}", std::process::id(), number())
}

/// The name of an environment of the stack that nobody else uses on a shared server; at most twelve characters.
pub fn fresh_environment() -> String {
    format!("e{:x}-{:x}", std::process::id(), number())
}

fn number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}
