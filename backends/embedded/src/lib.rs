//! The embedded backend: directories for buckets, one SQLite file for the store, a file and a webhook for
//! notices. It is a product of its own, not a stand-in: it passes the same conformance suite as every backend.

#![forbid(unsafe_code)]

pub mod directory;
pub mod paths;
pub mod sqlite;
