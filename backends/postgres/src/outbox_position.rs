//! How far the outbox of a receiver was looked through.

use std::sync::atomic::AtomicI64;

use crate::rate_limit::{LOOK_EVERY, RateLimit};

/// Where the look for due rows of one receiver begins.
#[derive(Debug)]
pub(crate) struct OutboxPosition {
    pub(crate) looked: RateLimit,
    pub(crate) from: AtomicI64,
}

impl Default for OutboxPosition {
    fn default() -> Self {
        Self { looked: RateLimit::new(LOOK_EVERY), from: AtomicI64::new(i64::MIN) }
    }
}
