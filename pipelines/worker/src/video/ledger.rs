//! State that the threads of one video job share: where segments begin, the progress, and what failed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reelgate_flow::reason::Fault;

use crate::progress_sink::ProgressSink;

/// Shared by the gate, which writes it, and the rungs, which read it.
pub struct Ledger {
    progress_sink: Arc<dyn ProgressSink>,
    state: Mutex<State>,
}

/// The state behind the ledger's lock.
#[derive(Debug, Default)]
pub struct State {
    /// Number of each segment by the tick of its first frame. A frame is recorded before an encoder receives it.
    pub starts: BTreeMap<u64, u32>,
    /// Tick at which the chunk ends, if a later frame arrived.
    pub end: Option<u64>,
    /// Decoded frames, kept or not.
    pub decoded: u64,
    pub kept: u64,
    /// Frames that the demuxer delivered and whose presentation time is within this chunk. In containers whose packets are not frames,
    /// this is 0.
    pub delivered: u64,
    /// Frames that the decoder received and whose presentation time is within this chunk.
    pub fed: u64,
    /// Kept frames that the decoder marked as damaged.
    pub damaged: u64,
    /// Stream time of the last kept frame, nanoseconds.
    pub done_ns: u64,
    /// A seek landed after the frame that it should have reached.
    pub landed_late: bool,
    /// The first fault of any thread.
    pub fault: Option<Fault>,
}

impl Ledger {
    /// An empty ledger that reports to `progress_sink`.
    pub fn new(progress_sink: Arc<dyn ProgressSink>) -> Self {
        Self { progress_sink, state: Mutex::default() }
    }

    /// Locks the state. A poisoned lock is ignored, because a panic in another thread ends the job anyway.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn progress_sink(&self) -> &dyn ProgressSink {
        &*self.progress_sink
    }

    /// Reports progress. It is also called when only the encoders advance.
    pub fn report(&self) {
        let (done_ns, frames) = {
            let state = self.lock();
            (state.done_ns, state.kept)
        };
        self.progress_sink.progress(done_ns, frames);
    }

    /// Records a fault, unless an earlier one is recorded.
    pub fn fail(&self, fault: Fault) {
        self.lock().fault.get_or_insert(fault);
    }
}
