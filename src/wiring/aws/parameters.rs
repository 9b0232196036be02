//! The part of the configuration that a fleet shares: parameters of AWS Systems Manager below one path.

use figment::value::{Dict, Map};
use figment::{Error, Metadata, Profile, Provider};
use reelgate_aws::clients::sdk_config;
use reelgate_aws::config::{Parameters, parameters as read};

use super::clients::settings;
use crate::config::fleet::AwsRaw;
use crate::config::layer::values_of_texts;
use crate::exit::Failure;

/// Reads every parameter below `aws.parameters`; `media/video/crf` there is `media.video.crf` here.
pub async fn parameters(aws: &AwsRaw) -> Result<Remote, Failure> {
    let client = reelgate_aws::clients::ssm(&sdk_config(&settings(aws)).await);
    Ok(Remote(read(&client, &aws.parameters).await?))
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
