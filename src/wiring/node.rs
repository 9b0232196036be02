//! Which node this is.

use reelgate_flow::ids::NodeId;

use crate::config::Config;

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
