//! The machine under a node, where it is one that somebody else may take away.

use async_trait::async_trait;
use reelgate_flow::task::Lane;

use crate::error::PortResult;

/// Work left in one lane, for whoever decides how many machines there should be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct WorkLeft {
    /// The lane.
    pub lane: Lane,
    /// Seconds until the lane is empty at the fleet's present capacity: waiting and running tasks × measured mean
    /// seconds of their stage ÷ tasks that all nodes together run at once.
    pub seconds: f64,
}

/// The machine.
#[async_trait]
pub trait Machine: Send + Sync {
    /// Why this machine will soon be gone, once that is known.
    async fn leaving(&self) -> PortResult<Option<String>>;

    /// Asks that this machine is not ended to scale in, or allows it again.
    async fn protect(&self, busy: bool) -> PortResult<()>;

    /// Tells how much work is left.
    async fn tell_work_left(&self, left: &[WorkLeft]) -> PortResult<()>;

    /// Proves that its services can be reached, changing nothing.
    async fn check(&self) -> PortResult<String>;
}
