//! Nothing but a list of features: see this crate's `Cargo.toml`.
