//! The store on PostgreSQL proves the ports' conformance suites, and what is its own: many at once, and servers that
//! go away.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod away;
mod documented;
mod many;
mod moves;
mod schema;
mod suite;
mod temp_database;
