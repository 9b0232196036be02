//! Counts requests to S3 when they are sent, each attempt of a repeated one too, in the meter of the attempt that makes them.

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use reelgate_cost::resource::Resource;
use reelgate_ports::meter;

/// The header that names what is copied.
const COPY_SOURCE: &str = "x-amz-copy-source";
/// Queries of a GET that lists. Those of parts and versions of one object are lists too.
const LISTS: [&str; 4] = ["list-type", "versions", "uploads", "prefix"];

/// Sits in an S3 client.
#[derive(Debug)]
pub(super) struct RequestCounter;

impl Intercept for RequestCounter {
    fn name(&self) -> &'static str {
        "RequestCounter"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let copies = request.headers().get(COPY_SOURCE).is_some();
        let query = request.uri().split_once('?').map_or("", |(_, query)| query);
        if let Some(resource) = kind(request.method(), query, copies) {
            meter::count(resource, 1);
        }
        Ok(())
    }
}

/// What AWS bills a request as; `None` if it is free: DELETE of any kind, and the end of an unfinished upload.
///
/// Source: Amazon S3 pricing, "Requests & data retrievals".
fn kind(method: &str, query: &str, copies: bool) -> Option<Resource> {
    let names = || query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    let has = |wanted: &str| names().any(|name| name == wanted);
    match method {
        "DELETE" => None,
        "POST" if has("delete") => None,
        "PUT" if copies => Some(Resource::S3Copy),
        "PUT" | "POST" => Some(Resource::S3Put),
        "GET" if LISTS.into_iter().any(has) || (has("uploadId") && !has("partNumber")) => {
            Some(Resource::S3List)
        }
        "GET" => Some(Resource::S3Get),
        _ => Some(Resource::S3Head),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_what_aws_bills_it_as() {
        for (method, query, copies, expected) in [
            ("PUT", "x-id=PutObject", false, Some(Resource::S3Put)),
            ("POST", "uploads", false, Some(Resource::S3Put)),
            ("PUT", "partNumber=1&uploadId=u", false, Some(Resource::S3Put)),
            ("POST", "uploadId=u", false, Some(Resource::S3Put)),
            ("PUT", "", true, Some(Resource::S3Copy)),
            ("PUT", "partNumber=1&uploadId=u", true, Some(Resource::S3Copy)),
            ("GET", "list-type=2&prefix=a", false, Some(Resource::S3List)),
            ("GET", "versions&prefix=a", false, Some(Resource::S3List)),
            ("GET", "uploads&prefix=a", false, Some(Resource::S3List)),
            ("GET", "uploadId=u", false, Some(Resource::S3List)),
            ("GET", "x-id=GetObject", false, Some(Resource::S3Get)),
            ("GET", "tagging", false, Some(Resource::S3Get)),
            ("HEAD", "versionId=v", false, Some(Resource::S3Head)),
            ("DELETE", "uploadId=u", false, None),
            ("DELETE", "", false, None),
            ("POST", "delete", false, None),
        ] {
            assert_eq!(kind(method, query, copies), expected, "{method} ?{query}");
        }
    }
}
