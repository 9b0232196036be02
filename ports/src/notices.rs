//! Delivery of notices to receivers outside Reelgate, after the commit.

use async_trait::async_trait;

use crate::error::PortResult;
use crate::records::NoticeRecord;

/// One way to deliver notices. It delivers at least once, so receivers deduplicate by the notice's id.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Delivers one notice. The caller retries every error later, `Invalid` and `Denied` too.
    async fn deliver(&self, notice: &NoticeRecord) -> PortResult<()>;

    /// Proves that the receiver can be reached, without delivering anything.
    async fn check(&self) -> PortResult<String>;
}
