//! The machine port on EC2: its own metadata, its Auto Scaling group, and the metric that scales the group.

use async_trait::async_trait;
use aws_config::SdkConfig;
use reelgate_flow::task::Lane;
use reelgate_ports::error::PortResult;
use reelgate_ports::machine::{Machine, WorkLeft};

use super::imds::Instance;
use crate::signal::{ScaleInProtection, WorkLeftMetric};

/// Which of the services are used.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MachineSettings {
    /// Check for interruption notices.
    pub ec2: bool,
    /// Address of the metadata service; default: EC2's own.
    pub ec2_endpoint: Option<String>,
    /// Protect the instance from scale-in while it works.
    pub autoscaling: bool,
    /// Report the work left to CloudWatch under this fleet's name.
    pub fleet: Option<String>,
}

pub struct Ec2Machine {
    instance: Option<Instance>,
    protection: Option<ScaleInProtection>,
    metric: Option<WorkLeftMetric>,
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
        let metric = settings.fleet.as_ref();
        let metric = metric.map(|fleet| WorkLeftMetric::new(aws_sdk_cloudwatch::Client::new(config), fleet));
        let instance = if settings.ec2 { Some(metadata()?) } else { None };
        Ok(Self { instance, protection, metric })
    }
}

#[async_trait]
impl Machine for Ec2Machine {
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

    async fn report_work_left(&self, left: &[WorkLeft]) -> PortResult<()> {
        let Some(metric) = &self.metric else { return Ok(()) };
        let lanes: Vec<(Lane, f64)> = left.iter().map(|one| (one.lane, one.seconds)).collect();
        metric.put(&lanes).await
    }

    async fn check(&self) -> PortResult<String> {
        match &self.instance {
            Some(instance) => Ok(format!("instance {}", instance.id().await?)),
            None => Ok("instance metadata is not used".to_owned()),
        }
    }
}
