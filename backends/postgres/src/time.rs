//! Whose clock counts: the database's, so that nodes need not agree on one; tests hand in their own.

use std::fmt;
use std::sync::Arc;

use reelgate_ports::clock::Clock;

/// Whose clock counts.
#[derive(Clone)]
pub enum Time {
    /// The database's.
    Database,
    /// This one, for tests that own time.
    Given(Arc<dyn Clock>),
}

impl Time {
    /// What statements take instead of the database's time, where it is not the database's.
    pub(crate) fn given(&self) -> Option<i64> {
        match self {
            Self::Database => None,
            Self::Given(clock) => Some(number(clock.now_ms())),
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "Database",
            Self::Given(_) => "Given",
        })
    }
}

/// A time, size or count as the database keeps it.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A number of the database's that is never negative; what is, is taken for 0.
pub(crate) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
