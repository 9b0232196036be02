//! The decisions of a store, once for every database: which rows a writing call loads, how the core steps them, and what must
//! be written. A backend loads, locks and writes ([`session::Session`]); it decides nothing.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod history_lines;
pub mod memory;
pub mod service;
pub mod session;
pub mod work;
