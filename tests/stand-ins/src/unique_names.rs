//! Unique names on shared servers.

use std::sync::atomic::{AtomicU32, Ordering};

/// A name that nobody else uses on a shared server: `prefix-<process>-<number>`. It is valid for buckets, streams, queues
/// and (with `_` for `-`) databases.
pub fn fresh_name(prefix: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}
