//! Configuration of all AWS clients: region, endpoint, credentials, timeouts, retries.

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region};
use aws_sdk_s3::config::{SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use serde::{Deserialize, Serialize};

/// How to reach AWS. Every setting is optional; the SDK's own chain (environment, profile, instance) supplies the rest.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientSettings {
    /// Endpoint of every service, such as `http://127.0.0.1:4566`; default: AWS's own endpoints.
    pub endpoint_url: Option<String>,
    /// The region, such as `eu-west-1`; default: `AWS_REGION`, the profile, then the instance's region.
    pub region: Option<String>,
}

/// A host in the same region answers within milliseconds. After this time it counts as dead.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// From the request's first byte to the response's first byte. Long enough for a part of 8 MiB over a line of 3 Mbit/s and for a
/// long poll of 20 s; short enough for a withdrawal to go on within half a minute after storage that hung is back.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Attempts for one request, including the first. The SDK waits between them with jitter, within a retry budget.
const ATTEMPTS_MAX: u32 = 4;
/// Longest wait between two attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// The configuration that all clients share.
pub async fn sdk_config(settings: &ClientSettings) -> SdkConfig {
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX).with_max_backoff(BACKOFF_MAX);
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
    let app = AppName::new("reelgate").expect("the name has only letters");
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .app_name(app)
        .http_client(https_client())
        .retry_config(retries)
        .timeout_config(timeouts);
    if let Some(endpoint_url) = &settings.endpoint_url {
        loader = loader.endpoint_url(endpoint_url);
    }
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    loader.load().await
}

/// The HTTPS client of every AWS client: rustls on ring, the engine's only crypto stack, with the system's certificates.
pub fn https_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// A configuration with the rights of a role. The first request assumes the role (`sts:AssumeRole`).
pub async fn as_role(config: &SdkConfig, role_arn: &str) -> SdkConfig {
    let role = AssumeRoleProvider::builder(role_arn).configure(config).session_name("reelgate").build().await;
    config.to_builder().credentials_provider(SharedCredentialsProvider::new(role)).build()
}

pub fn kinesis(config: &SdkConfig) -> aws_sdk_kinesis::Client {
    aws_sdk_kinesis::Client::new(config)
}

pub fn sqs(config: &SdkConfig) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(config)
}

pub fn sns(config: &SdkConfig) -> aws_sdk_sns::Client {
    aws_sdk_sns::Client::new(config)
}

pub fn eventbridge(config: &SdkConfig) -> aws_sdk_eventbridge::Client {
    aws_sdk_eventbridge::Client::new(config)
}

pub fn macie(config: &SdkConfig) -> aws_sdk_macie2::Client {
    aws_sdk_macie2::Client::new(config)
}

pub fn ssm(config: &SdkConfig) -> aws_sdk_ssm::Client {
    aws_sdk_ssm::Client::new(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn endpoint_and_region_in_the_settings_override_the_environment() {
        let settings = ClientSettings {
            endpoint_url: Some("http://127.0.0.1:9".to_owned()),
            region: Some("eu-west-1".to_owned()),
        };
        let config = sdk_config(&settings).await;
        assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:9"));
        assert_eq!(config.region().map(Region::as_ref), Some("eu-west-1"));
    }

    #[test]
    fn an_unknown_setting_is_an_error() {
        assert!(serde_json::from_str::<ClientSettings>(r#"{"endpoint": "x"}"#).is_err());
    }
}
