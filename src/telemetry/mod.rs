//! Sends the traces of `run` and `serve` to a collector over OTLP, if an address is given. Traces never delay the work:
//! spans wait in a bounded queue, and spans that do not fit or that the collector refuses are counted and dropped.

mod collector;
mod span_queue;

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use prometheus::IntCounterVec;
use reelgate_flow::ids::NodeId;

use crate::config::{Config, TelemetryRaw};
use crate::exit::Failure;
use crate::output::log;
use span_queue::SpanQueue;

/// Longest time that the end of a process waits for the last spans.
const FLUSH_MAX: Duration = Duration::from_secs(3);
/// The standard's variables: for traces alone, and for all signals.
const ENDPOINT_ENV: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// Sends the remaining spans when it is dropped.
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Starts the log, and the traces where the configuration or the environment names a collector. `spans` counts them
    /// by result.
    pub fn start(
        config: &Config,
        node: &NodeId,
        filter: Option<&str>,
        spans: &IntCounterVec,
    ) -> Result<Self, Failure> {
        let raw = &config.raw.telemetry;
        let provider = match endpoint(raw, |name| std::env::var(name).ok()) {
            Some(endpoint) => {
                let allowed = config.raw.network.check("telemetry.otlp", &endpoint);
                allowed.map_err(|what| Failure::Usage(format!("configuration: {what}")))?;
                Some(provider(raw, &endpoint, node, spans)?)
            }
            None => None,
        };
        log::start(filter, provider.as_ref().map(tracer));
        Ok(Self { provider })
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let Some(provider) = &self.provider else { return };
        if provider.shutdown_with_timeout(FLUSH_MAX).is_err() {
            tracing::warn!("last spans lost: the collector did not accept them in time");
        }
    }
}

fn tracer(provider: &SdkTracerProvider) -> SdkTracer {
    provider.tracer("reelgate")
}

fn provider(
    raw: &TelemetryRaw,
    endpoint: &str,
    node: &NodeId,
    spans: &IntCounterVec,
) -> Result<SdkTracerProvider, Failure> {
    let resource = Resource::builder().with_service_name("reelgate").with_attributes([
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", node.to_string()),
    ]);
    Ok(SdkTracerProvider::builder()
        .with_resource(resource.build())
        // Sampling by the trace's id alone, so that all nodes keep the same traces, complete.
        .with_sampler(Sampler::TraceIdRatioBased(raw.sampling))
        .with_span_processor(SpanQueue::new(collector::exporter(endpoint)?, spans.clone()))
        .build())
}

/// The address that spans are sent to: the configured one, otherwise that of the environment. The path of traces is added
/// to an address for all signals ("OpenTelemetry Protocol Exporter", endpoint URLs for OTLP/HTTP).
fn endpoint(raw: &TelemetryRaw, env: impl Fn(&str) -> Option<String>) -> Option<String> {
    let [of_traces, of_all] = ENDPOINT_ENV.map(|name| env(name).filter(|value| !value.is_empty()));
    let with_path = |base: String| format!("{}/v1/traces", base.trim_end_matches('/'));
    if !raw.otlp.is_empty() {
        return Some(with_path(raw.otlp.reveal().to_owned()));
    }
    of_traces.or_else(|| of_all.map(with_path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(otlp: &str, environment: &[(&str, &str)]) -> Option<String> {
        let raw = TelemetryRaw { otlp: otlp.into(), ..TelemetryRaw::default() };
        endpoint(&raw, |name| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_is_sent_without_the_address_of_a_collector() {
        assert_eq!(found("", &[]), None);
        assert_eq!(found("", &[(ENDPOINT_ENV[0], ""), (ENDPOINT_ENV[1], "")]), None);
    }

    #[test]
    fn the_configuration_overrides_the_environment_and_traces_override_all_signals() {
        let [of_traces, of_all] = ENDPOINT_ENV;
        let environment = [(of_traces, "http://t/own"), (of_all, "http://a/")];
        assert_eq!(found("http://c:4318/", &environment).unwrap(), "http://c:4318/v1/traces");
        assert_eq!(found("", &environment).unwrap(), "http://t/own");
        assert_eq!(found("", &environment[1..]).unwrap(), "http://a/v1/traces");
    }
}
