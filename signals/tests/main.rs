//! What is made of the catalogue: every name and label in an expression is one of it, every alert fires in its fault and in no other
//! day, and every committed file is the one that the code makes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counts;
mod expressions;
mod files;
mod promtool;
mod scenarios;
