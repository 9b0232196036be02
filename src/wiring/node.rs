//! Which node this is, and the machine under it.

use std::sync::Arc;

use reelgate_flow::ids::NodeId;
use reelgate_ports::machine::Machine;

use crate::config::Config;
use crate::exit::Failure;

/// Where one process works at a time all of them may share one name: what a killed one held is ours.
const ALONE: &str = "local";

/// This node's name: the configured one, or host name and process id.
pub fn name(config: &Config, alone: bool) -> NodeId {
    let configured = config.raw.node.name.as_str();
    if !configured.is_empty() {
        return NodeId::new(configured);
    }
    if alone {
        return NodeId::new(ALONE);
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    NodeId::new(format!("{host}-{}", std::process::id()))
}

/// The machine, where the configuration names services that know it.
pub async fn machine(_config: &Config) -> Result<Option<Arc<dyn Machine>>, Failure> {
    Ok(None)
}
