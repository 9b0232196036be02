//! The embedded backend passes the conformance suites; further tests are about files and directories.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod directory;
mod sqlite;
mod watch;
