//! Servers for tests and benches: PostgreSQL as Debian packs it, and the emulators that stand in for AWS.
//!
//! Every server listens on loopback at a port that was free, writes below a directory of its own and is gone
//! when its value is dropped, or when the test's process ends in whatever way. What takes long to start is
//! `shared()` among the test processes of one checkout (the test runner gives each test a process of its
//! own); whoever shares must use names of its own ([`fresh_name`]). What a test breaks, it `start`s itself.
//!
//! A development dependency only. Where a server is not installed these functions panic and say what
//! installs it: a test whose peer is missing must not pass. What each stand-in gets wrong about AWS is
//! written down in `docs/reference/stand-ins.md`.

mod home;
pub mod kinesis_local;
pub mod localstack;
pub mod macie;
pub mod ministack;
pub mod postgres;
pub mod proxy;
pub mod rgw;
mod server;
mod shared;

pub use kinesis_local::KinesisLocal;
pub use localstack::LocalStack;
pub use macie::Macie;
pub use ministack::Ministack;
pub use postgres::{Postgres, SharedPostgres};
pub use proxy::{Fault, FaultProxy, TcpProxy};
pub use rgw::Rgw;

use std::sync::atomic::{AtomicU32, Ordering};

/// The account every stand-in works for; LocalStack takes it from a twelve-digit access key.
pub const ACCOUNT: &str = "123456789012";
/// The region every stand-in works in.
pub const REGION: &str = "us-east-1";

/// A name nobody else on a shared server has: `prefix-<process>-<number>`, fit for buckets, streams, queues
/// and (with `_` for `-`) databases.
pub fn fresh_name(prefix: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}
