//! The types that every crate shares, and the life of an asset as a pure function.
//!
//! Nothing here does input or output, reads a clock, draws a random number or logs. Time is an argument and effects are
//! values, so the same code runs in production and in simulations. The `serde` feature only derives the serialised forms; the
//! core needs nothing but `alloc`.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

pub mod asset;
pub mod caption_file;
pub mod custom_identifier;
pub mod facts;
pub mod ids;
pub mod invariants;
pub mod left_out;
pub mod limits;
pub mod place;
pub mod plain;
pub mod policy;
pub mod reason;
pub mod surface;
pub mod task;
