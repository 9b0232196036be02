//! The nodes: the running tasks of each, and which nodes have room.

use reelgate_flow::task::Lane;

use crate::agenda::Ns;
use crate::store::{AttemptOutcome, Fence};

/// A running task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) number: u32,
    pub(crate) fence: Fence,
    pub(crate) since: Ns,
    pub(crate) outcome: AttemptOutcome,
}

/// A finished task whose report must be committed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FinishedTask {
    pub(crate) fence: Fence,
    pub(crate) outcome: AttemptOutcome,
    /// How long a slot was busy with it, nanoseconds.
    pub(crate) busy: Ns,
}

/// One node.
#[derive(Default)]
pub(crate) struct Node {
    pub(crate) alive: bool,
    pub(crate) draining: bool,
    /// Number of the turn that the database is serving.
    pub(crate) turn: Option<u32>,
    /// Whether a retry after the database's absence is scheduled.
    pub(crate) waits: bool,
    pub(crate) running: Vec<Flight>,
    pub(crate) reports: Vec<FinishedTask>,
    pub(crate) committing: Vec<FinishedTask>,
    used: [u16; 2],
    /// Offset of its renewals within the interval.
    phase: Ns,
    hungry: [Option<u32>; 2],
}

impl Node {
    /// How many more claims of a lane it has room for.
    pub(crate) fn room(&self, lane: Lane, credits: [u16; 2]) -> u16 {
        credits[at(lane)].saturating_sub(self.used[at(lane)])
    }

    /// Occupies a slot of a lane.
    pub(crate) fn occupy(&mut self, lane: Lane) {
        self.used[at(lane)] += 1;
    }

    /// Frees a slot of a lane.
    pub(crate) fn free(&mut self, lane: Lane) {
        self.used[at(lane)] = self.used[at(lane)].saturating_sub(1);
    }

    /// Time of its last renewal.
    pub(crate) fn renewed(&self, now: Ns, interval: Ns) -> Ns {
        now.saturating_sub((now + interval - self.phase) % interval)
    }

    /// Drops everything it had and returns its claims.
    pub(crate) fn empty(&mut self) -> Vec<Fence> {
        let running = self.running.drain(..).map(|flight| flight.fence);
        let reported = self.reports.drain(..).chain(self.committing.drain(..)).map(|report| report.fence);
        self.used = [0; 2];
        self.turn = None;
        running.chain(reported).collect()
    }

    /// Whether it has no claim.
    fn is_idle(&self) -> bool {
        self.used == [0; 2]
    }
}

/// All nodes.
pub(crate) struct Fleet {
    pub(crate) nodes: Vec<Node>,
    pub(crate) credits: [u16; 2],
    /// Nodes with room and without a running turn, by lane.
    hungry: [Vec<u32>; 2],
    /// Claims of all nodes by lane.
    pub(crate) held: [u64; 2],
    /// Number of nodes with a claim.
    pub(crate) holders: u64,
}

impl Fleet {
    /// This many nodes, alive and idle. Each renews its leases every `interval`, at an offset drawn from `rng`.
    pub(crate) fn new(nodes: u32, light: u16, heavy: u16, interval: Ns, rng: &mut fastrand::Rng) -> Self {
        let node = |_| Node { alive: true, phase: rng.u64(..interval), ..Node::default() };
        let mut fleet = Self {
            nodes: (0..nodes).map(node).collect(),
            credits: [light, heavy],
            hungry: [Vec::new(), Vec::new()],
            held: [0; 2],
            holders: 0,
        };
        (0..nodes).for_each(|node| fleet.refresh(node));
        fleet
    }

    /// The node with this number.
    pub(crate) fn node(&mut self, node: u32) -> &mut Node {
        &mut self.nodes[node as usize]
    }

    /// Updates the lists of nodes with room after a node changed.
    pub(crate) fn refresh(&mut self, number: u32) {
        for lane in Lane::ALL {
            let node = &self.nodes[number as usize];
            let room = node.room(lane, self.credits) > 0;
            let is_hungry = node.alive && !node.draining && node.turn.is_none() && !node.waits && room;
            let list = &mut self.hungry[at(lane)];
            match (node.hungry[at(lane)], is_hungry) {
                (None, true) => {
                    let place = list.len() as u32;
                    list.push(number);
                    self.nodes[number as usize].hungry[at(lane)] = Some(place);
                }
                (Some(place), false) => {
                    list.swap_remove(place as usize);
                    let moved = list.get(place as usize).copied();
                    self.nodes[number as usize].hungry[at(lane)] = None;
                    if let Some(moved) = moved {
                        self.nodes[moved as usize].hungry[at(lane)] = Some(place);
                    }
                }
                _ => {}
            }
        }
    }

    /// Numbers of the nodes with room in a lane.
    pub(crate) fn hungry(&self, lane: Lane) -> &[u32] {
        &self.hungry[at(lane)]
    }

    /// A node has claimed a task.
    pub(crate) fn take(&mut self, number: u32, flight: Flight) {
        let lane = flight.fence.task.lane();
        self.held[at(lane)] += 1;
        let node = &mut self.nodes[number as usize];
        self.holders += u64::from(node.is_idle());
        node.occupy(lane);
        node.running.push(flight);
    }

    /// A claim of a node has ended.
    pub(crate) fn release(&mut self, number: u32, lane: Lane) {
        self.held[at(lane)] -= 1;
        let node = &mut self.nodes[number as usize];
        node.free(lane);
        self.holders -= u64::from(node.is_idle());
    }

    /// Removes a node; returns its claims.
    pub(crate) fn lose(&mut self, number: u32) -> Vec<Fence> {
        let node = &mut self.nodes[number as usize];
        let lost = node.empty();
        (node.alive, node.waits) = (false, false);
        for fence in &lost {
            self.held[at(fence.task.lane())] -= 1;
        }
        self.holders -= u64::from(!lost.is_empty());
        self.refresh(number);
        lost
    }

    /// Number of nodes that are alive.
    pub(crate) fn alive(&self) -> u64 {
        self.nodes.iter().filter(|node| node.alive).count() as u64
    }
}

fn at(lane: Lane) -> usize {
    match lane {
        Lane::Light => 0,
        Lane::Heavy => 1,
    }
}

#[cfg(test)]
mod tests {
    use reelgate_flow::task::TaskKey;

    use super::*;
    use crate::media::AttemptEnding;

    fn flight(number: u32, task: TaskKey) -> Flight {
        let fence = Fence { asset: number, task, attempt: 1 };
        Flight { number, fence, since: 0, outcome: AttemptOutcome::Ended(AttemptEnding::Success) }
    }

    fn fleet() -> Fleet {
        Fleet::new(3, 2, 1, 10, &mut fastrand::Rng::with_seed(1))
    }

    #[test]
    fn a_node_without_room_is_not_asked_to_look() {
        let mut fleet = fleet();
        fleet.take(0, flight(1, TaskKey::Audio));
        fleet.refresh(0);
        assert_eq!(fleet.hungry(Lane::Heavy), [2, 1]);
        assert_eq!(fleet.hungry(Lane::Light).len(), 3);
        fleet.node(0).running.clear();
        fleet.release(0, Lane::Heavy);
        fleet.refresh(0);
        assert_eq!(fleet.hungry(Lane::Heavy), [2, 1, 0]);
        assert_eq!((fleet.held, fleet.holders), ([0, 0], 0));
    }

    #[test]
    fn a_lost_node_leaves_its_claims_to_be_found() {
        let mut fleet = fleet();
        fleet.take(1, flight(1, TaskKey::Audio));
        fleet.take(1, flight(2, TaskKey::Validate));
        assert_eq!((fleet.held, fleet.holders), ([1, 1], 1));
        let lost = fleet.lose(1);
        assert_eq!(lost.iter().map(|fence| fence.asset).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((fleet.held, fleet.holders, fleet.alive()), ([0, 0], 0, 2));
        assert_eq!(fleet.hungry(Lane::Light), [0, 2]);
    }

    #[test]
    fn leases_are_renewed_at_the_nodes_own_moments() {
        let node = Node { phase: 3, ..Node::default() };
        assert_eq!([3, 12, 13, 14].map(|now| node.renewed(now, 10)), [3, 3, 13, 13]);
    }
}
