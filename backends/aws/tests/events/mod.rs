//! Events through real calls of the SDK.

mod chain;
mod fleet;
mod stream;
mod suite;
