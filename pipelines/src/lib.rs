//! Media work as plain data: what to do with which file, how the jailed worker is told, and how its
//! replies are checked. Links no media library and knows no object store, database or credentials.

pub mod client;
pub mod exit;
pub mod jail;
#[warn(missing_docs)]
pub mod messages;
pub mod recipes;
pub mod trust;
#[warn(missing_docs)]
pub mod wire;
