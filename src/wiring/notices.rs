//! Who is told.

use std::path::PathBuf;
use std::sync::Arc;

use reelgate_embedded::notices::{FileNotices, WebhookNotices};
use reelgate_ports::notices::Notices;

use crate::config::Config;
use crate::exit::Failure;

/// Opens every receiver; a notice counts as delivered when all of them took it.
pub async fn open(config: &Config) -> Result<Vec<Arc<dyn Notices>>, Failure> {
    let raw = &config.raw.notices;
    let mut notices: Vec<Arc<dyn Notices>> = Vec::new();
    if raw.urls.is_empty() {
        notices.push(Arc::new(FileNotices::open(&config.home.join("notices.jsonl"))?));
    }
    for url in &raw.urls {
        notices.push(one(url)?);
    }
    if !raw.webhook_url.is_empty() {
        notices.push(Arc::new(WebhookNotices::new(&raw.webhook_url, &raw.webhook_secret)?));
    }
    Ok(notices)
}

fn one(url: &str) -> Result<Arc<dyn Notices>, Failure> {
    if let Some(path) = url.strip_prefix("file:") {
        return Ok(Arc::new(FileNotices::open(&PathBuf::from(path))?));
    }
    Err(Failure::Usage(format!(
        "notices.urls: expected `sns:TOPIC-ARN`, `eventbridge:BUS` or `file:PATH`, found `{url}`"
    )))
}
