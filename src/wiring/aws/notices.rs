//! Receivers on AWS.

use std::sync::Arc;

use reelgate_aws::notices::{EventBridgeNotices, SnsNotices};
use reelgate_ports::notices::Notices;

use super::clients::Aws;
use crate::exit::Failure;

/// A topic of SNS.
pub async fn topic(aws: &Aws<'_>, topic: &str) -> Result<Arc<dyn Notices>, Failure> {
    Ok(Arc::new(SnsNotices::new(reelgate_aws::clients::sns(aws.sdk().await), topic)))
}

/// A bus of EventBridge.
pub async fn bus(aws: &Aws<'_>, bus: &str) -> Result<Arc<dyn Notices>, Failure> {
    Ok(Arc::new(EventBridgeNotices::new(reelgate_aws::clients::eventbridge(aws.sdk().await), bus)))
}
