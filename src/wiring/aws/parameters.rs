//! The part of the configuration that a fleet shares: parameters of AWS Systems Manager below one path.

use std::sync::Arc;

use figment::value::{Dict, Map};
use figment::{Error, Metadata, Profile, Provider};
use reelgate_aws::clients::sdk_config;
use reelgate_aws::config::{FLAGS, ParameterFlag, Parameters, parameters as read};
use reelgate_ports::pause_flag::PauseFlag;

use super::clients::{Aws, settings};
use crate::config::Config;
use crate::config::fleet::AwsRaw;
use crate::config::layer::values_of_texts;
use crate::exit::Failure;

/// Reads every parameter below `aws.parameters` but the flags; `media/video/crf` there is `media.video.crf` here.
pub async fn parameters(aws: &AwsRaw) -> Result<Remote, Failure> {
    let client = reelgate_aws::clients::ssm(&sdk_config(&settings(aws)).await);
    let mut found = read(&client, &aws.parameters).await?;
    found.0.retain(|name, _| name.split('/').next() != Some(FLAGS));
    Ok(Remote(found))
}

/// Parameters as a layer of the configuration.
pub struct Remote(Parameters);

impl Provider for Remote {
    fn metadata(&self) -> Metadata {
        Metadata::named("the Parameter Store")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        values_of_texts(self.0.0.iter().map(|(name, text)| (name.replace('/', "."), text.clone())))
    }
}

/// The flag that pauses heavy work, where the fleet shares parameters.
pub async fn pause_flag(config: &Config, aws: &Aws<'_>) -> Result<Option<Arc<dyn PauseFlag>>, Failure> {
    let path = &config.raw.aws.parameters;
    if path.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(ParameterFlag::below(reelgate_aws::clients::ssm(aws.sdk().await), path))))
}
