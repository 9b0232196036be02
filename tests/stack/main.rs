//! The stack of `deploy/stack`: its templates against three linters, the documents of `deploy/policies`, the prices, an
//! emulator, the scripts that deploy it and take it away, and those of its nodes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod controls;
mod deployment;
mod documents;
mod emergency_stop;
mod failures;
mod lifecycle;
mod node;
mod pages;
mod policies;
mod prices;
mod resource_policies;
mod rights;
mod roles;
mod scripts;
mod security;
mod templates;
