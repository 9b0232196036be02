//! How the supervisor learns that an actor has ended. `actix::Supervisor` does not restart an actor after a panic, so
//! our supervisor builds actors itself, and each actor holds a guard that reports when it is dropped.

use actix::Recipient;

use crate::messages::{ActorExited, Role};

/// Reports the end of one generation of an actor from `Drop`, whatever ended it.
pub struct ExitGuard {
    role: Role,
    generation: u64,
    parent: Recipient<ActorExited>,
}

impl ExitGuard {
    pub fn new(role: Role, generation: u64, parent: Recipient<ActorExited>) -> Self {
        Self { role, generation, parent }
    }
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        let exited =
            ActorExited { role: self.role, generation: self.generation, panicking: std::thread::panicking() };
        // The supervisor's mailbox has room for far more exits than there are actors: a refusal means that it has ended.
        if self.parent.try_send(exited).is_err() {
            tracing::debug!(role = self.role.as_str(), "actor ended after its supervisor");
        }
    }
}
