//! Sources of events, with real calls of the SDK.

mod chain;
mod fleet;
mod stream;
mod suite;
