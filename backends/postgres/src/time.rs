//! Which clock counts: the database's, so that nodes need not agree on one; tests pass their own.

use std::fmt;
use std::sync::Arc;

use reelgate_ports::clock::Clock;

/// Which clock counts.
#[derive(Clone)]
pub enum Time {
    /// The database's.
    Database,
    /// This one, for tests that control time.
    Given(Arc<dyn Clock>),
}

impl Time {
    /// The time that statements use instead of the database's, if another clock counts.
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

/// A time, size or count as the database stores it.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A number from the database that is never negative; a negative one is read as 0.
pub(crate) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
