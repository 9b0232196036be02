//! Which tracks are linked so far: written by the streaming threads, read by the thread that waits for the pipeline.

use std::sync::{Mutex, MutexGuard, PoisonError};

use reelgate_flow::reason::Fault;

/// The progress, shared between threads.
#[derive(Default)]
pub struct LinkProgress {
    links: Mutex<Links>,
}

/// Progress at one moment.
#[derive(Default)]
pub struct Links {
    /// The demuxer announces no further track.
    pub complete: bool,
    /// At least one track is linked.
    pub linked: bool,
    /// The first fault of a branch.
    pub fault: Option<Fault>,
}

impl LinkProgress {
    pub fn lock(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
