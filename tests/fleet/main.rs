//! Many nodes over one store and one stream, with real clients against independent servers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/random.rs"]
mod random;
#[path = "../common/uploads.rs"]
mod uploads;

mod fixture;
mod on_localstack;
