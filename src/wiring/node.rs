//! The name of this node.

use reelgate_flow::ids::NodeId;

use crate::config::Config;

/// The name of every process where only one works at a time: it reclaims the leases of a killed one under the same name.
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
