//! How a parent learns that a child is gone. `actix::Supervisor` does not bring an actor back after a panic,
//! so the parent keeps the factory and the child keeps one of these, which speaks when it is dropped.

use actix::Recipient;

use crate::messages::{ActorExited, Role};

/// Reports the end of one generation of an actor from `Drop`, whatever ended it.
pub struct ExitGuard {
    role: Role,
    generation: u64,
    parent: Recipient<ActorExited>,
}

impl ExitGuard {
    /// A guard for one generation.
    pub fn new(role: Role, generation: u64, parent: Recipient<ActorExited>) -> Self {
        Self { role, generation, parent }
    }
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        let exited =
            ActorExited { role: self.role, generation: self.generation, panicking: std::thread::panicking() };
        // The supervisor's mailbox holds far more than there are children; a refusal means it is gone itself.
        if self.parent.try_send(exited).is_err() {
            tracing::debug!(role = self.role.as_str(), "actor ended after its supervisor");
        }
    }
}
