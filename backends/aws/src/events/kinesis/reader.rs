//! The state that the lease coordinator and the shard readers share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reelgate_ports::shards::Shards;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::settings::KinesisSettings;
use super::shard_buffer::ShardBuffer;
use super::stream::Stream;

/// Lease times that may pass without a poll. A caller may wait for its store for a long time, but a dead caller must not
/// own shards.
const SILENT_LEASES_MAX: u64 = 4;

/// The state that the lease coordinator and the shard readers share.
pub(super) struct Reader {
    pub(super) stream: Box<dyn Stream>,
    pub(super) shards: Arc<dyn Shards>,
    pub(super) settings: KinesisSettings,
    pub(super) shard_buffer: ShardBuffer,
    polled_at: Mutex<Instant>,
    pub(super) wake: Notify,
    list: AtomicBool,
    pub(super) stop: AtomicBool,
    pub(super) sweep: AtomicBool,
    pub(super) gaps: AtomicU64,
}

impl Reader {
    pub(super) fn new(stream: Box<dyn Stream>, shards: Arc<dyn Shards>, settings: KinesisSettings) -> Self {
        Self {
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
        }
    }

    /// Records that records of a shard may be lost.
    pub(super) fn gap(&self, shard: &str) {
        self.gaps.fetch_add(1, Ordering::AcqRel);
        self.sweep.store(true, Ordering::Release);
        tracing::error!(shard, "records may have been trimmed before they were read; sweep the bucket");
    }

    /// Starts the next round at once; it lists the stream.
    pub(super) fn list_soon(&self) {
        self.list.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Lists the stream with the next round.
    pub(super) fn list_later(&self) {
        self.list.store(true, Ordering::Release);
    }

    /// Whether a listing was requested since the last call.
    pub(super) fn asked_to_list(&self) -> bool {
        self.list.swap(false, Ordering::AcqRel)
    }

    pub(super) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Records the time of a poll.
    pub(super) fn polled(&self) {
        *self.polled_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether nobody has polled for too long.
    pub(super) fn poll_timed_out(&self) -> bool {
        let polled_at = *self.polled_at.lock().unwrap_or_else(PoisonError::into_inner);
        polled_at.elapsed() >= Duration::from_millis(self.settings.lease_ms * SILENT_LEASES_MAX)
    }
}
