//! The store on PostgreSQL passes the conformance suites. Further tests are about many stores at once, failing servers,
//! and the schema.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod away;
mod documented;
mod many;
mod moves;
mod schema;
mod suite;
mod temp_database;
