//! Due tasks of one lane in the order they are claimed: the most urgent kind first, then by place.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use reelgate_flow::task::TaskKey;

use crate::agenda::Ns;

/// A task that is due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Due {
    urgency: u8,
    place: u64,
    /// Which asset.
    pub(crate) asset: u32,
    /// Which of its tasks.
    pub(crate) task: TaskKey,
    /// Since when.
    pub(crate) since: Ns,
}

/// The due tasks of a lane. Like an index of claimable rows it may hold a task that is no longer due; who claims
/// skips it.
#[derive(Default)]
pub(crate) struct Queue(BinaryHeap<Reverse<Due>>);

impl Queue {
    /// Puts a task in its place.
    pub(crate) fn put(&mut self, place: u64, asset: u32, task: TaskKey, since: Ns) {
        self.0.push(Reverse(Due { urgency: task.urgency(), place, asset, task, since }));
    }

    /// Takes the first.
    pub(crate) fn take(&mut self) -> Option<Due> {
        self.0.pop().map(|Reverse(due)| due)
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// None waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shuts_a_door_goes_first_then_the_smaller_place() {
        let mut queue = Queue::default();
        queue.put(5, 1, TaskKey::Validate, 0);
        queue.put(3, 2, TaskKey::Validate, 0);
        queue.put(9, 3, TaskKey::Withdraw, 0);
        queue.put(7, 4, TaskKey::Publish, 0);
        let order: Vec<u32> = std::iter::from_fn(|| queue.take().map(|due| due.asset)).collect();
        assert_eq!(order, [3, 4, 2, 1]);
    }
}
