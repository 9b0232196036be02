//! The reader over a stream that is scripted and a store that is a model, in virtual time.

mod fleet;
mod leases;
mod model;
mod shards;
mod trouble;
