//! The embedded backend proves the ports' conformance suites, and what is its own.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod directory;
mod sqlite;
mod watch;
