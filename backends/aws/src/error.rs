//! Maps failed calls of an AWS SDK to port errors. The detail has only the service's error code, the status, the request
//! id and the name of a denied action, because a service's message may repeat keys, tags or whole requests.

use std::fmt;

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use reelgate_ports::error::{ErrorKind, Port, PortError};

/// In the message of the refusal to read an object that is encrypted with a customer-provided key; Amazon S3 User Guide, "Using
/// server-side encryption with customer-provided keys (SSE-C)".
const CUSTOMER_KEY: &str = "stored using a form of Server Side Encryption";

/// One API call in words for people: what it does, and the IAM action it needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ApiCall {
    pub port: Port,
    /// Verb and object: "read records".
    pub operation: &'static str,
    /// The IAM action: `kinesis:GetRecords`.
    pub action: &'static str,
}

impl ApiCall {
    pub const fn new(port: Port, operation: &'static str, action: &'static str) -> Self {
        Self { port, operation, action }
    }

    /// Maps an SDK error to a port error; for `map_err`.
    pub fn failed<E: ProvideErrorMetadata>(self) -> impl Fn(SdkError<E>) -> PortError {
        move |error| self.error(&error)
    }

    /// Maps an SDK error to a port error.
    pub fn error<E: ProvideErrorMetadata>(self, error: &SdkError<E>) -> PortError {
        let Some(response) = error.raw_response() else { return self.unanswered(error) };
        let status = Some(response.status().as_u16());
        let lacking = error.message().and_then(Lacking::parse).unwrap_or(Lacking::Probably(self.action));
        let described = self.describe(error.code(), status, request_id(response), &lacking);
        // A code of its own this error has not.
        let customer_key = error.code() == Some("InvalidRequest")
            && error.message().is_some_and(|message| message.contains(CUSTOMER_KEY));
        if customer_key { PortError { kind: ErrorKind::CustomerKey, ..described } } else { described }
    }

    /// The port error of a response with this error code and, if known, HTTP status and request id.
    pub fn answered(self, code: Option<&str>, status: Option<u16>, request_id: Option<&str>) -> PortError {
        self.describe(code, status, request_id, &Lacking::Probably(self.action))
    }

    fn describe(
        self,
        code: Option<&str>,
        status: Option<u16>,
        request_id: Option<&str>,
        lacking: &Lacking<'_>,
    ) -> PortError {
        let kind = error_kind(code, status);
        let mut detail = format!("answered {}", code.unwrap_or("without a code"));
        if let Some(status) = status {
            detail.push_str(&format!(" (status {status})"));
        }
        if let Some(id) = request_id {
            detail.push_str(&format!(", request {id}"));
        }
        if kind == ErrorKind::Denied {
            detail.push_str(&format!("; {lacking} on this resource"));
        }
        PortError::new(self.port, kind, self.operation, detail)
    }

    fn unanswered<E>(self, error: &SdkError<E>) -> PortError {
        let (kind, detail) = match error {
            SdkError::TimeoutError(_) => (ErrorKind::Unavailable, "no answer in time"),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                (ErrorKind::Unavailable, "no connection in time")
            }
            SdkError::DispatchFailure(failure) if failure.is_user() => {
                (ErrorKind::Invalid, "the request could not be sent; check the settings")
            }
            SdkError::DispatchFailure(_) => {
                (ErrorKind::Unavailable, "no connection, or no credentials; check the endpoint and the role")
            }
            SdkError::ConstructionFailure(_) => {
                (ErrorKind::Invalid, "the request could not be built; check region and settings")
            }
            _ => (ErrorKind::Unavailable, "the response could not be parsed"),
        };
        PortError::new(self.port, kind, self.operation, detail)
    }
}

/// The permission that a denied caller lacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lacking<'a> {
    /// The denial named no action. This is the action that the call needs, as far as we know.
    Probably(&'a str),
    /// The action that the denial named. One call may need several actions, even of other services.
    Named(&'a str),
    /// The action that the denial named, and that a policy explicitly denies: granting it would not help.
    Forbidden(&'a str),
}

impl<'a> Lacking<'a> {
    /// Parses a denial's message, which ends like "is not authorized to perform: s3:GetObject on resource: … because no
    /// identity-based policy allows the s3:GetObject action"; IAM User Guide, "Troubleshoot access denied error messages".
    fn parse(message: &'a str) -> Option<Self> {
        let (_, rest) = message.split_once("not authorized to perform: ")?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != ':' && c != '-');
        let action = &rest[..end.unwrap_or(rest.len())];
        let (service, name) = action.split_once(':')?;
        let is_action = !service.is_empty() && !name.is_empty() && !name.contains(':') && action.len() <= 80;
        let lacking = if rest.contains("explicit deny") { Self::Forbidden } else { Self::Named };
        is_action.then(|| lacking(action))
    }
}

impl fmt::Display for Lacking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Probably(action) => write!(f, "the role probably lacks {action}"),
            Self::Named(action) => write!(f, "the role lacks {action}"),
            Self::Forbidden(action) => write!(f, "a policy explicitly denies {action}"),
        }
    }
}

fn request_id(response: &aws_sdk_kinesis::config::http::HttpResponse) -> Option<&str> {
    ["x-amzn-requestid", "x-amz-request-id"].into_iter().find_map(|name| response.headers().get(name))
}

/// The error kind of a service's error code, or of the HTTP status if the code is unknown.
///
/// Sources: the "Common Errors" and per-operation error lists of the S3, Kinesis, SQS, SNS, EventBridge, SSM
/// and Macie API references.
pub fn error_kind(code: Option<&str>, status: Option<u16>) -> ErrorKind {
    let code = code.unwrap_or_default();
    let has = |part: &str| code.contains(part);
    // Checked first, because some of these have status 400.
    if has("Throttl") || has("TooManyRequests") || has("SlowDown") || has("ThroughputExceeded") {
        return ErrorKind::Unavailable;
    }
    // The bytes were damaged in transit.
    if has("BadDigest") || has("InvalidDigest") || has("XAmzContentSHA256Mismatch") {
        return ErrorKind::Unavailable;
    }
    // A missing bucket is no fault of the upload: somebody must create it.
    match code {
        "NoSuchBucket" => return ErrorKind::Unavailable,
        "InvalidObjectState" => return ErrorKind::Archived,
        _ => {}
    }
    if has("LimitExceeded")
        || has("QuotaExceeded")
        || has("RequestTimeout")
        || has("RequestExpired")
        || has("ExpiredToken")
    {
        return ErrorKind::Unavailable;
    }
    if has("AccessDenied") || has("NotAuthorized") || has("AuthorizationError") || has("InvalidClientTokenId")
    {
        return ErrorKind::Denied;
    }
    if has("InvalidAccessKeyId") || has("SignatureDoesNotMatch") || has("UnrecognizedClient") {
        return ErrorKind::Denied;
    }
    if has("PreconditionFailed") || has("ConditionalRequestConflict") || has("ResourceInUse") {
        return ErrorKind::Conflict;
    }
    if has("NoSuch") || has("NotFound") || has("NonExistent") {
        return ErrorKind::Missing;
    }
    match status {
        Some(401 | 403) => ErrorKind::Denied,
        // S3 answers 405 if a read names the version of a delete marker.
        Some(404 | 405 | 410) => ErrorKind::Missing,
        Some(304 | 409 | 412 | 416) => ErrorKind::Conflict,
        Some(507) => ErrorKind::Full,
        Some(408 | 429) | None => ErrorKind::Unavailable,
        Some(400..=499) => ErrorKind::Invalid,
        Some(_) => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: ApiCall = ApiCall::new(Port::Events, "read records", "kinesis:GetRecords");

    #[test]
    fn a_throttled_call_is_retried_even_if_its_status_is_bad_request() {
        for code in ["ProvisionedThroughputExceededException", "ThrottlingException", "SlowDown"] {
            assert_eq!(error_kind(Some(code), Some(400)), ErrorKind::Unavailable, "{code}");
        }
    }

    #[test]
    fn the_code_decides_and_the_status_only_if_there_is_no_code() {
        assert_eq!(error_kind(Some("ResourceNotFoundException"), Some(400)), ErrorKind::Missing);
        assert_eq!(error_kind(Some("PreconditionFailed"), Some(412)), ErrorKind::Conflict);
        assert_eq!(error_kind(Some("Curious"), Some(400)), ErrorKind::Invalid);
        assert_eq!(error_kind(None, Some(412)), ErrorKind::Conflict);
        assert_eq!(error_kind(None, Some(405)), ErrorKind::Missing, "a delete marker");
        assert_eq!(error_kind(Some("InvalidObjectState"), Some(403)), ErrorKind::Archived);
        assert_eq!(error_kind(Some("NoSuchBucket"), Some(404)), ErrorKind::Unavailable);
        assert_eq!(error_kind(Some("BadDigest"), Some(400)), ErrorKind::Unavailable);
        assert_eq!(error_kind(None, Some(503)), ErrorKind::Unavailable);
        assert_eq!(error_kind(None, None), ErrorKind::Unavailable);
    }

    #[test]
    fn a_denied_call_names_the_action_that_is_probably_missing() {
        let error = GET.answered(Some("AccessDeniedException"), Some(400), Some("r-1"));
        assert_eq!(error.kind, ErrorKind::Denied);
        assert_eq!(
            error.to_string(),
            "read records: answered AccessDeniedException (status 400), request r-1; \
             the role probably lacks kinesis:GetRecords on this resource"
        );
    }

    #[test]
    fn of_a_denial_that_names_the_action_only_the_action_is_quoted() {
        let parsed = |message: &'static str| Lacking::parse(message).map(|lacking| lacking.to_string());
        let message = "User: arn:aws:iam::1:user/anna is not authorized to perform: kms:Decrypt on resource: \
                       \"arn:aws:kms:::key/1\" because no identity-based policy allows the kms:Decrypt action";
        assert_eq!(parsed(message).unwrap(), "the role lacks kms:Decrypt");
        let message = "anna is not authorized to perform: s3:GetObject with an explicit deny in a \
                       service control policy";
        assert_eq!(parsed(message).unwrap(), "a policy explicitly denies s3:GetObject");
        for nothing in
            ["Access Denied", "not authorized to perform: ", "not authorized to perform: in/anna.mp4"]
        {
            assert_eq!(parsed(nothing), None, "{nothing}");
        }
    }
}
