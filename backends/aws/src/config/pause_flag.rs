//! The flag that pauses heavy work, as a parameter: while it exists, it is set, and its value is the reason.

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use reelgate_ports::error::PortResult;
use reelgate_ports::pause_flag::PauseFlag;

use super::parameters;

/// The folder of flags below the path of the configuration, to which they do not belong.
pub const FLAGS: &str = "flags";
/// The flag's name in that folder. `deploy/stack/guard.yaml` sets it when a budget is spent.
const PAUSE_HEAVY: &str = "pause-heavy";

pub struct ParameterFlag {
    client: Client,
    folder: String,
    name: String,
}

impl ParameterFlag {
    /// The flag of the fleet whose configuration is below `path`.
    pub fn below(client: Client, path: &str) -> Self {
        let folder = format!("{}/{FLAGS}", path.trim_end_matches('/'));
        let name = format!("{folder}/{PAUSE_HEAVY}");
        Self { client, folder, name }
    }
}

#[async_trait]
impl PauseFlag for ParameterFlag {
    fn name(&self) -> &str {
        &self.name
    }

    async fn reason(&self) -> PortResult<Option<String>> {
        // By path, which nodes may read anyway: a single parameter would need a right of its own.
        let mut flags = parameters(&self.client, &self.folder).await?;
        Ok(flags.0.remove(PAUSE_HEAVY))
    }
}
