//! The embedded backend: directories for buckets, one SQLite file for the store, a file and a webhook for
//! notices. It is a product of its own, not a stand-in: it passes the same conformance suite as every backend.

// Denied, not forbidden: asking for a file's writers needs two calls that have no safe wrapper.
#![deny(unsafe_code)]

mod blocking;
pub mod directory;
pub mod notices;
pub mod paths;
pub mod private_files;
pub mod seal_file;
pub mod sqlite;
pub mod watch;
