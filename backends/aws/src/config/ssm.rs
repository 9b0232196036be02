//! Configuration from the SSM Parameter Store: every parameter below a path, secrets decrypted.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_ssm::Client;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};

use crate::error::ApiCall;

const READ: ApiCall =
    ApiCall::new(Port::Settings, "read parameters", "ssm:GetParametersByPath (and kms:Decrypt)");

/// Most pages that are read, ten parameters each; a configuration has a few dozen parameters.
const PAGES_MAX: usize = 100;

/// Values by the part of their names below the path: `/project/env/s3/ingest` below `/project/env` is `s3/ingest`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Parameters(pub BTreeMap<String, String>);

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Any value may be a secret.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Reads every parameter below `path`, which begins with `/`. The result is empty if there is no such parameter.
pub async fn parameters(client: &Client, path: &str) -> PortResult<Parameters> {
    let path = path.trim_end_matches('/');
    let mut found = BTreeMap::new();
    let mut next: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let call = client.get_parameters_by_path().path(path).recursive(true).with_decryption(true);
        let page = call.set_next_token(next).send().await.map_err(READ.failed())?;
        for parameter in page.parameters() {
            let name = parameter.name().and_then(|name| name.strip_prefix(path));
            if let (Some(name), Some(value)) = (name, parameter.value()) {
                found.insert(name.trim_start_matches('/').to_owned(), value.to_owned());
            }
        }
        next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            return Ok(Parameters(found));
        }
    }
    let detail = "expected at most 1000 parameters below the path, found more; name a longer path";
    Err(PortError::new(Port::Settings, ErrorKind::Invalid, READ.operation, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_in_the_debug_text() {
        let parameters = Parameters([("database/url".to_owned(), "postgres://secret".to_owned())].into());
        assert_eq!(format!("{parameters:?}"), r#"{"database/url"}"#);
    }
}
