//! Where uploads are learned of.

use async_trait::async_trait;

use crate::error::PortResult;
use crate::records::{ExternalScanEvent, MediaEvent};
use crate::shards::Checkpoint;

/// What one poll brought: taken in whole by one transaction.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct EventBatch {
    /// Uploads and deletions, in the order they came.
    pub events: Vec<MediaEvent>,
    /// Findings of a scanner outside.
    pub scans: Vec<ExternalScanEvent>,
    /// What could not be read as any of these.
    pub refused: Vec<RefusedEvent>,
    /// How far the stream is read once this batch is committed.
    pub checkpoint: Option<Checkpoint>,
    /// What [`Events::acknowledge`] needs beside the events; opaque to everyone else.
    pub receipts: Vec<String>,
}

impl EventBatch {
    /// A batch of uploads alone.
    pub fn of(events: impl Into<Vec<MediaEvent>>) -> Self {
        Self { events: events.into(), ..Self::default() }
    }

    /// Nothing came and nothing moves.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.scans.is_empty()
            && self.refused.is_empty()
            && self.checkpoint.is_none()
            && self.receipts.is_empty()
    }
}

/// A message that is none of ours, or damaged: kept as where it lay, because its text may be personal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefusedEvent {
    /// Where it can be found again: stream, shard and sequence number, or queue and message id.
    pub place: String,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// What was expected and found, without any text of the message.
    pub why: String,
}

/// A source of upload events; at least once, in any order.
#[async_trait]
pub trait Events: Send + Sync {
    /// What was not reported before by this value, at most `events_max` events; empty where there is nothing now.
    async fn poll(&self, events_max: usize) -> PortResult<EventBatch>;

    /// A polled batch is durable in the store; it need not come again.
    async fn acknowledge(&self, batch: &EventBatch) -> PortResult<()>;

    /// The store refused a polled batch because its checkpoint is somebody else's by now: drop what belongs to it.
    async fn abandon(&self, batch: &EventBatch) -> PortResult<()>;

    /// Events may be lost that nobody will send again: the bucket should be listed.
    fn sweep_wanted(&self) -> bool {
        false
    }

    /// Stops reading and hands over what others may go on with; the next poll begins again.
    async fn stop(&self) -> PortResult<()>;

    /// Proves that the source can be reached, changing nothing.
    async fn check(&self) -> PortResult<String>;
}
