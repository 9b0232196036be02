//! The configuration: parsed into [`Raw`], checked into [`Config`].

mod changes;
mod config_error;
pub mod cores;
pub mod cost;
pub mod fleet;
pub mod layer;
mod load;
mod network;
pub mod paths;
pub mod privacy;
mod profiles;
mod raw;
pub mod secret;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use reelgate_actors::engine_context::{Credits, Roles};
use reelgate_actors::profiles::Profiles;
use reelgate_actors::rates::Rates;
use reelgate_cost::cap::Caps;
use reelgate_flow::policy::Policy;
use reelgate_pipelines::recipes::template::PathTemplate;
use reelgate_privacy::Classifier;

pub use changes::{changes, setting_of};
pub use raw::{Raw, TelemetryRaw};

use crate::exit::Failure;

/// A configuration whose values are checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Absolute home directory.
    pub home: PathBuf,
    pub raw: Raw,
    pub roles: Roles,
    /// Bounds of the lanes; 0 for a lane that this node does not run.
    pub credits: Credits,
    /// Where outputs become visible.
    pub path_template: PathTemplate,
    pub policy: Policy,
    /// Media settings and priorities of uploads by prefix.
    pub profiles: Profiles,
    /// What this node's work costs.
    pub rates: Rates,
    /// Most that may be spent.
    pub caps: Caps,
}

impl Config {
    /// The classifier for personal data.
    pub fn classifier(&self) -> Result<Classifier, Failure> {
        self.raw.privacy.classifier().map_err(|what| Failure::Usage(format!("configuration: {what}")))
    }

    /// How long running tasks may take after the process is asked to stop.
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.raw.serve.grace_s)
    }

    /// The configuration in effect as TOML; its secrets show themselves as `***`.
    pub fn to_toml(&self) -> Result<String, Failure> {
        toml::to_string(&self.raw).map_err(|error| Failure::Internal(format!("write configuration: {error}")))
    }
}
