//! Which node reads which shard of a stream, and up to which position: one row per shard, shared by all readers.
//!
//! A lease has a counter that grows whenever its owner changes or renews it. A reader that sees an unchanged counter
//! for the whole lease time, by its own monotonic clock, may take the lease by naming that counter. The wall clocks of
//! two nodes are never compared. Only [`crate::store::Intake::ingest`] moves the checkpoint, in the transaction that
//! ingests the events.

use async_trait::async_trait;
use reelgate_flow::ids::NodeId;
use serde::{Deserialize, Serialize};

use crate::error::PortResult;

/// How far a shard has been read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// From its oldest record.
    Oldest,
    /// After the record with this sequence number.
    After(String),
    /// To its end: the shard was split or merged, and its children may be read.
    Ended,
}

impl Position {
    /// The form stored in rows: `oldest`, `ended`, or the sequence number.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Oldest => "oldest",
            Self::After(sequence) => sequence,
            Self::Ended => "ended",
        }
    }

    /// Reads what [`Position::as_str`] wrote.
    pub fn parse(text: &str) -> Self {
        match text {
            "oldest" => Self::Oldest,
            "ended" => Self::Ended,
            sequence => Self::After(sequence.to_owned()),
        }
    }
}

/// One shard of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardRow {
    /// The shard's id.
    pub shard: String,
    /// The shards that were split or merged into this one; they are read first.
    pub parents: Vec<String>,
    /// Up to where it was read and committed.
    pub position: Position,
    /// The node that reads it.
    pub owner: Option<NodeId>,
    /// Grows with every take, renewal and release.
    pub counter: u64,
    /// The node that asks the owner for the shard.
    pub wanted_by: Option<NodeId>,
}

/// The right to read a shard and to move its checkpoint.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ShardLease {
    /// The stream.
    pub stream: String,
    /// The shard.
    pub shard: String,
    /// The node that owns the lease.
    pub owner: NodeId,
    /// Number of times the lease was taken. A renewal keeps it; every take changes it.
    pub epoch: u64,
}

/// A move of a checkpoint, committed together with the events it covers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The right to move it.
    pub lease: ShardLease,
    /// The position before the move; it must match the stored one.
    pub from: Position,
    /// The position after the move.
    pub to: Position,
}

/// Shard leases of every stream.
#[async_trait]
pub trait Shards: Send + Sync {
    /// Every known shard of a stream, in order of id.
    async fn shards(&self, stream: &str) -> PortResult<Vec<ShardRow>>;

    /// Adds shards that are not known yet; a known one is not changed.
    async fn add_shards(&self, stream: &str, shards: &[ShardRow]) -> PortResult<()>;

    /// Takes a lease whose counter still is `seen_counter`, and begins a new epoch; `None` if another node was faster.
    async fn take_shard(
        &self,
        stream: &str,
        shard: &str,
        node: &NodeId,
        seen_counter: u64,
    ) -> PortResult<Option<(ShardLease, Position)>>;

    /// Renews leases; returns those that the caller no longer owns.
    async fn renew_shards(&self, leases: &[ShardLease]) -> PortResult<Vec<ShardLease>>;

    /// Asks the owner of a shard to release it for `node`; the owner sees the request as [`ShardRow::wanted_by`].
    async fn want_shard(&self, stream: &str, shard: &str, node: &NodeId) -> PortResult<()>;

    /// Releases a lease, so that any node may take it at once. A lost lease is not changed.
    async fn release_shard(&self, lease: &ShardLease) -> PortResult<()>;

    /// Removes the rows of shards that the stream no longer has and that were read to their end.
    async fn forget_shards(&self, stream: &str, shards: &[String]) -> PortResult<()>;
}
