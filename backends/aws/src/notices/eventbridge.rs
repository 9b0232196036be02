//! Notices as custom events on an EventBridge bus: source `reelgate`, and as detail type `reelgate.asset`, or what else they
//! concern: `reelgate.audit`, `reelgate.cost`.

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use reelgate_flow::asset::NoticeKind;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::notices::Notices;
use reelgate_ports::records::NoticeRecord;

use super::document::{document, text};
use crate::error::ApiCall;

const PUT: ApiCall = ApiCall::new(Port::Notices, "put a notice on the event bus", "events:PutEvents");
const CHECK: ApiCall = ApiCall::new(Port::Notices, "reach the event bus", "events:DescribeEventBus");

const SOURCE: &str = "reelgate";
const OF_ASSET: &str = "reelgate.asset";
const OF_AUDIT_LOG: &str = "reelgate.audit";
const OF_COST: &str = "reelgate.cost";

/// Delivers notices to an EventBridge bus.
#[derive(Clone, Debug)]
pub struct EventBridgeNotices {
    client: Client,
    bus: String,
}

impl EventBridgeNotices {
    /// Delivers to this bus, by name or ARN; `default` is the account's default bus.
    pub fn new(client: Client, bus: impl Into<String>) -> Self {
        Self { client, bus: bus.into() }
    }
}

fn detail_type(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::AuditSealed => OF_AUDIT_LOG,
        NoticeKind::CostAnomaly => OF_COST,
        _ => OF_ASSET,
    }
}

#[async_trait]
impl Notices for EventBridgeNotices {
    async fn deliver(&self, notice: &NoticeRecord) -> PortResult<()> {
        let document = document(notice)?;
        let entry = PutEventsRequestEntry::builder()
            .source(SOURCE)
            .detail_type(detail_type(notice.kind))
            .detail(text(&document))
            .event_bus_name(&self.bus)
            .build();
        let put = self.client.put_events().entries(entry).send().await.map_err(PUT.failed())?;
        // The call succeeds even if EventBridge refuses the event: the entry has the result.
        match put.entries() {
            [entry] if entry.error_code().is_none() && entry.event_id().is_some() => Ok(()),
            [entry] => Err(PUT.answered(entry.error_code(), None, None)),
            _ => Err(PortError::new(
                Port::Notices,
                ErrorKind::Unavailable,
                PUT.operation,
                "expected one result for one event, found another number",
            )),
        }
    }

    async fn check(&self) -> PortResult<String> {
        self.client.describe_event_bus().name(&self.bus).send().await.map_err(CHECK.failed())?;
        Ok("event bus reached".to_owned())
    }
}
