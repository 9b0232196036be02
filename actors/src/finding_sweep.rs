//! Which node sweeps for findings of the external scanner, and how far the sweeps have come.
//!
//! That is the position of a shard in the store: the latest change of a finding by the scanner's own clock. So no node's clock
//! counts, a restart goes on where another node has stopped, and one node at a time sweeps.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reelgate_flow::ids::NodeId;
use reelgate_ports::error::PortResult;
use reelgate_ports::shards::{Position, ShardLease, ShardRow, Shards};

/// The name of the sweep among the streams; none of Kinesis has a colon in its name.
const STREAM: &str = "external-scanner:findings";
const SHARD: &str = "all";

/// What a sweep found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SweptFindings {
    pub listed: u64,
    /// Findings that were unknown; they are ingested now.
    pub found: u64,
}

/// The sweep of one node.
pub struct FindingSweep {
    shards: Arc<dyn Shards>,
    /// Between two sweeps.
    pub interval: Duration,
    /// The counter of the lease as the last sweep saw it: a lease whose counter has not moved since is of a node that is gone.
    seen_counter: Mutex<Option<u64>>,
}

impl FindingSweep {
    pub fn new(shards: Arc<dyn Shards>, interval: Duration) -> Self {
        Self { shards, interval, seen_counter: Mutex::default() }
    }

    /// The right to sweep, and how far the last sweep has come; `None` where another node may be at it.
    pub async fn take(&self, node: &NodeId) -> PortResult<Option<(ShardLease, Position)>> {
        let Some(row) = self.row().await? else { return Ok(None) };
        let before = {
            let mut seen = self.seen_counter.lock().unwrap_or_else(PoisonError::into_inner);
            seen.replace(row.counter)
        };
        let is_free = row.owner.is_none_or(|owner| owner == *node) || before == Some(row.counter);
        if !is_free {
            return Ok(None);
        }
        self.shards.take_shard(STREAM, SHARD, node, row.counter).await
    }

    /// Lets any node sweep at once.
    pub async fn release(&self, lease: &ShardLease) -> PortResult<()> {
        self.shards.release_shard(lease).await
    }

    async fn row(&self) -> PortResult<Option<ShardRow>> {
        if let Some(row) = self.shards.shards(STREAM).await?.pop() {
            return Ok(Some(row));
        }
        let first = ShardRow {
            shard: SHARD.to_owned(),
            parents: Vec::new(),
            position: Position::Oldest,
            owner: None,
            counter: 0,
            wanted_by: None,
        };
        self.shards.add_shards(STREAM, &[first]).await?;
        Ok(self.shards.shards(STREAM).await?.pop())
    }
}
