//! The machine under a node: EC2, its scaling group, and CloudWatch.

use std::sync::Arc;

use reelgate_aws::node::{Ec2Machine, MachineSettings};
use reelgate_ports::machine::Machine;

use super::clients::Aws;
use crate::config::Config;
use crate::config::fleet::FleetMetrics;
use crate::exit::Failure;

/// The machine, where the configuration uses one of its services.
pub async fn machine(config: &Config, aws: &Aws<'_>) -> Result<Option<Arc<dyn Machine>>, Failure> {
    let raw = &config.raw.node;
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let settings = MachineSettings {
        ec2: raw.ec2,
        ec2_endpoint: given(raw.ec2_endpoint.reveal()),
        autoscaling: raw.autoscaling,
        fleet: given(&raw.cloudwatch_fleet),
        all_metrics: raw.cloudwatch_metrics == FleetMetrics::Full,
    };
    if settings == MachineSettings::default() {
        return Ok(None);
    }
    Ok(Some(Arc::new(Ec2Machine::new(aws.sdk().await, settings).await?)))
}
