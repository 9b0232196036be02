//! Where a claim begins to look.
//!
//! A claimed task leaves dead entries at the front of the index that claims scan. While any transaction in the
//! database stays open, vacuum cannot remove them: after an hour every claim would step over millions of them. So a
//! store remembers, for each kind of task, the queue position below which it found nothing left, and when that was.
//! The next claim looks at what has become claimable since then (`claimable_since`), at any position, and
//! from the remembered position onward. Each entry is stepped over about once for each store.
//!
//! What this can overlook is a task below the position that a transaction took longer than [`LATE_MS`] to commit, or
//! that another claim locked and then failed to take. A regular look from the beginning finds it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Transactions that take longer than this from naming the time to their commit are found by the next look from
/// the beginning, milliseconds.
const LATE_MS: u64 = 1_000;

/// What is new is looked at for at most this long before a claim begins at its position, milliseconds.
const NEW_MS_MAX: u64 = 20_000;

/// Bits of `open_tasks.claimable_since` that hold the time, milliseconds: enough for 35,000 years.
const TIME_BITS: u32 = 50;

/// When a task of this urgency became claimable, as one ordered number: `open_tasks.claimable_since`.
pub(crate) fn claimable_since(urgency: u8, at_ms: u64) -> i64 {
    let at_ms = at_ms.min((1 << TIME_BITS) - 1);
    (i64::from(urgency) << TIME_BITS) | at_ms.cast_signed()
}

/// Where to look: among tasks claimable since `[since_from, since_until)` before `queue_position`, then
/// from `queue_position` onward.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Look {
    pub urgency: u8,
    pub since_from: i64,
    pub since_until: i64,
    pub queue_position: i64,
}

/// What a claim took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Took {
    /// Tasks taken from among the new ones.
    pub new: usize,
    /// The smallest position among them.
    pub first_new: Option<i64>,
    /// Tasks taken from the remembered position onward.
    pub onward: usize,
    /// The largest position among them.
    pub last: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct ClaimFloor {
    /// Nothing was left before this position…
    queue_position: i64,
    /// … that was claimable at this time.
    at_ms: u64,
}

/// The remembered positions by urgency.
#[derive(Debug, Default)]
pub(crate) struct Cursor(Mutex<BTreeMap<u8, ClaimFloor>>);

impl Cursor {
    /// Where the next claim looks.
    pub(crate) fn look(&self, urgency: u8) -> Look {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&urgency).copied();
        let seen = seen.unwrap_or(ClaimFloor { queue_position: i64::MIN, at_ms: 0 });
        Look {
            urgency,
            since_from: claimable_since(urgency, seen.at_ms.saturating_sub(LATE_MS)),
            since_until: claimable_since(urgency + 1, 0),
            queue_position: seen.queue_position,
        }
    }

    /// Learns from a claim of at most `tasks_max` that looked there at `now_ms`.
    pub(crate) fn learn(&self, look: Look, took: Took, tasks_max: usize, now_ms: u64) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.get(&look.urgency).copied();
        if known.is_some_and(|known| known.at_ms > now_ms) {
            // Another claim of this store learned later.
            return;
        }
        let queue_position = if took.new >= tasks_max {
            // More may be left among the new ones. Where that has gone on for long, begin at them instead.
            let since = known.map_or(0, |known| known.at_ms);
            if now_ms.saturating_sub(since) < NEW_MS_MAX {
                return;
            }
            took.first_new
        } else if took.new + took.onward < tasks_max {
            // Nothing is left anywhere.
            Some(i64::MAX)
        } else {
            took.last
        };
        seen.insert(
            look.urgency,
            ClaimFloor { queue_position: queue_position.unwrap_or(look.queue_position), at_ms: now_ms },
        );
    }

    /// The next claims look from the beginning.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_780_000_000_000;

    #[test]
    fn the_first_look_is_from_the_beginning_at_everything() {
        let look = Cursor::default().look(3);
        assert_eq!((look.queue_position, look.since_from), (i64::MIN, claimable_since(3, 0)));
        assert!(look.since_until > claimable_since(3, NOW_MS) && look.since_until <= claimable_since(4, 0));
    }

    #[test]
    fn the_next_look_begins_where_the_last_one_ended() {
        let cursor = Cursor::default();
        let took = Took { onward: 10, last: Some(77), ..Took::default() };
        cursor.learn(cursor.look(3), took, 10, NOW_MS);
        let look = cursor.look(3);
        assert_eq!((look.queue_position, look.since_from), (77, claimable_since(3, NOW_MS - LATE_MS)));
        assert_eq!(cursor.look(2).queue_position, i64::MIN, "another kind has its own");
    }

    #[test]
    fn once_all_tasks_are_taken_only_new_ones_are_looked_at() {
        let cursor = Cursor::default();
        cursor.learn(cursor.look(3), Took { onward: 9, last: Some(77), ..Took::default() }, 10, NOW_MS);
        assert_eq!(cursor.look(3).queue_position, i64::MAX);
    }

    #[test]
    fn new_tasks_that_fill_a_claim_do_not_move_the_position_unless_that_continues_for_long() {
        let cursor = Cursor::default();
        cursor.learn(cursor.look(3), Took { onward: 10, last: Some(77), ..Took::default() }, 10, NOW_MS);
        let full = Took { new: 10, first_new: Some(5), ..Took::default() };
        cursor.learn(cursor.look(3), full, 10, NOW_MS + 10);
        assert_eq!(
            (cursor.look(3).queue_position, cursor.look(3).since_from),
            (77, claimable_since(3, NOW_MS - LATE_MS))
        );
        cursor.learn(cursor.look(3), full, 10, NOW_MS + NEW_MS_MAX);
        assert_eq!(cursor.look(3).queue_position, 5);
    }

    #[test]
    fn the_late_result_of_an_earlier_claim_changes_nothing() {
        let cursor = Cursor::default();
        let look = cursor.look(3);
        cursor.learn(look, Took { onward: 10, last: Some(77), ..Took::default() }, 10, NOW_MS);
        cursor.learn(look, Took { onward: 10, last: Some(66), ..Took::default() }, 10, NOW_MS - 1);
        assert_eq!(cursor.look(3).queue_position, 77);
        cursor.forget();
        assert_eq!(cursor.look(3).queue_position, i64::MIN);
    }
}
