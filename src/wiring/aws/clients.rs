//! What every AWS client of a process is made from.

use std::collections::BTreeMap;

use reelgate_aws::clients::{ClientSettings, SdkConfig, sdk_config};
use reelgate_aws::objects::{Checksums, TransferSettings};
use tokio::sync::OnceCell;

use crate::config::Config;
use crate::config::fleet::AwsRaw;

/// The configuration that all clients of a process share; it is loaded when the first client needs it.
pub struct Aws<'a> {
    config: &'a Config,
    sdk: OnceCell<SdkConfig>,
}

impl<'a> Aws<'a> {
    pub fn new(config: &'a Config) -> Self {
        Self { config, sdk: OnceCell::new() }
    }

    /// Region, endpoint and credentials.
    pub async fn sdk(&self) -> &SdkConfig {
        self.sdk.get_or_init(|| sdk(self.config)).await
    }
}

/// Loads the configuration of every client.
pub async fn sdk(config: &Config) -> SdkConfig {
    sdk_config(&settings(&config.raw.aws)).await
}

/// The endpoint and region that services are called at.
pub fn settings(aws: &AwsRaw) -> ClientSettings {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    ClientSettings { endpoint_url: given(aws.endpoint_url.reveal()), region: given(&aws.region) }
}

/// The settings of transfers to and from these buckets.
pub fn transfer<'a>(config: &Config, buckets: impl IntoIterator<Item = &'a str>) -> TransferSettings {
    let aws = &config.raw.aws;
    let owned = |bucket: &str| (bucket.to_owned(), aws.bucket_owner.clone());
    let owners: BTreeMap<String, String> = match aws.bucket_owner.as_str() {
        "" => BTreeMap::new(),
        _ => buckets.into_iter().map(owned).collect(),
    };
    let kms_key_id = (!aws.kms_key_id.is_empty()).then(|| aws.kms_key_id.clone());
    let checksums = if aws.checksums { Checksums::WhenSupported } else { Checksums::WhenRequired };
    TransferSettings {
        owners,
        kms_key_id,
        checksums,
        path_style: aws.path_style,
        ..TransferSettings::default()
    }
}
