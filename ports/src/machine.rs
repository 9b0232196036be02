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

/// A number about the whole fleet, for the services that scale it and watch it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FleetValue {
    /// What is counted.
    pub metric: &'static str,
    /// The name and value of what it is counted by.
    pub dimension: Option<(&'static str, &'static str)>,
    /// Whether it is in seconds; otherwise it is a count.
    pub is_seconds: bool,
    /// Whether scaling or an alarm needs it.
    pub is_basic: bool,
    /// The number.
    pub value: f64,
}

/// What the provider charges a machine by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachineKind {
    /// The provider's name of its type, such as `c6a.xlarge`.
    pub machine_type: String,
    /// Whether it is spare capacity that the provider may take back.
    pub is_spot: bool,
}

/// The machine that a node runs on.
#[async_trait]
pub trait Machine: Send + Sync {
    /// What this machine is; `None` where nobody is asked.
    async fn kind(&self) -> PortResult<Option<MachineKind>>;

    /// Why this machine will soon be taken away; `None` if no such notice was given.
    async fn leaving(&self) -> PortResult<Option<String>>;

    /// Protects this machine from scale-in while it is busy, or removes the protection.
    async fn protect(&self, busy: bool) -> PortResult<()>;

    /// Reports about the whole fleet. One node does it.
    async fn report_fleet(&self, values: &[FleetValue]) -> PortResult<()>;

    /// Proves that the provider's services can be reached. Changes nothing.
    async fn check(&self) -> PortResult<String>;
}
