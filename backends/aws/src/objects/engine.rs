//! Dedicated threads for transfers. A body that arrives at a gigabyte a second is hashed and written on threads that no
//! actor uses, and a blocking writer can wait for a request from any runtime.

use std::future::Future;
use std::sync::mpsc;

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::meter::{self, Meter};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Transfers mostly wait; two threads saturate a line of 10 Gbit/s.
const THREADS: usize = 2;

/// The runtime of the transfers.
pub(super) struct Engine {
    /// `None` only while it is being dropped.
    runtime: Option<Runtime>,
}

impl Engine {
    pub(super) fn new() -> PortResult<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("reelgate-s3")
            .enable_all()
            .build()
            .map_err(|error| PortError::io(Port::Objects, "start the threads for transfers", &error))?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Runs work to its end, or until the caller is dropped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = PortResult<T>> + Send + 'static,
    ) -> PortResult<T> {
        let mut task = AbortOnDrop(self.spawn(work)?);
        (&mut task.0).await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Runs work to its end while this thread blocks.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = PortResult<T>> + Send + 'static,
    ) -> PortResult<T> {
        let (sender, receiver) = mpsc::channel();
        self.spawn(async move {
            // This fails only if the waiting thread is gone.
            let _ = sender.send(work.await);
        })?;
        receiver.recv().unwrap_or_else(|_| Err(interrupted()))
    }

    /// Starts work on the transfer threads. The attempt in which this is called pays for it.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> PortResult<JoinHandle<T>> {
        let work = meter::carried(Meter::current(), work);
        Ok(self.runtime.as_ref().ok_or_else(interrupted)?.spawn(work))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The last owner may be a task of another runtime, which must not block.
            runtime.shutdown_background();
        }
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The error of work that did not finish.
pub(super) fn interrupted() -> PortError {
    PortError::new(Port::Objects, ErrorKind::Unavailable, "transfer objects", "the transfer was interrupted")
}
