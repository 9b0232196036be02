//! Events of S3 and Macie from one Kinesis data stream, read by any number of nodes. The module has its own reader,
//! because no maintained Kinesis client library exists for Rust.
//!
//! - Every batch moves the checkpoint of one shard, and the store commits both in one transaction, by compare-and-set.
//!   A reader that lost its lease unnoticed (for example on a frozen machine) fails at the commit. A record may be read
//!   twice, but it takes effect once, because an upload's identity is its version.
//! - Leases (see `lease`): counters and monotonic clocks decide who reads a shard, never a wall clock.
//! - A child of a split or merge is read after its parents' end is committed, so the order within a partition key is kept.
//! - Records that were trimmed before they were read are lost; [`Events::sweep_wanted`] reports this.
//!
//! Poll regularly: a batch that was not acknowledged is returned again by a later poll, and the leases are released if
//! nobody polls for four lease times.

mod cursor;
mod lease;
mod lease_coordinator;
mod rate_limit;
mod reader;
mod sdk;
mod settings;
mod shard_buffer;
mod shard_reader;
mod stream;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use reelgate_ports::error::PortResult;
use reelgate_ports::events::{EventBatch, Events};
use reelgate_ports::shards::Shards;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use reader::Reader;
use sdk::SdkStream;
pub use settings::KinesisSettings;
use shard_buffer::Next;
use stream::Stream;

pub struct KinesisEvents {
    reader: Arc<Reader>,
    /// Locked by a stop until the coordinator has ended, so that a poll or a second stop waits for it.
    lease_coordinator: Mutex<Option<JoinHandle<()>>>,
}

impl KinesisEvents {
    /// A reader of a stream; reading starts with the first poll.
    pub fn new(client: Client, shards: Arc<dyn Shards>, settings: KinesisSettings) -> Self {
        let stream = SdkStream::new(client, settings.stream.clone(), settings.fan_out.clone());
        Self::with_stream(Box::new(stream), shards, settings)
    }

    fn with_stream(stream: Box<dyn Stream>, shards: Arc<dyn Shards>, settings: KinesisSettings) -> Self {
        let reader = Reader::new(stream, shards, settings);
        Self { reader: Arc::new(reader), lease_coordinator: Mutex::new(None) }
    }

    /// Number of times since the start that records may have been lost.
    pub fn gaps(&self) -> u64 {
        self.reader.gaps.load(Ordering::Acquire)
    }

    /// Number of shards that this process reads now.
    pub fn shards_held(&self) -> usize {
        self.reader.shard_buffer.leases().len()
    }
}

impl Drop for KinesisEvents {
    fn drop(&mut self) {
        if let Some(lease_coordinator) = self.lease_coordinator.get_mut() {
            lease_coordinator.abort();
        }
        for lease in self.reader.shard_buffer.leases() {
            self.reader.shard_buffer.forget(&lease);
        }
    }
}

#[async_trait]
impl Events for KinesisEvents {
    async fn poll(&self, events_max: usize) -> PortResult<EventBatch> {
        let mut lease_coordinator = self.lease_coordinator.lock().await;
        // A poll after a stop means that reading must start again, for example after a cancelled drain.
        if self.reader.stop.swap(false, Ordering::AcqRel) {
            self.reader.list_later();
        }
        self.reader.polled();
        // A panic may have ended it.
        if lease_coordinator.as_ref().is_none_or(JoinHandle::is_finished) {
            *lease_coordinator = Some(tokio::spawn(lease_coordinator::run(Arc::clone(&self.reader))));
        }
        Ok(self.reader.shard_buffer.take(events_max))
    }

    async fn acknowledge(&self, batch: &EventBatch) -> PortResult<()> {
        let Some(checkpoint) = &batch.checkpoint else { return Ok(()) };
        if self.reader.shard_buffer.committed(checkpoint) == Next::Release {
            let released = self.reader.shards.release_shard(&checkpoint.lease).await;
            self.reader.wake.notify_one();
            released?;
        }
        Ok(())
    }

    async fn abandon(&self, batch: &EventBatch) -> PortResult<()> {
        let Some(checkpoint) = &batch.checkpoint else { return Ok(()) };
        self.reader.shard_buffer.forget(&checkpoint.lease);
        // If the lease is still ours, other readers need not wait until it expires.
        self.reader.shards.release_shard(&checkpoint.lease).await
    }

    fn sweep_wanted(&self) -> bool {
        // Reported once: a sweep of the bucket finds the uploads of every record lost so far.
        self.reader.sweep.swap(false, Ordering::AcqRel)
    }

    async fn stop(&self) -> PortResult<()> {
        let mut lease_coordinator = self.lease_coordinator.lock().await;
        self.reader.stop.store(true, Ordering::Release);
        self.reader.wake.notify_one();
        // If this call is dropped meanwhile, the next one waits for the same coordinator.
        if let Some(running) = lease_coordinator.as_mut()
            && running.await.is_err()
        {
            tracing::warn!("the coordinator of the shard leases panicked; the leases will expire");
        }
        *lease_coordinator = None;
        Ok(())
    }

    async fn check(&self) -> PortResult<String> {
        self.reader.stream.check().await
    }
}

#[cfg(test)]
mod tests;
