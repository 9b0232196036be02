//! What a failed call of an AWS SDK means to us. Only the service's error code, the status and the request id are
//! passed on, and the name of an action that was denied: a service's message may repeat keys, tags or whole requests.

use std::fmt;

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use reelgate_ports::error::{PortError, Trouble};

/// One call as people know it: what it does, and the IAM action it needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    /// Verb and object: "read records".
    pub what: &'static str,
    /// The IAM action: `kinesis:GetRecords`.
    pub action: &'static str,
}

impl Call {
    /// A call with its IAM action.
    pub const fn new(what: &'static str, action: &'static str) -> Self {
        Self { what, action }
    }

    /// Turns an SDK's error into ours; for `map_err`.
    pub fn failed<E: ProvideErrorMetadata>(self) -> impl Fn(SdkError<E>) -> PortError {
        move |error| self.error(&error)
    }

    /// Turns an SDK's error into ours.
    pub fn error<E: ProvideErrorMetadata>(self, error: &SdkError<E>) -> PortError {
        let Some(response) = error.raw_response() else { return self.unanswered(error) };
        let status = Some(response.status().as_u16());
        let lacking = error.message().and_then(Lacking::told).unwrap_or(Lacking::Probably(self.action));
        self.describe(error.code(), status, request_id(response), &lacking)
    }

    /// The error of an answer: its code and, where known, HTTP status and request id.
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
        let trouble = trouble(code, status);
        let mut detail = format!("answered {}", code.unwrap_or("without a code"));
        if let Some(status) = status {
            detail.push_str(&format!(" (status {status})"));
        }
        if let Some(id) = request_id {
            detail.push_str(&format!(", request {id}"));
        }
        if trouble == Trouble::Denied {
            detail.push_str(&format!("; {lacking} on this resource"));
        }
        PortError::new(trouble, self.what, detail)
    }

    fn unanswered<E>(self, error: &SdkError<E>) -> PortError {
        let (trouble, detail) = match error {
            SdkError::TimeoutError(_) => (Trouble::Unavailable, "no answer in time"),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                (Trouble::Unavailable, "no connection in time")
            }
            SdkError::DispatchFailure(failure) if failure.is_user() => {
                (Trouble::Invalid, "the request could not be sent as it is")
            }
            SdkError::DispatchFailure(_) => {
                (Trouble::Unavailable, "no connection, or no credentials; check the endpoint and the role")
            }
            SdkError::ConstructionFailure(_) => {
                (Trouble::Invalid, "the request could not be built; check region and settings")
            }
            _ => (Trouble::Unavailable, "the answer is not understood"),
        };
        PortError::new(trouble, self.what, detail)
    }
}

/// What a denied caller would need.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lacking<'a> {
    /// What this call needs as far as we know; the denial said nothing.
    Probably(&'a str),
    /// The action that the service named: for one call it may ask for several, of other services too.
    Told(&'a str),
    /// The same, where granting it would not help.
    Forbidden(&'a str),
}

impl<'a> Lacking<'a> {
    /// From a denial's message, which ends like "is not authorized to perform: s3:GetObject on resource: … because no
    /// identity-based policy allows the s3:GetObject action"; IAM User Guide, "Troubleshoot access denied error messages".
    fn told(message: &'a str) -> Option<Self> {
        let (_, rest) = message.split_once("not authorized to perform: ")?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != ':' && c != '-');
        let action = &rest[..end.unwrap_or(rest.len())];
        let (service, name) = action.split_once(':')?;
        let is_action = !service.is_empty() && !name.is_empty() && !name.contains(':') && action.len() <= 80;
        let told = if rest.contains("explicit deny") { Self::Forbidden } else { Self::Told };
        is_action.then(|| told(action))
    }
}

impl fmt::Display for Lacking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Probably(action) => write!(f, "the role probably lacks {action}"),
            Self::Told(action) => write!(f, "the role lacks {action}"),
            Self::Forbidden(action) => write!(f, "a policy explicitly denies {action}"),
        }
    }
}

fn request_id(response: &aws_sdk_kinesis::config::http::HttpResponse) -> Option<&str> {
    ["x-amzn-requestid", "x-amz-request-id"].into_iter().find_map(|name| response.headers().get(name))
}

/// What kind of trouble a service's error code means; by the HTTP status where the code says nothing.
///
/// Sources: the "Common Errors" and per-operation error lists of the S3, Kinesis, SQS, SNS, EventBridge, SSM
/// and Macie API references.
pub fn trouble(code: Option<&str>, status: Option<u16>) -> Trouble {
    let code = code.unwrap_or_default();
    let has = |part: &str| code.contains(part);
    // First of all, because some of these come with status 400.
    if has("Throttl") || has("TooManyRequests") || has("SlowDown") || has("ThroughputExceeded") {
        return Trouble::Unavailable;
    }
    // Bytes damaged on their way to the service.
    if has("BadDigest") || has("InvalidDigest") || has("XAmzContentSHA256Mismatch") {
        return Trouble::Unavailable;
    }
    // Somebody must make the bucket, but no upload is at fault for it; and archived is there, but not as expected.
    match code {
        "NoSuchBucket" => return Trouble::Unavailable,
        "InvalidObjectState" => return Trouble::Conflict,
        _ => {}
    }
    if has("LimitExceeded")
        || has("QuotaExceeded")
        || has("RequestTimeout")
        || has("RequestExpired")
        || has("ExpiredToken")
    {
        return Trouble::Unavailable;
    }
    if has("AccessDenied") || has("NotAuthorized") || has("AuthorizationError") || has("InvalidClientTokenId")
    {
        return Trouble::Denied;
    }
    if has("InvalidAccessKeyId") || has("SignatureDoesNotMatch") || has("UnrecognizedClient") {
        return Trouble::Denied;
    }
    if has("PreconditionFailed") || has("ConditionalRequestConflict") || has("ResourceInUse") {
        return Trouble::Conflict;
    }
    if has("NoSuch") || has("NotFound") || has("NonExistent") {
        return Trouble::Missing;
    }
    match status {
        Some(401 | 403) => Trouble::Denied,
        // 405 is S3's answer to a read of a delete marker by its version.
        Some(404 | 405 | 410) => Trouble::Missing,
        Some(304 | 409 | 412 | 416) => Trouble::Conflict,
        Some(507) => Trouble::Full,
        Some(408 | 429) | None => Trouble::Unavailable,
        Some(400..=499) => Trouble::Invalid,
        Some(_) => Trouble::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: Call = Call::new("read records", "kinesis:GetRecords");

    #[test]
    fn a_throttled_call_is_tried_again_though_its_status_says_bad_request() {
        for code in ["ProvisionedThroughputExceededException", "ThrottlingException", "SlowDown"] {
            assert_eq!(trouble(Some(code), Some(400)), Trouble::Unavailable, "{code}");
        }
    }

    #[test]
    fn a_code_counts_before_the_status_and_the_status_where_there_is_no_code() {
        assert_eq!(trouble(Some("ResourceNotFoundException"), Some(400)), Trouble::Missing);
        assert_eq!(trouble(Some("PreconditionFailed"), Some(412)), Trouble::Conflict);
        assert_eq!(trouble(Some("Curious"), Some(400)), Trouble::Invalid);
        assert_eq!(trouble(None, Some(412)), Trouble::Conflict);
        assert_eq!(trouble(None, Some(405)), Trouble::Missing, "a delete marker");
        assert_eq!(trouble(Some("InvalidObjectState"), Some(403)), Trouble::Conflict, "archived");
        assert_eq!(trouble(Some("NoSuchBucket"), Some(404)), Trouble::Unavailable);
        assert_eq!(trouble(Some("BadDigest"), Some(400)), Trouble::Unavailable);
        assert_eq!(trouble(None, Some(503)), Trouble::Unavailable);
        assert_eq!(trouble(None, None), Trouble::Unavailable);
    }

    #[test]
    fn a_denied_call_names_the_action_that_is_probably_missing() {
        let error = GET.answered(Some("AccessDeniedException"), Some(400), Some("r-1"));
        assert_eq!(error.trouble, Trouble::Denied);
        assert_eq!(
            error.to_string(),
            "read records: answered AccessDeniedException (status 400), request r-1; \
             the role probably lacks kinesis:GetRecords on this resource"
        );
    }

    #[test]
    fn a_denial_that_names_the_action_is_quoted_by_the_action_alone() {
        let told = |message: &'static str| Lacking::told(message).map(|lacking| lacking.to_string());
        let message = "User: arn:aws:iam::1:user/anna is not authorized to perform: kms:Decrypt on resource: \
                       \"arn:aws:kms:::key/1\" because no identity-based policy allows the kms:Decrypt action";
        assert_eq!(told(message).unwrap(), "the role lacks kms:Decrypt");
        let message = "anna is not authorized to perform: s3:GetObject with an explicit deny in a \
                       service control policy";
        assert_eq!(told(message).unwrap(), "a policy explicitly denies s3:GetObject");
        for nothing in
            ["Access Denied", "not authorized to perform: ", "not authorized to perform: in/anna.mp4"]
        {
            assert_eq!(told(nothing), None, "{nothing}");
        }
    }
}
