//! The reader with a fake stream and a model of the store, in virtual time.

mod faults;
mod fleet;
mod leases;
mod model;
mod shards;
