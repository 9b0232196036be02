//! Opens the receivers of notices.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use reelgate_embedded::notices::{FileNotices, WebhookNotices};
use reelgate_flow::asset::Severity;
use reelgate_ports::error::PortResult;
use reelgate_ports::notices::Notices;
use reelgate_ports::records::NoticeRecord;

use super::aws::{self, Aws};
use crate::config::Config;
use crate::config::secret::SecretUrl;
use crate::exit::Failure;

/// Opens every receiver; a notice counts as delivered when all of them have accepted it.
pub async fn open(config: &Config, clients: &Aws<'_>) -> Result<Vec<Arc<dyn Notices>>, Failure> {
    let raw = &config.raw.notices;
    let mut notices: Vec<Arc<dyn Notices>> = Vec::new();
    if raw.urls.is_empty() {
        notices.push(Arc::new(FileNotices::open(&config.home.join("notices.jsonl"))?));
    }
    for url in &raw.urls {
        notices.push(one("notices.urls", url, clients).await?);
    }
    if !raw.webhook_url.is_empty() {
        notices.push(Arc::new(WebhookNotices::new(raw.webhook_url.reveal(), raw.webhook_secret.reveal())?));
    }
    for alert in &config.raw.privacy.alerts {
        let receiver = one("privacy.alerts", &alert.url, clients).await?;
        notices.push(Arc::new(Alerts { severity: alert.severity, receiver }));
    }
    Ok(notices)
}

/// A receiver of notices about severe findings only.
struct Alerts {
    severity: Severity,
    receiver: Arc<dyn Notices>,
}

#[async_trait]
impl Notices for Alerts {
    async fn deliver(&self, notice: &NoticeRecord) -> PortResult<()> {
        let severity = notice.body["severity"].as_str().and_then(Severity::parse).unwrap_or(Severity::None);
        if severity >= self.severity { self.receiver.deliver(notice).await } else { Ok(()) }
    }

    async fn check(&self) -> PortResult<String> {
        self.receiver.check().await
    }
}

async fn one(key: &str, url: &SecretUrl, clients: &Aws<'_>) -> Result<Arc<dyn Notices>, Failure> {
    let url = url.reveal();
    if let Some(topic) = url.strip_prefix("sns:") {
        return aws::topic(clients, topic).await;
    }
    if let Some(bus) = url.strip_prefix("eventbridge:") {
        return aws::bus(clients, bus).await;
    }
    if let Some(path) = url.strip_prefix("file:") {
        return Ok(Arc::new(FileNotices::open(&PathBuf::from(path))?));
    }
    Err(Failure::Usage(format!(
        "{key}: expected `sns:TOPIC-ARN`, `eventbridge:BUS` or `file:PATH`, found another form"
    )))
}
