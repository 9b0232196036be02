//! Who the caller is for AWS, whatever name is given on the command line.

use aws_config::SdkConfig;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};

use crate::error::ApiCall;

const IDENTITY: ApiCall = ApiCall::new(Port::Store, "ask AWS who decides", "sts:GetCallerIdentity");

/// The ARN of the user or the session whose credentials are used. The call needs no permission.
pub async fn caller(config: &SdkConfig) -> PortResult<String> {
    let asked = aws_sdk_sts::Client::new(config).get_caller_identity().send().await;
    asked.map_err(IDENTITY.failed())?.arn.ok_or_else(|| {
        let detail = "expected the ARN of the caller, found none in the answer";
        PortError::new(Port::Store, ErrorKind::Invalid, IDENTITY.operation, detail)
    })
}
