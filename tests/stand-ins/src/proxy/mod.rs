//! Proxies between a client and a stand-in that inject faults which no stand-in has: they refuse, stall, cut and corrupt,
//! by rule or by seed. [`FaultProxy`] is for HTTP (S3, Kinesis, SNS, SQS), [`TcpProxy`] for plain bytes (PostgreSQL).

mod bend;
mod fault;
mod http;
mod tcp;
mod wire;

pub use fault::{Asked, Fault, Hit, by_seed};
pub use http::FaultProxy;
pub use tcp::{Passing, TcpProxy};
