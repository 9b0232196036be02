//! Every writing call of a store, once, over any [`Session`](crate::session::Session). A backend runs a [`WriteCall`] in one
//! transaction, writes what the session's unit of work holds afterwards, and commits.

mod admit;
mod audit;
mod budgets;
mod complete;
mod cost;
mod decisions;
mod ingest;
mod leases;
mod outbox;
mod relatives;
mod unarchived;
mod write_call;

pub use admit::{Admit, admit};
pub use audit::Seal;
pub use complete::Complete;
pub use cost::CloseDay;
pub use decisions::{Approve, Decide, RedoAsset, Redrive, Review};
pub use ingest::{Ingest, IngestFindings};
pub use leases::{Reap, Reaped, Reclaim, reclaim};
pub use outbox::RemoveDelivered;
pub use unarchived::RedriveUnarchived;
pub use write_call::{Transact, WriteCall};
