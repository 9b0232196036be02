//! The operations that the reader needs from a stream, as a trait, so that tests can use a fake stream.

use async_trait::async_trait;
use reelgate_ports::error::{PortError, PortResult};
use reelgate_ports::shards::{Position, ShardRow};

/// A shard in a listing of the stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Listed {
    pub(super) shard: String,
    /// The shards that were split or merged into it.
    pub(super) parents: Vec<String>,
}

impl Listed {
    /// The row of the shard before it is read.
    pub(super) fn row(&self) -> ShardRow {
        ShardRow {
            shard: self.shard.clone(),
            parents: self.parents.clone(),
            position: Position::Oldest,
            owner: None,
            counter: 0,
            wanted_by: None,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Record {
    pub(super) sequence: String,
    pub(super) bytes: Vec<u8>,
}

/// The result of one read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Page {
    /// Records in order.
    pub(super) records: Vec<Record>,
    /// The iterator of the next read; `None` at the end of the shard, and for pages of a subscription.
    pub(super) next: Option<String>,
    /// The shard is closed, and this is its last page.
    pub(super) ended: bool,
    /// The shards that it was split or merged into, if it has ended and the service names them.
    pub(super) children: Vec<Listed>,
    /// Milliseconds behind the newest record.
    pub(super) behind_ms: u64,
}

/// Why a read failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// The iterator is older than five minutes.
    Expired,
    /// The position is older than the stream's retention.
    Trimmed,
    /// The shard does not exist, or no longer exists.
    Gone,
    /// Any other error; a retry may help.
    Other(PortError),
}

/// Where a read begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Start {
    /// At the oldest record of the shard.
    Oldest,
    /// At this record, which is included.
    At(String),
}

/// A subscription: pages that the service pushes.
#[async_trait]
pub(super) trait Subscription: Send {
    /// The next page; `None` if the subscription has ended, which happens every five minutes.
    async fn next(&mut self) -> Result<Option<Page>, Refusal>;
}

#[async_trait]
pub(super) trait Stream: Send + Sync {
    /// Every shard of the stream, including closed shards that still have records.
    async fn list(&self) -> PortResult<Vec<Listed>>;

    async fn iterator(&self, shard: &str, start: &Start) -> Result<String, Refusal>;

    /// Reads at an iterator, at most `records_max` records.
    async fn read(&self, iterator: &str, records_max: i32) -> Result<Page, Refusal>;

    /// Subscribes to a shard, with dedicated throughput.
    async fn subscribe(&self, shard: &str, start: &Start) -> Result<Box<dyn Subscription>, Refusal>;

    /// Proves that the stream can be reached; describes its status.
    async fn check(&self) -> PortResult<String>;
}
