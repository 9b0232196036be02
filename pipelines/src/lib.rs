//! Media work as plain data: which work a file needs, how the jailed worker gets its job, and how the engine checks
//! the worker's replies. Links no media library and knows no object store, database or credentials.

pub mod client;
pub mod exit;
pub mod gstreamer_version;
pub mod jail;
#[warn(missing_docs)]
pub mod messages;
pub mod progressive;
pub mod recipes;
pub mod trust;
#[warn(missing_docs)]
pub mod wire;
