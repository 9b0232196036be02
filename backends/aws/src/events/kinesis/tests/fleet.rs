//! All faults together, by seed: nodes die, freeze and join, shards split and merge, reads are refused.

use std::collections::BTreeSet;
use std::time::Duration;

use reelgate_ports::error::{ErrorKind, Port, PortError};

use super::super::stream::Refusal;
use super::super::*;
use super::model::*;

struct StreamFleet {
    stream: FakeStream,
    model: Model,
    rng: fastrand::Rng,
    nodes: Vec<Node>,
    open: Vec<String>,
    shards: u32,
    keys: u32,
}

impl StreamFleet {
    fn new(seed: u64) -> Self {
        let stream = FakeStream::new(&["s00", "s01"]);
        let open = vec!["s00".to_owned(), "s01".to_owned()];
        let rng = fastrand::Rng::with_seed(seed);
        Self { stream, model: Model::default(), rng, nodes: Vec::new(), open, shards: 2, keys: 0 }
    }

    fn join(&mut self) {
        let name = format!("n{}", self.rng.u8(..6));
        self.nodes.push(Node::new(&name, &self.stream, &self.model));
    }

    fn put_some(&mut self) {
        for _ in 0..self.rng.u32(1..12) {
            let shard = self.rng.choice(&self.open).unwrap();
            self.stream.put(shard, &self.keys.to_string());
            self.keys += 1;
        }
    }

    fn new_shard(&mut self) -> String {
        self.shards += 1;
        format!("s{:02}", self.shards)
    }

    fn split(&mut self) {
        let parent = self.open.swap_remove(self.rng.usize(..self.open.len()));
        let children = [self.new_shard(), self.new_shard()];
        self.stream.reshard(&[&parent], &[&children[0], &children[1]]);
        self.open.extend(children);
    }

    fn merge(&mut self) {
        if self.open.len() < 2 {
            return;
        }
        self.rng.shuffle(&mut self.open);
        let parents = self.open.split_off(self.open.len() - 2);
        let child = self.new_shard();
        self.stream.reshard(&[&parents[0], &parents[1]], &[&child]);
        self.open.push(child);
    }

    fn disturb(&mut self) {
        let refusal = match self.rng.u8(..3) {
            0 => Refusal::Expired,
            1 => Refusal::Other(PortError::new(
                Port::Events,
                ErrorKind::Unavailable,
                "read a shard",
                "no answer in time",
            )),
            _ => Refusal::Other(PortError::new(
                Port::Events,
                ErrorKind::Unavailable,
                "read a shard",
                "throttled",
            )),
        };
        self.stream.refuse([refusal]);
    }

    async fn step(&mut self) {
        match self.rng.u8(..20) {
            0..8 => self.put_some(),
            8 => self.split(),
            9 => self.merge(),
            10 if self.nodes.len() < 5 => self.join(),
            11 if self.nodes.len() > 1 => drop(self.nodes.swap_remove(self.rng.usize(..self.nodes.len()))),
            12 => self.rng.choice(&self.nodes).unwrap().freeze(true),
            13 => self.nodes.iter().for_each(|node| node.freeze(false)),
            14 => self.model.shards.down(true),
            15 => self.model.shards.down(false),
            16 => self.disturb(),
            17 if self.nodes.len() > 1 => {
                let node = self.nodes.swap_remove(self.rng.usize(..self.nodes.len()));
                node.freeze(false);
                node.events.stop().await.unwrap();
            }
            _ => {}
        }
    }

    /// Runs the intake of every node for some rounds. The intake of a frozen node makes no progress.
    async fn work(&mut self) {
        let rounds = self.rng.u32(1..60);
        for _ in 0..rounds {
            for node in &self.nodes {
                // A frozen node's release never returns, so the timeout ends its intake, as a kill would.
                let worked = node.ingest_once();
                let _ = tokio::time::timeout(Duration::from_millis(20), worked).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn heal(&mut self) {
        self.model.shards.down(false);
        self.nodes.iter().for_each(|node| node.freeze(false));
        let nodes: Vec<&Node> = self.nodes.iter().collect();
        let all: BTreeSet<String> = keys(0..self.keys);
        work_until(&nodes, 900_000, || self.model.effects() == all).await;
    }

    /// Within one shard, records are committed in order; no repeated record follows a later one.
    fn order_holds(&self) -> bool {
        let mut seen = std::collections::BTreeMap::new();
        self.model.committed().into_iter().all(|(shard, key)| {
            let key: u32 = key.parse().unwrap();
            seen.insert(shard, key).is_none_or(|before| before < key)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn under_all_faults_every_record_takes_effect_once_and_in_order() {
    let mut conflicts = 0;
    for seed in 0..25 {
        let mut fleet = StreamFleet::new(seed);
        fleet.join();
        for _ in 0..60 {
            fleet.step().await;
            fleet.work().await;
        }
        fleet.heal().await;
        assert!(fleet.order_holds(), "seed {seed}");
        assert_eq!(
            fleet.model.committed().len(),
            fleet.keys as usize,
            "seed {seed}: nothing is committed twice"
        );
        assert!(fleet.nodes.iter().all(|node| node.events.gaps() == 0), "seed {seed}: nothing was lost");
        conflicts += fleet.model.conflicts();
    }
    assert!(conflicts > 0, "expected at least one fenced commit among so many faults, found none");
}
