//! Telling the outside, after the commit.

use async_trait::async_trait;

use crate::error::PortResult;
use crate::records::NoticeRecord;

/// One way to deliver notices; at least once, so receivers fold by the notice's id.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Delivers one notice, or says why not; `Invalid` and `Denied` are still retried, later.
    async fn deliver(&self, notice: &NoticeRecord) -> PortResult<()>;

    /// Proves that the receiver can be reached, without delivering anything.
    async fn check(&self) -> PortResult<String>;
}
