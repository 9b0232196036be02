//! The actors on the memory store, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cost_days;
mod finding_sweep;
mod fixture;
pub mod histories;
mod intake;
mod log;
mod month;
mod node_maintenance;
mod notifier;
mod outage;
mod persister;
mod supervisor;
