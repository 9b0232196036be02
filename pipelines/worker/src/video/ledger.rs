//! What the threads of one video job know together: where segments begin, how far things are, what failed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reelgate_flow::reason::Fault;

use crate::progress_sink::ProgressSink;

/// Shared by the gate, which writes it, and the rungs, which read it.
pub struct Ledger {
    progress_sink: Arc<dyn ProgressSink>,
    state: Mutex<State>,
}

/// The figures behind the ledger's lock.
#[derive(Debug, Default)]
pub struct State {
    /// Number of each segment by the tick of its first frame. A frame is here before an encoder sees it.
    pub starts: BTreeMap<u64, u32>,
    /// Tick at which the chunk ends, where a frame behind it was seen.
    pub end: Option<u64>,
    /// Frames decoded, kept or not.
    pub decoded: u64,
    /// Frames kept.
    pub kept: u64,
    /// Packets of this chunk given to the decoder, by their presentation time.
    pub fed: u64,
    /// Frames kept that the decoder marked as damaged.
    pub damaged: u64,
    /// Media time kept so far, nanoseconds.
    pub done_ns: u64,
    /// A seek came out behind the frame it should have reached.
    pub landed_late: bool,
    /// The first fault of any thread.
    pub fault: Option<Fault>,
}

impl Ledger {
    /// An empty ledger that reports to `progress_sink`.
    pub fn new(progress_sink: Arc<dyn ProgressSink>) -> Self {
        Self { progress_sink, state: Mutex::default() }
    }

    /// The figures. A poisoned lock is taken over: a panic elsewhere ends the job by itself.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where outputs go.
    pub fn progress_sink(&self) -> &dyn ProgressSink {
        &*self.progress_sink
    }

    /// Says how far the job is; also called where only the encoders advance.
    pub fn report(&self) {
        let (done_ns, frames) = {
            let state = self.lock();
            (state.done_ns, state.kept)
        };
        self.progress_sink.progress(done_ns, frames);
    }

    /// Keeps the first fault.
    pub fn fail(&self, fault: Fault) {
        self.lock().fault.get_or_insert(fault);
    }
}
