//! The machine port on EC2: its own metadata, its Auto Scaling group, and the metrics of the fleet.

use async_trait::async_trait;
use aws_config::SdkConfig;
use reelgate_ports::error::PortResult;
use reelgate_ports::machine::{FleetValue, Machine, MachineKind};

use super::imds::Instance;
use crate::signal::{FleetMetrics, ScaleInProtection};

/// Which of the services are used.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MachineSettings {
    /// Check for interruption notices.
    pub ec2: bool,
    /// Address of the metadata service; default: EC2's own.
    pub ec2_endpoint: Option<String>,
    /// Protect the instance from scale-in while it works.
    pub autoscaling: bool,
    /// Report about the fleet to CloudWatch under this name.
    pub fleet: Option<String>,
    /// Report everything, not only what scaling and alarms need.
    pub all_metrics: bool,
}

pub struct Ec2Machine {
    instance: Option<Instance>,
    protection: Option<ScaleInProtection>,
    metrics: Option<FleetMetrics>,
}

impl Ec2Machine {
    /// Reads the instance's id if the settings require it; `Unavailable` if this machine is no instance.
    pub async fn new(config: &SdkConfig, settings: MachineSettings) -> PortResult<Self> {
        let metadata = || Instance::new(settings.ec2_endpoint.as_deref());
        let protection = match settings.autoscaling {
            true => {
                let client = aws_sdk_autoscaling::Client::new(config);
                Some(ScaleInProtection::of(client, metadata()?.id().await?).await?)
            }
            false => None,
        };
        let metrics = settings.fleet.as_ref().map(|fleet| {
            FleetMetrics::new(aws_sdk_cloudwatch::Client::new(config), fleet, !settings.all_metrics)
        });
        let instance = if settings.ec2 { Some(metadata()?) } else { None };
        Ok(Self { instance, protection, metrics })
    }
}

#[async_trait]
impl Machine for Ec2Machine {
    async fn kind(&self) -> PortResult<Option<MachineKind>> {
        match &self.instance {
            Some(instance) => instance.kind().await.map(Some),
            None => Ok(None),
        }
    }

    async fn leaving(&self) -> PortResult<Option<String>> {
        let Some(instance) = &self.instance else { return Ok(None) };
        let notice = instance.interruption().await?;
        Ok(notice.map(|notice| format!("EC2 will {} this instance at {}", notice.action, notice.time)))
    }

    async fn protect(&self, busy: bool) -> PortResult<()> {
        match &self.protection {
            Some(protection) => protection.set(busy).await,
            None => Ok(()),
        }
    }

    async fn report_fleet(&self, values: &[FleetValue]) -> PortResult<()> {
        match &self.metrics {
            Some(metrics) => metrics.put(values).await,
            None => Ok(()),
        }
    }

    async fn check(&self) -> PortResult<String> {
        match &self.instance {
            Some(instance) => Ok(format!("instance {}", instance.id().await?)),
            None => Ok("instance metadata is not used".to_owned()),
        }
    }
}
