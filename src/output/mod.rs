//! What people and programs read: data on standard output, talk on standard error.

pub mod json;
pub mod log;
pub mod progress;
pub mod simulation;
pub mod stderr;
pub mod table;
