//! All output: data on standard output, messages on standard error.

pub mod json;
pub mod log;
pub mod places;
pub mod progress;
pub mod simulation;
pub mod stderr;
pub mod table;
