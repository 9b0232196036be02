//! Clients of the stand-ins.

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_kinesis::config::{Credentials, SharedCredentialsProvider};
use reelgate_aws::clients::{ClientSettings, sdk_config};
use reelgate_stand_ins::{ACCOUNT, REGION};

/// Longest wait for a condition: longer than any condition needs on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The product's configuration, with credentials that every stand-in accepts.
pub async fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::builder()
        .access_key_id(ACCOUNT)
        .secret_access_key("test")
        .provider_name("tests")
        .build();
    config_as(endpoint, SharedCredentialsProvider::new(credentials)).await
}

/// The product's configuration, with these credentials.
pub async fn config_as(endpoint: &str, credentials: SharedCredentialsProvider) -> SdkConfig {
    let settings =
        ClientSettings { endpoint_url: Some(endpoint.to_owned()), region: Some(REGION.to_owned()) };
    sdk_config(&settings).await.to_builder().credentials_provider(credentials).build()
}

/// Polls until there is a result.
pub async fn eventually<T>(condition: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + WAIT_MAX;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < until, "did not happen within {WAIT_MAX:?}: {condition}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
