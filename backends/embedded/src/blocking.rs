//! File and network calls that block, kept off the threads that answer.

use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};

/// Runs `work` on tokio's pool of blocking threads.
pub(crate) async fn on_thread<T: Send + 'static>(
    port: Port,
    operation: &'static str,
    work: impl FnOnce() -> PortResult<T> + Send + 'static,
) -> PortResult<T> {
    let joined = tokio::task::spawn_blocking(work).await;
    // The message of a panic may hold anything, so only the kind of ending is reported.
    let ended =
        |error: tokio::task::JoinError| if error.is_panic() { "its thread panicked" } else { "cancelled" };
    joined.map_err(|error| PortError::new(port, ErrorKind::Unavailable, operation, ended(error)))?
}
