//! A signed link that allows one upload under one key, for a producer without credentials.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};

use crate::error::ApiCall;
use crate::location::Location;

/// Longest validity of a link; Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters".
pub const EXPIRES_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Largest object that one request uploads, bytes: 5 GiB; Amazon S3 API Reference, `PutObject`.
const PUT_BYTES_MAX: u64 = 5 << 30;
const CALL: ApiCall = ApiCall::new(Port::Objects, "sign an upload", "s3:PutObject");

/// The request that a link allows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PresignOrder {
    /// The target; the link allows no other key.
    pub to: Location,
    /// Validity, from now.
    pub expires: Duration,
    /// Exactly this many bytes; `None`: any number up to 5 GiB.
    pub size_bytes: Option<u64>,
    /// Exactly this media type; `None`: any.
    pub content_type: Option<String>,
    /// Only if there is no object under the key yet.
    pub new_only: bool,
    /// The account that must own the bucket.
    pub owner: Option<String>,
    /// Bucket names in the path instead of the host name.
    pub path_style: bool,
}

/// A signed request: `PUT` of the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Presigned {
    /// Whoever has this link may upload until it expires.
    pub url: String,
    /// Headers that the request must have, exactly like this; names in lower case.
    pub headers: Vec<(String, String)>,
}

/// Signs a request locally. This proves neither that the bucket exists nor that the signer may write to it.
pub async fn presign(config: &SdkConfig, order: &PresignOrder) -> PortResult<Presigned> {
    let invalid = |detail: String| PortError::new(Port::Objects, ErrorKind::Invalid, CALL.operation, detail);
    if order.expires.is_zero() || order.expires > EXPIRES_MAX {
        let most = EXPIRES_MAX.as_secs();
        let found = order.expires.as_secs();
        return Err(invalid(format!("expected an expiry of 1 to {most} seconds, found {found}")));
    }
    let size_bytes = match order.size_bytes {
        Some(bytes) if bytes > PUT_BYTES_MAX => {
            return Err(invalid(format!(
                "expected at most {PUT_BYTES_MAX} bytes, found {bytes}; use `upload`"
            )));
        }
        bytes => bytes.and_then(|bytes| i64::try_from(bytes).ok()),
    };
    let s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(order.path_style).build();
    let request = Client::from_conf(s3)
        .put_object()
        .bucket(&order.to.bucket)
        .key(&order.to.key)
        .set_content_length(size_bytes)
        .set_content_type(order.content_type.clone())
        .set_if_none_match(order.new_only.then(|| "*".to_owned()))
        .set_expected_bucket_owner(order.owner.clone());
    let expiry = PresigningConfig::expires_in(order.expires).map_err(|error| invalid(error.to_string()))?;
    let signed = request.presigned(expiry).await.map_err(CALL.failed())?;
    let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(Presigned { url: signed.uri().to_owned(), headers: headers.collect() })
}
