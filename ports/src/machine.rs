//! The machine that a node runs on, which its provider may take away.

use async_trait::async_trait;
use reelgate_flow::task::Lane;

use crate::error::PortResult;

/// Work left in one lane, for the service that decides how many machines there should be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct WorkLeft {
    /// The lane.
    pub lane: Lane,
    /// Seconds until the lane is empty at the fleet's present capacity: waiting and running tasks × measured mean
    /// seconds of their stage ÷ tasks that all nodes together run at once.
    pub seconds: f64,
}

/// The machine that a node runs on.
#[async_trait]
pub trait Machine: Send + Sync {
    /// Why this machine will soon be taken away; `None` if no such notice was given.
    async fn leaving(&self) -> PortResult<Option<String>>;

    /// Protects this machine from scale-in while it is busy, or removes the protection.
    async fn protect(&self, busy: bool) -> PortResult<()>;

    /// Reports how much work is left.
    async fn report_work_left(&self, left: &[WorkLeft]) -> PortResult<()>;

    /// Proves that the provider's services can be reached. Changes nothing.
    async fn check(&self) -> PortResult<String>;
}
