//! What happens when: a heap of events in virtual time, first in first out within one instant.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use reelgate_flow::task::{Lane, TaskKey};

/// Virtual nanoseconds since the start.
pub(crate) type Ns = u64;

/// Nanoseconds of a millisecond.
pub(crate) const MS: Ns = 1_000_000;
/// Nanoseconds of a second.
pub(crate) const S: Ns = 1_000_000_000;

/// Something that happens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Event {
    /// The next upload arrives.
    Arrival,
    /// A node is through with a task.
    TaskEnded { node: u32, flight: u32 },
    /// The database has answered a node's turn.
    TurnEnded { node: u32, turn: u32 },
    /// A node tries again after the database was away.
    TurnDue { node: u32 },
    /// A retry falls due.
    TaskDue { asset: u32, task: TaskKey },
    /// A node that has room looks for work of the lane.
    Look { lane: Lane },
    /// Leases that ran out are ended; which ones, by number.
    Reap { batch: u32 },
    /// The database is back, and leases ran out meanwhile.
    ReapAll,
    /// A node that could not renew for two thirds of the lease stops its media workers.
    Abort { node: u32 },
    /// A draining node gives back what it has not finished.
    GiveBack { node: u32 },
    /// A node is gone, with all it had.
    Gone { node: u32 },
    /// A new node takes the place of one that is gone.
    Replaced { node: u32 },
    /// Trouble of the scenario.
    Trouble,
    /// Time to measure.
    Tick,
}

/// The events to come.
#[derive(Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Reverse<(Ns, u64, Event)>>,
    entered: u64,
}

impl Agenda {
    /// Enters an event.
    pub(crate) fn enter(&mut self, at: Ns, event: Event) {
        self.entered += 1;
        self.heap.push(Reverse((at, self.entered, event)));
    }

    /// The next event and its time.
    pub(crate) fn next(&mut self) -> Option<(Ns, Event)> {
        self.heap.pop().map(|Reverse((at, _, event))| (at, event))
    }

    /// Nothing is to come.
    pub(crate) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Events entered so far.
    pub(crate) fn entered(&self) -> u64 {
        self.entered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_then_in_the_order_they_were_entered() {
        let mut agenda = Agenda::default();
        agenda.enter(2, Event::Tick);
        agenda.enter(1, Event::Gone { node: 7 });
        agenda.enter(1, Event::Arrival);
        let order: Vec<Event> = std::iter::from_fn(|| agenda.next().map(|(_, event)| event)).collect();
        assert_eq!(order, [Event::Gone { node: 7 }, Event::Arrival, Event::Tick]);
        assert!(agenda.is_empty());
    }
}
