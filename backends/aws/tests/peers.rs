//! How tests reach the stand-ins.

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_kinesis::config::{Credentials, SharedCredentialsProvider};
use reelgate_aws::clients::{ClientSettings, sdk_config};
use reelgate_stand_ins::{ACCOUNT, REGION};

/// Longer than anything here takes on a busy machine; nothing waits for it where all is well.
const PATIENCE: Duration = Duration::from_secs(60);

/// The product's own configuration, with credentials that every stand-in takes.
pub async fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::builder()
        .access_key_id(ACCOUNT)
        .secret_access_key("test")
        .provider_name("tests")
        .build();
    config_as(endpoint, SharedCredentialsProvider::new(credentials)).await
}

/// The same with these credentials.
pub async fn config_as(endpoint: &str, credentials: SharedCredentialsProvider) -> SdkConfig {
    let settings =
        ClientSettings { endpoint_url: Some(endpoint.to_owned()), region: Some(REGION.to_owned()) };
    sdk_config(&settings).await.to_builder().credentials_provider(credentials).build()
}

/// Asks again and again until there is an answer.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < until, "waited {PATIENCE:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
