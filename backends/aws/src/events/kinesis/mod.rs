//! Events of S3 and Macie from one Kinesis data stream, read by any number of nodes. The module has its own reader,
//! because no maintained Kinesis client library exists for Rust.
//!
//! - Every batch moves the checkpoint of one shard, and the store commits both in one transaction, by compare-and-set.
//!   A reader that lost its lease unnoticed (for example on a frozen machine) fails at the commit. A record may be read
//!   twice, but it takes effect once, because an upload's identity is its version.
//! - Leases (see `lease`): counters and monotonic clocks decide who reads a shard, never a wall clock.
//! - A child of a split or merge is read after its parents' end is committed, so the order within a key is kept.
//! - Records that were trimmed before they were read are lost; [`Events::sweep_wanted`] reports this.
//!
//! Poll regularly: a batch that was not acknowledged is returned again by a later poll, and the leases are released if
//! nobody polls for four lease times.

mod cursor;
mod lease;
mod lease_coordinator;
mod rate_limit;
mod sdk;
mod shard_buffer;
mod shard_reader;
mod stream;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use reelgate_flow::ids::NodeId;
use reelgate_ports::error::PortResult;
use reelgate_ports::events::{EventBatch, Events};
use reelgate_ports::shards::Shards;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::location::Area;
use sdk::SdkStream;
use shard_buffer::{Next, ShardBuffer};
use stream::Stream;

/// Lease times that may pass without a poll. A caller may wait for its store for a long time, but a dead caller must not
/// own shards.
const SILENT_LEASES_MAX: u64 = 4;

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

    fn idle_max(&self) -> Duration {
        Duration::from_millis(self.idle_ms_max)
    }
}

pub struct KinesisEvents {
    reader: Arc<Reader>,
    lease_coordinator: Mutex<Option<JoinHandle<()>>>,
}

/// The state that the lease coordinator and the shard readers share.
struct Reader {
    stream: Box<dyn Stream>,
    shards: Arc<dyn Shards>,
    settings: KinesisSettings,
    shard_buffer: ShardBuffer,
    polled_at: Mutex<Instant>,
    wake: Notify,
    list: AtomicBool,
    stop: AtomicBool,
    sweep: AtomicBool,
    gaps: AtomicU64,
}

impl KinesisEvents {
    /// A reader of a stream; reading starts with the first poll.
    pub fn new(client: Client, shards: Arc<dyn Shards>, settings: KinesisSettings) -> Self {
        let stream = SdkStream::new(client, settings.stream.clone(), settings.fan_out.clone());
        Self::with_stream(Box::new(stream), shards, settings)
    }

    fn with_stream(stream: Box<dyn Stream>, shards: Arc<dyn Shards>, settings: KinesisSettings) -> Self {
        let reader = Reader {
            stream,
            shards,
            settings,
            shard_buffer: ShardBuffer::default(),
            polled_at: Mutex::new(Instant::now()),
            wake: Notify::new(),
            list: AtomicBool::new(true),
            stop: AtomicBool::new(false),
            sweep: AtomicBool::new(false),
            gaps: AtomicU64::new(0),
        };
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

    /// Starts the lease coordinator, or a new one if a panic ended it.
    fn ensure_coordinator(&self) {
        let mut lease_coordinator = self.lease_coordinator.lock().unwrap_or_else(PoisonError::into_inner);
        let runs =
            lease_coordinator.as_ref().is_some_and(|lease_coordinator| !lease_coordinator.is_finished());
        if !runs && !self.reader.stopping() {
            *lease_coordinator = Some(tokio::spawn(lease_coordinator::run(Arc::clone(&self.reader))));
        }
    }
}

impl Drop for KinesisEvents {
    fn drop(&mut self) {
        if let Some(lease_coordinator) =
            self.lease_coordinator.get_mut().unwrap_or_else(PoisonError::into_inner)
        {
            lease_coordinator.abort();
        }
        for lease in self.reader.shard_buffer.leases() {
            self.reader.shard_buffer.forget(&lease);
        }
    }
}

impl Reader {
    fn gap(&self, shard: &str) {
        self.gaps.fetch_add(1, Ordering::AcqRel);
        self.sweep.store(true, Ordering::Release);
        tracing::error!(shard, "records may have been trimmed before they were read; sweep the bucket");
    }

    fn list_soon(&self) {
        self.list.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Lists the stream with the next round.
    fn list_later(&self) {
        self.list.store(true, Ordering::Release);
    }

    fn asked_to_list(&self) -> bool {
        self.list.swap(false, Ordering::AcqRel)
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn polled(&self) {
        *self.polled_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn poll_timed_out(&self) -> bool {
        let polled_at = *self.polled_at.lock().unwrap_or_else(PoisonError::into_inner);
        polled_at.elapsed() >= Duration::from_millis(self.settings.lease_ms * SILENT_LEASES_MAX)
    }
}

#[async_trait]
impl Events for KinesisEvents {
    async fn poll(&self, events_max: usize) -> PortResult<EventBatch> {
        // A poll after a stop means that reading must start again, for example after a cancelled drain.
        if self.reader.stop.swap(false, Ordering::AcqRel) {
            self.reader.list_later();
        }
        self.reader.polled();
        self.ensure_coordinator();
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
        self.reader.stop.store(true, Ordering::Release);
        self.reader.wake.notify_one();
        let lease_coordinator = self.lease_coordinator.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(lease_coordinator) = lease_coordinator
            && lease_coordinator.await.is_err()
        {
            tracing::warn!("the coordinator of the shard leases panicked; the leases will expire");
        }
        Ok(())
    }

    async fn check(&self) -> PortResult<String> {
        self.reader.stream.check().await
    }
}

#[cfg(test)]
mod tests;
