//! The house rules as ordinary tests: walls between rooms, file length, words that must not appear, features that are the
//! same for every set of crates, that every link in the documents resolves, and that every dependency has a
//! reason. `deploy/local/deny.sh` checks licences.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod circles;
mod features;
mod floors;
mod links;
mod manifests;
mod text;
mod words;

use reelgate_tidy::{is_rust, root, text_of, tracked, tree};
