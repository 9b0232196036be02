//! The agenda: a heap of events in virtual time, in order of insertion within one instant.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use reelgate_flow::task::{Lane, TaskKey};

/// Virtual nanoseconds since the start.
pub(crate) type Ns = u64;

/// Nanoseconds of a millisecond.
pub(crate) const MS: Ns = 1_000_000;
/// Nanoseconds of a second.
pub(crate) const S: Ns = 1_000_000_000;

/// An event of the simulation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Event {
    /// The next upload arrives.
    Arrival,
    /// A node has finished a task.
    TaskEnded { node: u32, flight: u32 },
    /// The database has answered a node's turn.
    TurnEnded { node: u32, turn: u32 },
    /// A node retries after the database was away.
    TurnDue { node: u32 },
    /// A delayed task becomes due.
    TaskDue { asset: u32, task: TaskKey },
    /// A node that has room looks for work of the lane.
    Look { lane: Lane },
    /// A batch of expired leases is ended; the batch's number.
    Reap { batch: u32 },
    /// The database is back, and leases expired meanwhile.
    ReapAll,
    /// A node that could not renew for two thirds of the lease stops its media workers.
    Abort { node: u32 },
    /// A draining node gives back what it has not finished.
    GiveBack { node: u32 },
    /// A node is lost with all its claims.
    Gone { node: u32 },
    /// A new node replaces a lost one.
    Replaced { node: u32 },
    /// An incident of the scenario.
    Incident,
    /// A second has passed, and the load is measured.
    Tick,
}

/// The future events.
#[derive(Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Reverse<(Ns, u64, Event)>>,
    entered: u64,
}

impl Agenda {
    /// Adds an event.
    pub(crate) fn enter(&mut self, at: Ns, event: Event) {
        self.entered += 1;
        self.heap.push(Reverse((at, self.entered, event)));
    }

    /// The next event and its time.
    pub(crate) fn next(&mut self) -> Option<(Ns, Event)> {
        self.heap.pop().map(|Reverse((at, _, event))| (at, event))
    }

    /// Whether there is no future event.
    pub(crate) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Number of events added so far.
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
