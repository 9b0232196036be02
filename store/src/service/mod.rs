//! Every writing call of a store, once, over any [`Session`]. A backend carries a [`WriteCall`] out in one transaction, writes
//! what the session's work holds afterwards, and commits.

mod audit;
mod complete;
mod decisions;
mod ingest;
mod leases;
mod outbox;
mod relatives;

use std::future::Future;

use reelgate_flow::ids::NodeId;
use reelgate_ports::error::PortResult;

use crate::session::{Answer, Lock, Session};

pub use audit::Seal;
pub use complete::Complete;
pub use decisions::{Decide, Redo, Redrive, Review};
pub use ingest::Ingest;
pub use leases::{Reap, Reaped, Reclaim};
pub use outbox::Delivered;

/// A writing call. It may run more than once, where its transaction lost against another one, and keeps no state.
pub trait WriteCall: Sync {
    /// What it returns.
    type Output: Send;

    /// What it is doing, for errors.
    const OPERATION: &'static str;

    /// What it locks beside its assets; `None` where it first of all loads assets, whose rows are locks.
    fn locks(&self) -> Option<Vec<Lock>> {
        Some(Vec::new())
    }

    /// Loads and steps; what changed is in the session's work when it returns.
    fn run<S: Session>(&self, session: &mut S) -> impl Future<Output = Answer<Self::Output, S>> + Send;
}

/// A store that carries calls out.
pub trait Transact: Sync {
    /// Carries a call out in one transaction: it happens whole or not at all.
    fn transact<C: WriteCall>(&self, call: &C) -> impl Future<Output = PortResult<C::Output>> + Send;
}

/// Ends the leases that a dead process left under this node's name, piece by piece; returns how many.
pub async fn reclaim<T: Transact>(store: &T, node: &NodeId) -> PortResult<u64> {
    let mut ended = 0;
    loop {
        let more = store.transact(&Reclaim(node)).await?;
        if more == 0 {
            return Ok(ended);
        }
        ended += more;
    }
}
