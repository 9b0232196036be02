//! The log: JSON lines on standard error, off unless asked for. It never holds keys, names or content of uploads.

use tracing_subscriber::EnvFilter;

/// Starts the log; without a filter only errors are shown.
pub fn start(filter: Option<&str>) {
    let filter = EnvFilter::try_new(filter.unwrap_or("off")).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
}
