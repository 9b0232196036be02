//! The actors. Each one receives, calls plain code and sends. `reelgate-flow` decides which task follows which; the plain
//! code of each task is in [`work`]; no other crate names actix's types.

#![forbid(unsafe_code)]

pub mod availability;
pub mod breaker;
pub mod engine;
pub mod engine_context;
mod enricher;
pub mod estimator;
pub mod finding_sweep;
mod guard;
mod intake;
mod intake_signals;
pub mod ledger;
mod messages;
pub mod meters;
mod name_watch;
mod node_health;
mod node_maintenance;
mod notifier;
pub mod panics;
mod persister;
mod persister_turn;
mod privacy_signals;
pub mod profiles;
pub mod progress_board;
mod publisher;
pub mod rates;
pub mod scan_batcher;
mod screener;
pub mod signals;
mod source_signals;
pub mod spans;
mod stage;
pub mod store_signals;
mod supervisor;
#[cfg(test)]
mod tests;
mod thinned;
mod transcoder;
mod upload_signals;
mod validator;
pub mod work;

pub use engine::Engine;
