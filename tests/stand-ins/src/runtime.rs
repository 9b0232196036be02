//! The async runtime of the in-process servers and proxies.

/// A runtime separate from the test's own: a test may block its thread while the server or proxy runs. It has one worker,
/// so that nothing runs between a connection's read of a piece of body and its write.
pub(crate) fn single_threaded() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime of one thread can start")
}
