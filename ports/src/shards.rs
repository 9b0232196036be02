//! Which node reads which shard of a stream, and how far it has come: one row per shard, shared by all readers.
//!
//! A lease carries a counter that grows whenever its holder changes or renews. A reader that watches a counter
//! stand still for the whole lease, by its own monotonic clock, may take the lease over by naming the counter it
//! saw; nobody's wall clock is ever compared with another's. The checkpoint moves only through
//! [`crate::store::Intake::ingest`], in the transaction that takes the events in.

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
    /// To its end: it was split or merged, and its children may be read.
    Ended,
}

impl Position {
    /// The word or number kept in rows: `oldest`, `ended`, or the sequence number.
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
    /// Shards it came from by split or merge; read before it.
    pub parents: Vec<String>,
    /// How far it was read and committed.
    pub position: Position,
    /// Who reads it.
    pub owner: Option<NodeId>,
    /// Grows with every take, renewal and release.
    pub counter: u64,
    /// Who asks the owner to hand it over.
    pub wanted_by: Option<NodeId>,
}

/// The right to read a shard and to move its checkpoint.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ShardLease {
    /// The stream.
    pub stream: String,
    /// The shard.
    pub shard: String,
    /// Who holds it.
    pub owner: NodeId,
    /// Which taking of the lease this is; renewals keep it, a take by anybody changes it.
    pub epoch: u64,
}

/// A move of a checkpoint, committed together with the events it covers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The right to move it.
    pub lease: ShardLease,
    /// Where it must stand now.
    pub from: Position,
    /// Where it stands after.
    pub to: Position,
}

/// Shard leases of every stream.
#[async_trait]
pub trait Shards: Send + Sync {
    /// Every known shard of a stream, by id.
    async fn shards(&self, stream: &str) -> PortResult<Vec<ShardRow>>;

    /// Adds shards that are not known yet; a known one is not changed.
    async fn add_shards(&self, stream: &str, shards: &[ShardRow]) -> PortResult<()>;

    /// Takes a lease whose counter still is `seen_counter`; `None` where somebody was faster. A new epoch begins.
    async fn take_shard(
        &self,
        stream: &str,
        shard: &str,
        node: &NodeId,
        seen_counter: u64,
    ) -> PortResult<Option<(ShardLease, Position)>>;

    /// Shows that the holder lives; returns the leases that are no longer ours.
    async fn renew_shards(&self, leases: &[ShardLease]) -> PortResult<Vec<ShardLease>>;

    /// Asks the owner of a shard to hand it over to `node`; the owner sees it as [`ShardRow::wanted_by`].
    async fn want_shard(&self, stream: &str, shard: &str, node: &NodeId) -> PortResult<()>;

    /// Gives a lease back, so that anybody may take it at once; a lost one is left alone.
    async fn release_shard(&self, lease: &ShardLease) -> PortResult<()>;

    /// Removes rows of shards that the stream no longer has and that were read to their end.
    async fn forget_shards(&self, stream: &str, shards: &[String]) -> PortResult<()>;
}
