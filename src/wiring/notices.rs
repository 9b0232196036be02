//! Opens the receivers of notices.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use reelgate_embedded::notices::{FileNotices, WebhookNotices};
use reelgate_flow::asset::Severity;
use reelgate_flow::ids::ReceiverName;
use reelgate_ports::error::PortResult;
use reelgate_ports::identity::key_sha256;
use reelgate_ports::notices::{Notices, Receiver};
use reelgate_ports::records::NoticeRecord;

use super::aws::{self, Aws};
use crate::config::Config;
use crate::config::secret::SecretUrl;
use crate::exit::Failure;

/// The receiver that a home has if none is configured.
pub const HOME_FILE: &str = "file";
/// The only webhook. Its name does not change with its address, so that a new token or host gets what the old one missed.
const WEBHOOK: &str = "webhook";

/// A receiver, or why it cannot be opened.
type Opened = Result<Arc<dyn Notices>, Failure>;

/// Opens every receiver.
pub async fn open(config: &Config, clients: &Aws<'_>) -> Result<Vec<Receiver>, Failure> {
    let receivers = each(config, clients).await.into_iter();
    receivers.map(|(name, port)| Ok(Receiver { name: ReceiverName::new(name), port: port? })).collect()
}

/// The name of every receiver, and the receiver or why it cannot be opened. An address that is listed twice is one receiver.
pub async fn each(config: &Config, clients: &Aws<'_>) -> Vec<(String, Opened)> {
    let raw = &config.raw.notices;
    let mut receivers: Vec<(String, Opened)> = Vec::new();
    let mut add = |name: String, port: Opened| {
        if !receivers.iter().any(|(known, _)| *known == name) {
            receivers.push((name, port));
        }
    };
    if raw.urls.is_empty() {
        add(HOME_FILE.to_owned(), file(&config.home.join("notices.jsonl")));
    }
    for url in &raw.urls {
        add(name(url), one("notices.urls", url, clients).await);
    }
    if !raw.webhook_url.is_empty() {
        let webhook = WebhookNotices::new(raw.webhook_url.reveal(), raw.webhook_secret.reveal());
        add(WEBHOOK.to_owned(), webhook.map(|webhook| Arc::new(webhook) as _).map_err(Failure::from));
    }
    for alert in &config.raw.privacy.alerts {
        let receiver = one("privacy.alerts", &alert.url, clients).await;
        let name = format!("alert-{}-{}", alert.severity.as_str(), name(&alert.url));
        let alerts = |receiver| Arc::new(Alerts { severity: alert.severity, receiver }) as _;
        add(name, receiver.map(alerts));
    }
    receivers
}

/// The kind of a receiver and eight digits that are derived from its address: the same after every start and whatever else is
/// configured, and nobody can read the address from it.
fn name(url: &SecretUrl) -> String {
    let url = url.reveal();
    let kind = url.split(':').next().unwrap_or_default();
    let digits: String = key_sha256(url).chars().take(8).collect();
    format!("{kind}-{digits}")
}

/// A receiver of notices about severe findings only.
struct Alerts {
    severity: Severity,
    receiver: Arc<dyn Notices>,
}

#[async_trait]
impl Notices for Alerts {
    async fn deliver(&self, notice: &NoticeRecord) -> PortResult<()> {
        self.receiver.deliver(notice).await
    }

    /// A notice that concerns no asset has no severity.
    fn wants(&self, notice: &NoticeRecord) -> bool {
        let severity = notice.body["severity"].as_str().and_then(Severity::parse);
        severity.is_some_and(|severity| severity >= self.severity) && self.receiver.wants(notice)
    }

    async fn check(&self) -> PortResult<String> {
        self.receiver.check().await
    }
}

fn file(path: &Path) -> Opened {
    Ok(Arc::new(FileNotices::open(path)?))
}

async fn one(key: &str, url: &SecretUrl, clients: &Aws<'_>) -> Opened {
    let url = url.reveal();
    if let Some(topic) = url.strip_prefix("sns:") {
        return aws::topic(clients, topic).await;
    }
    if let Some(bus) = url.strip_prefix("eventbridge:") {
        return aws::bus(clients, bus).await;
    }
    if let Some(path) = url.strip_prefix("file:") {
        return file(Path::new(path));
    }
    Err(Failure::Usage(format!(
        "{key}: expected `sns:TOPIC-ARN`, `eventbridge:BUS` or `file:PATH`, found another form"
    )))
}

#[cfg(test)]
mod tests {
    use reelgate_flow::asset::NoticeKind;
    use reelgate_flow::ids::{AssetId, NoticeId};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_receiver_of_alerts_wants_findings_of_its_severity_and_no_seals_of_the_audit_log() {
        let dir = tempfile::tempdir().unwrap();
        let receiver = file(&dir.path().join("alerts.jsonl")).ok().unwrap();
        let notice = |kind, body| NoticeRecord {
            id: NoticeId::new("n1"),
            asset: AssetId::new("a1"),
            kind,
            body,
            tries: 0,
        };
        let found = |severity| notice(NoticeKind::Quarantined, json!({"severity": severity}));
        let sealed = notice(NoticeKind::AuditSealed, json!({"seal": {"records": 1}}));
        for severity in Severity::ALL {
            let alerts = Alerts { severity: *severity, receiver: Arc::clone(&receiver) };
            assert!(!alerts.wants(&sealed), "{}", severity.as_str());
            assert!(alerts.wants(&found("high")));
            assert_eq!(alerts.wants(&found("none")), *severity == Severity::None);
        }
        assert!(receiver.wants(&sealed));
    }
}
