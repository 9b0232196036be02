//! Properties that hold for every ledger, every allocation and every schedule of reservations.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod anomalies;
mod caps;
mod ledger;
mod shipped;
