//! What the reader needs of a stream, in words of its own, so that it can be proved over a stream that is scripted.

use async_trait::async_trait;
use reelgate_ports::error::{PortError, PortResult};
use reelgate_ports::shards::{Position, ShardRow};

/// A shard as the stream names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Listed {
    /// Its id.
    pub(super) shard: String,
    /// The shards it came from.
    pub(super) parents: Vec<String>,
}

impl Listed {
    /// Its row before anybody has read it.
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

/// One record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Record {
    /// Its sequence number.
    pub(super) sequence: String,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// What one read brought.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Page {
    /// Records in order.
    pub(super) records: Vec<Record>,
    /// Where to read on; `None` at the end of the shard, and for pages of a subscription.
    pub(super) next: Option<String>,
    /// The shard is closed and this was the last of it.
    pub(super) ended: bool,
    /// What came of it, where it has ended and the service says so.
    pub(super) children: Vec<Listed>,
    /// Milliseconds behind the newest record.
    pub(super) behind_ms: u64,
}

/// Why a read brought nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// The iterator is older than five minutes.
    Expired,
    /// The position is older than what the stream keeps.
    Trimmed,
    /// There is no such shard (any more).
    Gone,
    /// Anything else; a repeat may help.
    Other(PortError),
}

/// Where a read begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Start {
    /// With the oldest record kept.
    Oldest,
    /// With this record itself.
    At(String),
}

/// Pages pushed by the service.
#[async_trait]
pub(super) trait Subscription: Send {
    /// The next page; `None` where the subscription is over (every five minutes).
    async fn next(&mut self) -> Result<Option<Page>, Refusal>;
}

/// A stream of records.
#[async_trait]
pub(super) trait Stream: Send + Sync {
    /// Every shard that the stream has, closed ones with records included.
    async fn list(&self) -> PortResult<Vec<Listed>>;

    /// An iterator over a shard.
    async fn iterator(&self, shard: &str, start: &Start) -> Result<String, Refusal>;

    /// What an iterator points at, at most `records_max`.
    async fn read(&self, iterator: &str, records_max: i32) -> Result<Page, Refusal>;

    /// Subscribes to a shard, with throughput of its own.
    async fn subscribe(&self, shard: &str, start: &Start) -> Result<Box<dyn Subscription>, Refusal>;

    /// Proves that the stream can be reached; says how it stands.
    async fn check(&self) -> PortResult<String>;
}
