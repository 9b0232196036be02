//! The part of the configuration that a fleet shares: parameters of AWS Systems Manager below one path.

use figment::providers::Serialized;
use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};
use reelgate_aws::clients::sdk_config;
use reelgate_aws::config::{Parameters, parameters as read};

use super::clients::settings;
use crate::config::fleet::AwsRaw;
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
        let mut dict = Dict::new();
        for (name, text) in &self.0.0 {
            // Parsed as the environment is: numbers, booleans and lists by their form.
            let value: Value = text.parse().unwrap_or_else(|never| match never {});
            let key = name.replace('/', ".");
            let one = Serialized::default(&key, value).data()?;
            for (_, nested) in one {
                merge(&mut dict, nested);
            }
        }
        Ok(Profile::Default.collect(dict))
    }
}

/// Merges one tree of values into another and overrides its values.
fn merge(over: &mut Dict, from: Dict) {
    for (key, value) in from {
        match (over.get_mut(&key), value) {
            (Some(Value::Dict(_, old)), Value::Dict(_, new)) => merge(old, new),
            (_, value) => drop(over.insert(key, value)),
        }
    }
}
