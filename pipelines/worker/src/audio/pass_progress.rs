//! The progress of a job that reads the sound several times, over all passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reelgate_flow::reason::Fault;

use crate::progress_sink::ProgressSink;

/// Passes the progress of the pass that runs on, added to that of the passes before it.
pub struct PassProgress {
    progress_sink: Arc<dyn ProgressSink>,
    before_ns: AtomicU64,
    pass_ns: AtomicU64,
}

impl PassProgress {
    pub fn new(progress_sink: Arc<dyn ProgressSink>) -> Arc<Self> {
        Arc::new(Self { progress_sink, before_ns: AtomicU64::new(0), pass_ns: AtomicU64::new(0) })
    }

    /// The next progress is that of another pass.
    pub fn end_pass(&self) {
        self.before_ns.fetch_add(self.pass_ns.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl ProgressSink for PassProgress {
    fn progress(&self, done_ns: u64, frames: u64) {
        self.pass_ns.fetch_max(done_ns, Ordering::Relaxed);
        let before_ns = self.before_ns.load(Ordering::Relaxed);
        self.progress_sink.progress(before_ns.saturating_add(done_ns), frames);
    }

    fn output(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        self.progress_sink.output(name, bytes)
    }
}
