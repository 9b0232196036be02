//! Where uploads are learned of.

use async_trait::async_trait;

use crate::error::PortResult;
use crate::records::MediaEvent;

/// A source of upload events; at least once, in any order.
#[async_trait]
pub trait Events: Send + Sync {
    /// Complete uploads not reported before by this value, at most `events_max`; empty where there is nothing now.
    async fn poll(&self, events_max: usize) -> PortResult<Vec<MediaEvent>>;

    /// The events up to the last poll are durable in the store; they need not come again.
    async fn acknowledge(&self, events: &[MediaEvent]) -> PortResult<()>;

    /// Proves that the source can be reached, changing nothing.
    async fn check(&self) -> PortResult<String>;
}
