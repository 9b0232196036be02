//! Proxies that stand between a client and a stand-in and do what no stand-in does: refuse, stall, cut and
//! corrupt, on cue or by seed. [`FaultProxy`] understands HTTP (S3, Kinesis, SNS, SQS), [`TcpProxy`] only
//! bytes (PostgreSQL).

mod bend;
mod fault;
mod http;
mod tcp;
mod wire;

pub use fault::{Asked, Fault, Hit, by_seed};
pub use http::FaultProxy;
pub use tcp::{Passing, TcpProxy};

/// A runtime beside the test's own: a test may block its thread while the proxy goes on. One worker, so that
/// nothing runs between a connection's reading a piece of body and its writing it out.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime of one thread")
}
