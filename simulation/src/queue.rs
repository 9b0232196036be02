//! The due tasks of one lane in the order of claims: the most urgent kind first, then by queue position.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use reelgate_flow::task::TaskKey;

use crate::agenda::Ns;

/// A task that is due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Due {
    urgency: u8,
    place: u64,
    /// The asset's index.
    pub(crate) asset: u32,
    /// The due task.
    pub(crate) task: TaskKey,
    /// When it became due.
    pub(crate) since: Ns,
}

/// The due tasks of a lane. Like an index of claimable rows it may hold a task that is no longer due; a claim skips it.
#[derive(Default)]
pub(crate) struct DueQueue(BinaryHeap<Reverse<Due>>);

impl DueQueue {
    /// Adds a task at its position.
    pub(crate) fn put(&mut self, place: u64, asset: u32, task: TaskKey, since: Ns) {
        self.0.push(Reverse(Due { urgency: task.urgency(), place, asset, task, since }));
    }

    /// Removes and returns the first task.
    pub(crate) fn take(&mut self) -> Option<Due> {
        self.0.pop().map(|Reverse(due)| due)
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn withdrawals_come_first_then_smaller_positions() {
        let mut queue = DueQueue::default();
        queue.put(5, 1, TaskKey::Validate, 0);
        queue.put(3, 2, TaskKey::Validate, 0);
        queue.put(9, 3, TaskKey::Withdraw, 0);
        queue.put(7, 4, TaskKey::Publish, 0);
        let order: Vec<u32> = std::iter::from_fn(|| queue.take().map(|due| due.asset)).collect();
        assert_eq!(order, [3, 4, 2, 1]);
    }
}
