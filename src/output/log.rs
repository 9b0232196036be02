//! The log: JSON lines on standard error, off by default. It never holds keys, names or content of uploads, nor secrets.

use opentelemetry_sdk::trace::SdkTracer;
use reelgate_actors::spans;
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

/// Starts the log; without a filter nothing is shown. `tracer` receives the engine's spans, whatever the log shows.
pub fn start(filter: Option<&str>, tracer: Option<SdkTracer>) {
    let filter = EnvFilter::try_new(filter.unwrap_or("off")).unwrap_or_else(|_| EnvFilter::new("info"));
    // Libraries log addresses, headers and names of objects.
    let is_ours = filter_fn(|metadata| metadata.target().starts_with("reelgate"));
    let lines = fmt::layer().json().with_writer(std::io::stderr).with_filter(filter.and(is_ours));
    let traces = tracer.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_level(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(Targets::new().with_target(spans::TARGET, LevelFilter::ERROR))
    });
    tracing_subscriber::registry().with(lines).with(traces).init();
}
