//! Decides which shards this reader should take, from the rows of all shards and a monotonic clock alone: no I/O, no wall
//! clock, no leader. Every reader decides for itself; the counters in the rows let only one of two readers succeed.
//!
//! A lease has expired if its counter did not change for the whole lease time while this reader watched it. Watching
//! starts anew after every failed read of the rows: whoever cannot read the rows, including the owner, cannot renew
//! either, so an outage of the store moves no lease. Readers balance by requests: a reader with at least two shards fewer
//! than another asks it for one. The owner finishes the batch that it has handed out and releases the shard.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::ids::NodeId;
use reelgate_ports::shards::{Position, ShardRow};

/// The actions of one round.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Plan {
    /// Leases to take, with the counter that each must still have.
    pub(super) take: Vec<(String, u64)>,
    /// A shard to ask another reader for.
    pub(super) want: Option<String>,
    /// Owned shards that another reader asks for.
    pub(super) hand_over: Vec<String>,
    /// The stream must be listed before it is known whether some shard may be read.
    pub(super) list: bool,
}

/// The input of one round.
pub(super) struct View<'a> {
    /// Every row of the stream.
    pub(super) rows: &'a [ShardRow],
    /// The shards of the stream, if it was listed.
    pub(super) listed: Option<&'a BTreeSet<String>>,
    /// The shards this process reads.
    pub(super) held: &'a BTreeSet<String>,
    /// Milliseconds on a monotonic clock.
    pub(super) now_ms: u64,
}

/// Plans rounds; remembers since when each counter is unchanged.
pub(super) struct Planner {
    node: NodeId,
    lease_ms: u64,
    seen: BTreeMap<String, (u64, u64)>,
    begun: bool,
}

impl Planner {
    pub(super) fn new(node: NodeId, lease_ms: u64) -> Self {
        Self { node, lease_ms, seen: BTreeMap::new(), begun: false }
    }

    /// The rows could not be read: earlier observations no longer count.
    pub(super) fn look_failed(&mut self) {
        self.seen.clear();
    }

    /// All leases were released. A lease whose release failed is taken again at once.
    pub(super) fn begin_anew(&mut self) {
        self.begun = false;
    }

    /// Decides a round. `rng` spreads the readers over the shards, so that they do not all choose the same one.
    pub(super) fn plan(&mut self, view: &View<'_>, rng: &mut fastrand::Rng) -> Plan {
        self.watch(view);
        let parents = Parents::of(view);
        let mut plan = Plan { list: view.rows.iter().any(|row| parents.unknown(row)), ..Plan::default() };
        let open: Vec<&ShardRow> = view.rows.iter().filter(|row| parents.readable(row)).collect();
        let others = self.others(&open, view);
        let mine = open.iter().filter(|row| view.held.contains(&row.shard)).count();
        let share = open.len().div_ceil(others.len() + 1);
        plan.take = self.takes(&open, view, share.saturating_sub(mine), rng);
        if plan.take.is_empty() {
            plan.want = self.want(&open, &others, mine, rng);
        }
        let asked = |row: &&&ShardRow| view.held.contains(&row.shard) && self.asked_by_another(row);
        plan.hand_over = open.iter().filter(asked).map(|row| row.shard.clone()).collect();
        self.begun = true;
        plan
    }

    fn watch(&mut self, view: &View<'_>) {
        let mut seen = BTreeMap::new();
        for row in view.rows {
            let before = self.seen.get(&row.shard).filter(|(counter, _)| *counter == row.counter);
            let since_ms = before.map_or(view.now_ms, |(_, since_ms)| *since_ms);
            seen.insert(row.shard.clone(), (row.counter, since_ms));
        }
        self.seen = seen;
    }

    /// Whether the counter was unchanged for a whole lease time.
    fn has_expired(&self, row: &ShardRow, now_ms: u64) -> bool {
        let since_ms = self.seen.get(&row.shard).map_or(now_ms, |(_, since_ms)| *since_ms);
        now_ms.saturating_sub(since_ms) >= self.lease_ms
    }

    fn asked_by_another(&self, row: &ShardRow) -> bool {
        row.wanted_by.as_ref().is_some_and(|asker| *asker != self.node)
    }

    /// Other live readers, with the number of their shards.
    fn others<'a>(&self, open: &[&'a ShardRow], view: &View<'_>) -> BTreeMap<&'a NodeId, usize> {
        let mut others = BTreeMap::new();
        for row in open {
            let owner = row.owner.as_ref().filter(|owner| **owner != self.node);
            if let Some(owner) = owner.filter(|_| !self.has_expired(row, view.now_ms)) {
                *others.entry(owner).or_insert(0) += 1;
            }
        }
        others
    }

    /// Takes at most half of the free shards at a time, so that readers that start together get about equal numbers.
    fn takes(
        &self,
        open: &[&ShardRow],
        view: &View<'_>,
        missing: usize,
        rng: &mut fastrand::Rng,
    ) -> Vec<(String, u64)> {
        let (mut promised, mut free) = (Vec::new(), Vec::new());
        for row in open.iter().filter(|row| !view.held.contains(&row.shard)) {
            let expired = self.has_expired(row, view.now_ms);
            let left_by_predecessor = row.owner.as_ref() == Some(&self.node) && !self.begun;
            let promised_to_us = row.owner.is_none() && row.wanted_by.as_ref() == Some(&self.node);
            let open_to_all = row.owner.is_none() && !self.asked_by_another(row);
            let target = if left_by_predecessor || promised_to_us { &mut promised } else { &mut free };
            if left_by_predecessor || promised_to_us || open_to_all || expired {
                target.push((row.shard.clone(), row.counter));
            }
        }
        rng.shuffle(&mut free);
        let free_max = missing.saturating_sub(promised.len()).min(free.len().div_ceil(2));
        promised.extend(free.into_iter().take(free_max));
        promised
    }

    /// Counts shards that any reader has asked for as already moved.
    fn want(
        &self,
        open: &[&ShardRow],
        others: &BTreeMap<&NodeId, usize>,
        mine: usize,
        rng: &mut fastrand::Rng,
    ) -> Option<String> {
        let asked_already = open.iter().filter(|row| row.wanted_by.as_ref() == Some(&self.node)).count();
        let mut staying: BTreeMap<&NodeId, Vec<&ShardRow>> = BTreeMap::new();
        for row in open {
            let promised = row.wanted_by.is_some() && row.wanted_by != row.owner;
            let owner = row.owner.as_ref().filter(|owner| others.contains_key(owner) && !promised);
            if let Some(owner) = owner {
                staying.entry(owner).or_default().push(row);
            }
        }
        let richest = staying.into_values().max_by_key(Vec::len)?;
        let uneven = richest.len() >= mine + asked_already + 2;
        rng.choice(richest).filter(|_| uneven).map(|row| row.shard.clone())
    }
}

/// Decides which shards may be read: those whose parents were read to their end, or are gone from stream and rows.
struct Parents<'a> {
    positions: BTreeMap<&'a str, &'a Position>,
    listed: Option<&'a BTreeSet<String>>,
}

impl<'a> Parents<'a> {
    fn of(view: &View<'a>) -> Self {
        let positions = view.rows.iter().map(|row| (row.shard.as_str(), &row.position)).collect();
        Self { positions, listed: view.listed }
    }

    fn readable(&self, row: &ShardRow) -> bool {
        row.position != Position::Ended && row.parents.iter().all(|parent| self.done(parent))
    }

    fn done(&self, parent: &str) -> bool {
        match self.positions.get(parent) {
            Some(position) => **position == Position::Ended,
            None => self.listed.is_some_and(|listed| !listed.contains(parent)),
        }
    }

    /// Whether the shard has a parent without a row, and it is not yet known whether the stream still has that parent.
    fn unknown(&self, row: &ShardRow) -> bool {
        let strange = |parent: &String| !self.positions.contains_key(parent.as_str()) && !self.done(parent);
        row.position != Position::Ended && row.parents.iter().any(strange)
    }
}

#[cfg(test)]
mod tests;
