//! Servers for tests and benches: PostgreSQL as packaged by Debian, and the emulators that stand in for AWS.
//!
//! Every server listens on a free loopback port and writes only below its own directory. It ends when its value is dropped,
//! or when the test's process ends, however it ends. Servers that start slowly are `shared()` among the test processes of
//! one checkout (the test runner gives each test its own process), and tests that share a server use unique names
//! ([`fresh_name`]). A test that breaks a server `start`s a private one.
//!
//! This crate is only a development dependency. If a server is not installed, these functions panic with the command that
//! installs it, because a test without its peer must not pass. `docs/reference/stand-ins.md` lists how each stand-in differs
//! from AWS.

mod account;
mod cloudformation;
mod home;
pub mod kinesis_local;
pub mod linters;
pub mod localstack;
pub mod macie;
pub mod ministack;
mod players;
pub mod postgres;
mod prometheus;
pub mod proxy;
pub mod rgw;
mod runtime;
mod sdk;
mod server;
mod shared;
mod unique_names;

pub use account::{ACCOUNT, REGION};
pub use cloudformation::CloudFormation;
pub use kinesis_local::KinesisLocal;
pub use localstack::LocalStack;
pub use macie::Macie;
pub use ministack::Ministack;
pub use players::players;
pub use postgres::{Postgres, SharedPostgres};
pub use prometheus::Prometheus;
pub use proxy::{Fault, FaultProxy, TcpProxy};
pub use rgw::Rgw;
pub use unique_names::{fresh_environment, fresh_name};
