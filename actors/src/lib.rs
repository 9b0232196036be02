//! The shells: actors that receive, call plain code and send. What comes after what is decided in
//! `reelgate-flow`; what a task does is plain code in [`work`]; nothing outside this room names actix's types.

#![forbid(unsafe_code)]

pub mod availability;
pub mod engine;
pub mod engine_context;
mod enricher;
mod guard;
mod intake;
mod messages;
mod node_health;
mod node_maintenance;
mod notifier;
mod persister;
mod privacy_signals;
pub mod progress_board;
mod publisher;
pub mod scan_batcher;
mod screener;
pub mod signals;
pub mod spans;
mod stage;
mod supervisor;
mod transcoder;
mod validator;
pub mod work;

pub use engine::Engine;
