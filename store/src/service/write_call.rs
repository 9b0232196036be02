//! The form of a writing call, and of the store that runs it.

use std::future::Future;

use reelgate_ports::error::PortResult;

use crate::session::{Answer, Lock, Session};

/// A writing call. It keeps no state, because it runs again if its transaction conflicts with another one.
pub trait WriteCall: Sync {
    /// The result of the call.
    type Output: Send;

    /// Verb and object, for errors: "redrive asset".
    const OPERATION: &'static str;

    /// What it locks besides its assets before it reads anything. `None` if it begins by loading assets, whose rows are its
    /// locks.
    fn locks(&self) -> Option<Vec<Lock>> {
        Some(Vec::new())
    }

    /// Loads and steps assets. When it returns, the session's unit of work holds what must be written.
    fn run<S: Session>(&self, session: &mut S) -> impl Future<Output = Answer<Self::Output, S>> + Send;
}

/// A store that runs writing calls.
pub trait Transact: Sync {
    /// Runs a call in one transaction, which is committed as a whole or not at all.
    fn transact<C: WriteCall>(&self, call: &C) -> impl Future<Output = PortResult<C::Output>> + Send;
}
