//! Sends spans to the collector: OTLP over HTTP with protobuf, through the HTTP client that the webhooks use too.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig};
use ureq::Agent;

use crate::exit::Failure;

/// For a whole request. An exporter that hangs costs spans, so it must not hang for long.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Longest answer read, bytes: an answer only names refused spans.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// An exporter that tries once. The queue before it is the buffer, so a retry would only delay newer spans.
pub fn exporter(endpoint: &str) -> Result<SpanExporter, Failure> {
    let agent = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(None)
        .user_agent(concat!("reelgate/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    SpanExporter::builder()
        .with_http()
        .with_http_client(Collector(agent))
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .with_timeout(TIMEOUT)
        .with_retry_policy(RetryPolicy::disabled())
        .build()
        // The address may hold a token.
        .map_err(|_| {
            let expected =
                "telemetry.otlp: expected http://HOST:PORT or https://HOST:PORT of an OTLP collector";
            Failure::Usage(format!("configuration: {expected}, found another form"))
        })
}

#[derive(Debug)]
struct Collector(Agent);

#[async_trait]
impl HttpClient for Collector {
    /// Blocks: the only caller is the thread that does nothing but export.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let (head, mut body) = self.0.run(Request::from_parts(head, body.to_vec()))?.into_parts();
        let answer = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        Ok(Response::from_parts(head, answer.into()))
    }
}
