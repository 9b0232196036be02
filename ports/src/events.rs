//! Sources of upload events.

use async_trait::async_trait;
use reelgate_flow::ids::SourceId;

use crate::error::PortResult;
use crate::records::{ExternalScanEvent, MediaEvent};
use crate::shards::Checkpoint;

/// The result of one poll. One transaction ingests the whole batch.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct EventBatch {
    /// Uploads and deletions, in the order they came.
    pub events: Vec<MediaEvent>,
    /// Findings of the external scanner.
    pub scans: Vec<ExternalScanEvent>,
    /// Uploads that can be read again because they were restored from an archive storage class.
    pub unarchived: Vec<SourceId>,
    /// Messages that could not be parsed as any of these.
    pub refused: Vec<RefusedEvent>,
    /// The stream's checkpoint after this batch is committed.
    pub checkpoint: Option<Checkpoint>,
    /// What [`Events::acknowledge`] needs in addition to the events; opaque to all other code.
    pub receipts: Vec<String>,
}

impl EventBatch {
    /// A batch of upload events only.
    pub fn of(events: impl Into<Vec<MediaEvent>>) -> Self {
        Self { events: events.into(), ..Self::default() }
    }

    /// The batch has no message and moves no checkpoint.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.scans.is_empty()
            && self.unarchived.is_empty()
            && self.refused.is_empty()
            && self.checkpoint.is_none()
            && self.receipts.is_empty()
    }
}

/// A message that is damaged, or not one that Reelgate reads. Only its address is kept, because its text may be personal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefusedEvent {
    /// Where it can be found again: stream, shard and sequence number, or queue and message id.
    pub location: String,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// What was expected and what was found, without any text of the message.
    pub reason: String,
}

/// A source of upload events. It delivers each event at least once, in any order.
#[async_trait]
pub trait Events: Send + Sync {
    /// Events that this value has not returned before, at most `events_max`; empty if there are none now.
    async fn poll(&self, events_max: usize) -> PortResult<EventBatch>;

    /// Marks a polled batch as durable in the store, so that the source need not deliver it again.
    async fn acknowledge(&self, batch: &EventBatch) -> PortResult<()>;

    /// The store could not take a polled batch yet and will be asked again: the source shall not deliver it once more meanwhile. Called
    /// at once and then at least every minute.
    async fn keep(&self, _: &EventBatch) -> PortResult<()> {
        Ok(())
    }

    /// The store refused a polled batch because another reader now owns its checkpoint: drops the state of that batch.
    async fn abandon(&self, batch: &EventBatch) -> PortResult<()>;

    /// Whether events may be lost that nobody will send again, so that the bucket should be listed.
    fn sweep_wanted(&self) -> bool {
        false
    }

    /// Stops reading and releases its shards to other readers. The next poll starts anew.
    async fn stop(&self) -> PortResult<()>;

    /// Proves that the source can be reached. Changes nothing.
    async fn check(&self) -> PortResult<String>;
}

/// Where events end that could not be delivered to the source. Nothing reads them by itself.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// About how many wait. Changes nothing.
    async fn waiting(&self) -> PortResult<u64>;
}
