//! Where uploads are learned of.

use std::sync::Arc;
use std::time::Duration;

use reelgate_embedded::watch::DirectoryEvents;
use reelgate_flow::ids::NodeId;
use reelgate_ports::events::Events;
use reelgate_ports::shards::Shards;

use super::objects;
use crate::config::Config;
use crate::exit::Failure;

/// Opens the source of events; nothing is read before the first poll.
pub async fn open(
    config: &Config,
    _node: &NodeId,
    _shards: Arc<dyn Shards>,
) -> Result<Arc<dyn Events>, Failure> {
    let settle = Duration::from_millis(config.raw.serve.settle_ms);
    Ok(Arc::new(DirectoryEvents::new(&objects::directory(config), settle)?))
}
