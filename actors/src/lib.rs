//! The shells: actors that receive, call plain code and send. What comes after what is decided in
//! `reelgate-flow`; what a task does is plain code in [`work`]; nothing outside this room names actix's types.

#![forbid(unsafe_code)]

pub mod board;
pub mod duty;
pub mod engine;
mod enricher;
mod fitness;
mod guard;
pub mod house;
mod intake;
mod messages;
mod notifier;
mod persister;
mod privacy_signals;
mod publisher;
pub mod scan_desk;
mod screener;
pub mod signals;
pub mod spans;
mod stage;
mod steward;
mod supervisor;
mod transcoder;
mod validator;
pub mod work;

pub use engine::Engine;
