//! Events of S3 and Macie from one Kinesis data stream, read by any number of nodes. No maintained client library for
//! Rust exists, so this is a reader of its own.
//!
//! - Every batch moves the checkpoint of one shard, and the store commits both in one transaction, by compare-and-set:
//!   a reader that lost its lease without noticing (a frozen machine, say) fails at the commit. A record may be read
//!   twice; it takes effect once, because an upload's identity is its version.
//! - Leases, see `lease`: who reads a shard is decided by counters and monotonic clocks, and by nobody's wall clock.
//! - A child of a split or merge is read after its parents' end is committed, so the order within a key holds.
//! - What was trimmed before it was read cannot come back: [`Events::sweep_wanted`] says so.
//!
//! Polls must follow each other: a batch that was not acknowledged comes again at a next poll. Leases are given back
//! where nobody polls for four leases.

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

/// Leases that may pass without a poll. A caller may wait for its store for long; one that is gone holds no shard.
const SILENT_LEASES_MAX: u64 = 4;

/// How a stream is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KinesisSettings {
    /// The stream's name.
    pub stream: String,
    /// This process.
    pub node: NodeId,
    /// Where uploads lie; events about anything else are left out.
    pub ingest: Area,
    /// The consumer's name where the stream is read by enhanced fan-out; `None` for polling.
    pub fan_out: Option<String>,
    /// Milliseconds that a reader may be silent before others take its shards. Default 30,000.
    pub lease_ms: u64,
    /// Milliseconds between two looks at a shard that has nothing. Default 1,000.
    pub idle_ms_max: u64,
    /// Records of one read, 1 to 10,000. Default 1,000.
    pub records_max: i32,
}

impl KinesisSettings {
    /// Polling with the defaults.
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

/// See the module.
pub struct KinesisEvents {
    reader: Arc<Reader>,
    lease_coordinator: Mutex<Option<JoinHandle<()>>>,
}

/// What the lease coordinator and the shards' readers share.
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
    /// Reads a stream; nothing happens before the first poll.
    pub fn new(client: Client, shards: Arc<dyn Shards>, settings: KinesisSettings) -> Self {
        let stream = SdkStream::new(client, settings.stream.clone(), settings.fan_out.clone());
        Self::over(Box::new(stream), shards, settings)
    }

    fn over(stream: Box<dyn Stream>, shards: Arc<dyn Shards>, settings: KinesisSettings) -> Self {
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

    /// How often records may have been lost since the start.
    pub fn gaps(&self) -> u64 {
        self.reader.gaps.load(Ordering::Acquire)
    }

    /// Shards that this process reads now.
    pub fn shards_held(&self) -> usize {
        self.reader.shard_buffer.leases().len()
    }

    /// Starts the lease coordinator, or a new one where a panic ended it.
    fn keep(&self) {
        let mut lease_coordinator = self.lease_coordinator.lock().unwrap_or_else(PoisonError::into_inner);
        let runs =
            lease_coordinator.as_ref().is_some_and(|lease_coordinator| !lease_coordinator.is_finished());
        if !runs && !self.reader.stopping() {
            *lease_coordinator = Some(tokio::spawn(lease_coordinator::keep(Arc::clone(&self.reader))));
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

    /// With the next round, whenever that is.
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
        // Whoever polls after a stop wants to read again: a drain was taken back, say.
        if self.reader.stop.swap(false, Ordering::AcqRel) {
            self.reader.list_later();
        }
        self.reader.polled();
        self.keep();
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
        // Where it is ours after all, nobody must wait for it to end by itself.
        self.reader.shards.release_shard(&checkpoint.lease).await
    }

    fn sweep_wanted(&self) -> bool {
        // Told once: a sweep of the bucket finds the uploads of every record lost so far.
        self.reader.sweep.swap(false, Ordering::AcqRel)
    }

    async fn stop(&self) -> PortResult<()> {
        self.reader.stop.store(true, Ordering::Release);
        self.reader.wake.notify_one();
        let lease_coordinator = self.lease_coordinator.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(lease_coordinator) = lease_coordinator
            && lease_coordinator.await.is_err()
        {
            tracing::warn!("the coordinator of the shards' leases panicked; they end by themselves");
        }
        Ok(())
    }

    async fn check(&self) -> PortResult<String> {
        self.reader.stream.check().await
    }
}

#[cfg(test)]
mod tests;
