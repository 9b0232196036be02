//! Who the caller is for AWS, where the configuration uses AWS.

use reelgate_aws::caller;

use super::clients::sdk;
use crate::config::Config;
use crate::config::fleet::S3_SCHEME;
use crate::exit::Failure;

/// The ARN of the caller's credentials; `None` where objects are not in S3, so that nobody needs credentials to decide.
pub async fn caller(config: &Config) -> Result<Option<String>, Failure> {
    if !config.raw.objects.url.reveal().starts_with(S3_SCHEME) {
        return Ok(None);
    }
    Ok(Some(caller::caller(&sdk(config).await).await?))
}
