//! How another thread ends a running job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends a running job from another thread; clones share the flag.
#[derive(Clone, Default, Debug)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Asks for the job to end; the worker is killed within [`TICK`](super::TICK).
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
    /// Whether the job is to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
