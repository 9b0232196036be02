//! Shard leases and checkpoints in memory: what a reader of streams is proved over, and the plainest statement of
//! what [`Shards`] promises.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use reelgate_flow::ids::NodeId;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::shards::{Checkpoint, Position, ShardLease, ShardRow, Shards};

#[derive(Default)]
struct Rows {
    /// With the epoch of each lease.
    rows: BTreeMap<String, (ShardRow, u64)>,
    conflicts: u64,
    down: bool,
}

/// The shards of one stream; clones are the same.
#[derive(Clone, Default)]
pub struct MemoryShards(Arc<Mutex<Rows>>);

impl MemoryShards {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap()
    }

    fn reach(&self) -> PortResult<MutexGuard<'_, Rows>> {
        let rows = self.rows();
        if rows.down {
            return Err(PortError::new(Port::Store, ErrorKind::Unavailable, "reach the store", "it is down"));
        }
        Ok(rows)
    }

    /// Moves a checkpoint as a store does within its transaction.
    pub fn advance(&self, checkpoint: &Checkpoint) -> PortResult<()> {
        let mut rows = self.reach()?;
        let row = rows.held(&checkpoint.lease).filter(|row| row.position == checkpoint.from);
        let Some(row) = row else {
            rows.conflicts += 1;
            return Err(PortError::new(
                Port::Store,
                ErrorKind::Conflict,
                "move a checkpoint",
                "somebody else reads the shard",
            ));
        };
        row.position = checkpoint.to.clone();
        Ok(())
    }

    /// Refused moves so far.
    pub fn conflicts(&self) -> u64 {
        self.rows().conflicts
    }

    /// Whether every call fails from now on.
    pub fn down(&self, down: bool) {
        self.rows().down = down;
    }

    /// All rows as they are.
    pub fn all(&self) -> Vec<ShardRow> {
        self.rows().rows.values().map(|(row, _)| row.clone()).collect()
    }

    /// Who reads what.
    pub fn owners(&self) -> BTreeMap<String, Option<String>> {
        let owner = |row: ShardRow| (row.shard, row.owner.map(|owner| owner.to_string()));
        self.all().into_iter().map(owner).collect()
    }

    /// Where a shard's checkpoint stands.
    pub fn position(&self, shard: &str) -> Option<Position> {
        self.rows().rows.get(shard).map(|(row, _)| row.position.clone())
    }

    /// Changes a row behind everybody's back.
    pub fn edit(&self, shard: &str, change: impl FnOnce(&mut ShardRow)) {
        change(&mut self.rows().rows.get_mut(shard).unwrap().0);
    }

    /// Deletes every row behind everybody's back.
    pub fn clear(&self) {
        self.rows().rows.clear();
    }
}

impl Rows {
    fn held(&mut self, lease: &ShardLease) -> Option<&mut ShardRow> {
        let (row, epoch) = self.rows.get_mut(&lease.shard)?;
        (row.owner.as_ref() == Some(&lease.owner) && *epoch == lease.epoch).then_some(row)
    }
}

#[async_trait]
impl Shards for MemoryShards {
    async fn shards(&self, _: &str) -> PortResult<Vec<ShardRow>> {
        Ok(self.reach()?.rows.values().map(|(row, _)| row.clone()).collect())
    }

    async fn add_shards(&self, _: &str, shards: &[ShardRow]) -> PortResult<()> {
        let mut rows = self.reach()?;
        for row in shards {
            rows.rows.entry(row.shard.clone()).or_insert((row.clone(), 0));
        }
        Ok(())
    }

    async fn take_shard(
        &self,
        stream: &str,
        shard: &str,
        node: &NodeId,
        seen_counter: u64,
    ) -> PortResult<Option<(ShardLease, Position)>> {
        let mut rows = self.reach()?;
        let Some((row, epoch)) = rows.rows.get_mut(shard).filter(|(row, _)| row.counter == seen_counter)
        else {
            return Ok(None);
        };
        (row.owner, row.wanted_by) = (Some(node.clone()), None);
        row.counter += 1;
        *epoch += 1;
        let (stream, shard) = (stream.to_owned(), shard.to_owned());
        let lease = ShardLease { stream, shard, owner: node.clone(), epoch: *epoch };
        Ok(Some((lease, row.position.clone())))
    }

    async fn renew_shards(&self, leases: &[ShardLease]) -> PortResult<Vec<ShardLease>> {
        let mut rows = self.reach()?;
        let mut lost = Vec::new();
        for lease in leases {
            match rows.held(lease) {
                Some(row) => row.counter += 1,
                None => lost.push(lease.clone()),
            }
        }
        Ok(lost)
    }

    async fn want_shard(&self, _: &str, shard: &str, node: &NodeId) -> PortResult<()> {
        if let Some((row, _)) = self.reach()?.rows.get_mut(shard) {
            row.wanted_by = Some(node.clone());
        }
        Ok(())
    }

    async fn release_shard(&self, lease: &ShardLease) -> PortResult<()> {
        if let Some(row) = self.reach()?.held(lease) {
            row.owner = None;
            row.counter += 1;
        }
        Ok(())
    }

    async fn forget_shards(&self, _: &str, shards: &[String]) -> PortResult<()> {
        let mut rows = self.reach()?;
        rows.rows.retain(|shard, (row, _)| !(shards.contains(shard) && row.position == Position::Ended));
        Ok(())
    }
}
