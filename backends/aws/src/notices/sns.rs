//! Notices to an SNS topic, with attributes for subscribers' filters.

use async_trait::async_trait;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use reelgate_flow::asset::NoticeKind;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::notices::Notices;
use reelgate_ports::records::NoticeRecord;
use serde_json::{Map, Value};

use super::document::{document, text};
use crate::error::ApiCall;

const PUBLISH: ApiCall = ApiCall::new(Port::Notices, "publish a notice to the topic", "sns:Publish");
const CHECK: ApiCall = ApiCall::new(Port::Notices, "reach the topic", "sns:GetTopicAttributes");

/// Members of a notice that become message attributes. `bucket` is added from the notice's `source`.
const ATTRIBUTES: [&str; 4] = ["kind", "state", "severity", "verdict"];

/// Delivers notices to an SNS topic.
#[derive(Clone, Debug)]
pub struct SnsNotices {
    client: Client,
    topic_arn: String,
}

impl SnsNotices {
    /// Delivers to this topic. A topic whose name ends with `.fifo` keeps the order within an asset and of the seals of the
    /// audit log, and drops a repeat within five minutes.
    pub fn new(client: Client, topic_arn: impl Into<String>) -> Self {
        Self { client, topic_arn: topic_arn.into() }
    }

    fn is_fifo(&self) -> bool {
        self.topic_arn.ends_with(".fifo")
    }
}

#[async_trait]
impl Notices for SnsNotices {
    async fn deliver(&self, notice: &NoticeRecord) -> PortResult<()> {
        let document = document(notice)?;
        let mut call = self.client.publish().topic_arn(&self.topic_arn).message(text(&document));
        for (name, kind, value) in attributes(&document) {
            let attribute = MessageAttributeValue::builder().data_type(kind).string_value(value).build();
            let attribute = attribute.map_err(|_| {
                PortError::new(
                    Port::Notices,
                    ErrorKind::Invalid,
                    PUBLISH.operation,
                    "expected an attribute with a type, found none",
                )
            })?;
            call = call.message_attributes(name, attribute);
        }
        if self.is_fifo() {
            call = call.message_group_id(group(notice)).message_deduplication_id(notice.id.as_str());
        }
        call.send().await.map(drop).map_err(PUBLISH.failed())
    }

    async fn check(&self) -> PortResult<String> {
        let found = self.client.get_topic_attributes().topic_arn(&self.topic_arn).send().await;
        let found = found.map_err(CHECK.failed())?;
        let confirmed = found.attributes().and_then(|all| all.get("SubscriptionsConfirmed"));
        Ok(format!("topic reached, {} subscriptions", confirmed.map_or("?", String::as_str)))
    }
}

/// What a FIFO topic keeps in order: the notices of an asset, those about the audit log, or those about unusual costs.
fn group(notice: &NoticeRecord) -> &str {
    let asset = notice.asset.as_str();
    match notice.kind {
        _ if !asset.is_empty() => asset,
        NoticeKind::CostAnomaly => "cost",
        _ => "audit",
    }
}

/// Name, SNS data type and value of every attribute. Empty values are left out, because SNS does not allow them.
fn attributes(document: &Map<String, Value>) -> Vec<(&'static str, &'static str, String)> {
    let mut attributes = Vec::new();
    let mut add = |name, kind, value: Option<String>| {
        attributes.extend(value.filter(|value| !value.is_empty()).map(|value| (name, kind, value)));
    };
    for name in ATTRIBUTES {
        add(name, "String", document.get(name).and_then(Value::as_str).map(str::to_owned));
    }
    let bucket = document.get("source").and_then(|source| source.get("bucket")).and_then(Value::as_str);
    add("bucket", "String", bucket.map(str::to_owned));
    add("schema", "Number", document.get("schema").and_then(Value::as_u64).map(|schema| schema.to_string()));
    attributes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn subscribers_can_filter_by_the_state_of_an_asset() {
        let document = json!({
            "kind": "published", "state": "published", "severity": "none", "verdict": "", "schema": 1,
            "source": {"bucket": "ingest", "version": "7"},
        });
        let found = attributes(document.as_object().unwrap());
        let expected = [
            ("kind", "String", "published"),
            ("state", "String", "published"),
            ("severity", "String", "none"),
            ("bucket", "String", "ingest"),
            ("schema", "Number", "1"),
        ];
        assert_eq!(found, expected.map(|(name, kind, value)| (name, kind, value.to_owned())));
    }
}
