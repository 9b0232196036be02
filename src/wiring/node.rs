//! Which node this is, and the machine under it.

use std::sync::Arc;

use reelgate_aws::node::{Ec2Machine, MachineSettings};
use reelgate_flow::ids::NodeId;
use reelgate_ports::machine::Machine;

use super::aws::Aws;
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
pub async fn machine(config: &Config, aws: &Aws<'_>) -> Result<Option<Arc<dyn Machine>>, Failure> {
    let raw = &config.raw.node;
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let settings = MachineSettings {
        ec2: raw.ec2,
        ec2_endpoint: given(&raw.ec2_endpoint),
        autoscaling: raw.autoscaling,
        fleet: given(&raw.cloudwatch_fleet),
    };
    if settings == MachineSettings::default() {
        return Ok(None);
    }
    Ok(Some(Arc::new(Ec2Machine::new(aws.sdk().await, settings).await?)))
}
