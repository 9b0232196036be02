//! The stack of `deploy/stack`: its templates against three linters, the documents of `deploy/policies`, the prices, two
//! emulators, and the scripts that deploy it and take it away.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod policies;
mod templates;
