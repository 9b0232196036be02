//! Shard leases and checkpoints in memory: the simplest implementation of [`Shards`].

use async_trait::async_trait;
use reelgate_flow::ids::NodeId;
use reelgate_ports::error::PortResult;
use reelgate_ports::shards::{Position, ShardLease, ShardRow, Shards};

use super::MemoryStore;
use super::state::State;

impl State {
    /// The shards of a stream, by id.
    pub(super) fn shard_rows(&self, stream: &str) -> Vec<ShardRow> {
        let rows = self.shards.iter().filter(|((of, _), _)| of == stream);
        rows.map(|(_, (row, _))| row.clone()).collect()
    }

    /// The row of a lease that its node still owns.
    pub(super) fn held(&mut self, lease: &ShardLease) -> Option<&mut ShardRow> {
        let (row, epoch) = self.shards.get_mut(&(lease.stream.clone(), lease.shard.clone()))?;
        (row.owner.as_ref() == Some(&lease.owner) && *epoch == lease.epoch).then_some(row)
    }
}

#[async_trait]
impl Shards for MemoryStore {
    async fn shards(&self, stream: &str) -> PortResult<Vec<ShardRow>> {
        Ok(self.state.lock().await.shard_rows(stream))
    }

    async fn add_shards(&self, stream: &str, shards: &[ShardRow]) -> PortResult<()> {
        let mut state = self.state.lock().await;
        for row in shards {
            let fresh = ShardRow { owner: None, counter: 0, wanted_by: None, ..row.clone() };
            state.shards.entry((stream.to_owned(), row.shard.clone())).or_insert((fresh, 0));
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
        let mut state = self.state.lock().await;
        let row = state.shards.get_mut(&(stream.to_owned(), shard.to_owned()));
        let Some((row, epoch)) = row.filter(|(row, _)| row.counter == seen_counter) else { return Ok(None) };
        (row.owner, row.wanted_by) = (Some(node.clone()), None);
        row.counter += 1;
        *epoch += 1;
        let (stream, shard) = (stream.to_owned(), shard.to_owned());
        let lease = ShardLease { stream, shard, owner: node.clone(), epoch: *epoch };
        Ok(Some((lease, row.position.clone())))
    }

    async fn renew_shards(&self, leases: &[ShardLease]) -> PortResult<Vec<ShardLease>> {
        let mut state = self.state.lock().await;
        let mut lost = Vec::new();
        for lease in leases {
            match state.held(lease) {
                Some(row) => row.counter += 1,
                None => lost.push(lease.clone()),
            }
        }
        Ok(lost)
    }

    async fn want_shard(&self, stream: &str, shard: &str, node: &NodeId) -> PortResult<()> {
        let mut state = self.state.lock().await;
        let row = state.shards.get_mut(&(stream.to_owned(), shard.to_owned()));
        let other = |(row, _): &&mut (ShardRow, u64)| row.owner.as_ref().is_some_and(|owner| owner != node);
        if let Some((row, _)) = row.filter(other) {
            row.wanted_by = Some(node.clone());
        }
        Ok(())
    }

    async fn release_shard(&self, lease: &ShardLease) -> PortResult<()> {
        if let Some(row) = self.state.lock().await.held(lease) {
            row.owner = None;
            row.counter += 1;
        }
        Ok(())
    }

    async fn forget_shards(&self, stream: &str, shards: &[String]) -> PortResult<()> {
        let read_to_its_end = |of: &str, shard: &String, row: &ShardRow| {
            of == stream && shards.contains(shard) && row.position == Position::Ended
        };
        let mut state = self.state.lock().await;
        state.shards.retain(|(of, shard), (row, _)| !read_to_its_end(of, shard, row));
        Ok(())
    }
}
