//! Settings of the reader of a stream.

use std::time::Duration;

use reelgate_flow::ids::NodeId;

use crate::location::Area;

/// Settings of the reader of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KinesisSettings {
    /// Name of the stream.
    pub stream: String,
    /// This node.
    pub node: NodeId,
    /// The area of uploads; events about other objects are ignored.
    pub ingest: Area,
    /// The consumer's name if the stream is read by enhanced fan-out; `None` for polling.
    pub fan_out: Option<String>,
    /// Milliseconds without a renewal after which other readers take a reader's shards. Default: 30,000.
    pub lease_ms: u64,
    /// Most milliseconds between two reads of an empty shard. Default: 1,000.
    pub idle_ms_max: u64,
    /// Most records of one read, 1 to 10,000. Default: 1,000.
    pub records_max: i32,
}

impl KinesisSettings {
    /// Polling, with the defaults.
    pub fn new(stream: impl Into<String>, node: NodeId, ingest: Area) -> Self {
        Self {
            stream: stream.into(),
            node,
            ingest,
            fan_out: None,
            lease_ms: 30_000,
            idle_ms_max: 1_000,
            records_max: 1_000,
        }
    }

    pub(super) fn idle_max(&self) -> Duration {
        Duration::from_millis(self.idle_ms_max)
    }
}
