//! Protects a busy instance from scale-in, so that its Auto Scaling group ends idle instances.

use aws_sdk_autoscaling::Client;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use tokio::sync::Mutex;

use crate::error::ApiCall;

const FIND: ApiCall =
    ApiCall::new(Port::Node, "find the instance's group", "autoscaling:DescribeAutoScalingInstances");
const PROTECT: ApiCall =
    ApiCall::new(Port::Node, "protect the instance from scale-in", "autoscaling:SetInstanceProtection");

/// The scale-in protection of this instance.
#[derive(Debug)]
pub struct ScaleInProtection {
    client: Client,
    instance_id: String,
    group: String,
    /// The value that was set last; `None` before the first call.
    protected: Mutex<Option<bool>>,
}

impl ScaleInProtection {
    /// Finds the group of an instance; `Missing` if it is in none.
    pub async fn of(client: Client, instance_id: impl Into<String>) -> PortResult<Self> {
        let instance_id = instance_id.into();
        let found = client.describe_auto_scaling_instances().instance_ids(&instance_id).send().await;
        let found = found.map_err(FIND.failed())?;
        let group = found.auto_scaling_instances().first().and_then(|i| i.auto_scaling_group_name());
        let group = group.map(str::to_owned).ok_or_else(|| {
            PortError::new(
                Port::Node,
                ErrorKind::Missing,
                FIND.operation,
                "expected an instance in an Auto Scaling group, found one in no group",
            )
        })?;
        Ok(Self { client, instance_id, group, protected: Mutex::new(None) })
    }

    /// Sets or removes the protection; calls AWS only if that changes something.
    pub async fn set(&self, protect: bool) -> PortResult<()> {
        let mut protected = self.protected.lock().await;
        if *protected == Some(protect) {
            return Ok(());
        }
        let call = self.client.set_instance_protection().auto_scaling_group_name(&self.group);
        let call = call.instance_ids(&self.instance_id).protected_from_scale_in(protect);
        call.send().await.map_err(PROTECT.failed())?;
        *protected = Some(protect);
        Ok(())
    }
}
