//! Whether the events of the ingest bucket have a way to the stream or queue that this fleet reads. Nothing is changed.
//!
//! Sources: Amazon S3 User Guide, "Enabling Amazon EventBridge" and "Amazon S3 Event Notifications"; EventBridge API Reference,
//! "ListRuleNamesByTarget" (rules of the default bus, to which S3 sends its events).

use aws_sdk_eventbridge::types::RuleState;
use aws_sdk_s3::types::{Event, NotificationConfiguration};
use aws_sdk_sqs::types::QueueAttributeName;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};

use crate::clients;
use crate::error::ApiCall;
use crate::location::Area;
use crate::objects::TransferSettings;

const OPERATION: &str = "look for the way of events from the ingest bucket";

/// What this fleet reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target<'a> {
    /// A stream, by its name.
    Stream(&'a str),
    /// A queue, by its address.
    Queue(&'a str),
}

/// Describes the way of the events; `Missing` if there is none, with what has to be made.
pub async fn check(
    config: &clients::SdkConfig,
    transfer: &TransferSettings,
    ingest: &Area,
    target: Target<'_>,
) -> PortResult<String> {
    let bucket = ingest.bucket.as_str();
    let s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(transfer.path_style).build();
    let request = aws_sdk_s3::Client::from_conf(s3).get_bucket_notification_configuration().bucket(bucket);
    let request = request.set_expected_bucket_owner(transfer.owners.get(bucket).cloned());
    let call = ApiCall::new(Port::Events, OPERATION, "s3:GetBucketNotification");
    let answer = request.send().await.map_err(call.failed())?;
    let notifications = NotificationConfiguration::builder()
        .set_queue_configurations(answer.queue_configurations)
        .set_topic_configurations(answer.topic_configurations)
        .set_event_bridge_configuration(answer.event_bridge_configuration)
        .build();
    let arn = arn(config, target).await?;
    if let Some(way) = direct(&notifications, &arn, target) {
        return Ok(way.into());
    }
    if notifications.event_bridge_configuration().is_none() {
        return Err(missing(format!(
            "expected EventBridge to be on for the bucket {bucket}, found it off; turn it on with \
             `aws s3api put-bucket-notification-configuration`"
        )));
    }
    rule(config, ingest, &arn).await
}

/// The way without EventBridge: the bucket notifies the queue, or a topic, which may have the queue as its subscriber.
fn direct(notifications: &NotificationConfiguration, arn: &str, target: Target<'_>) -> Option<&'static str> {
    let Target::Queue(_) = target else { return None };
    let creates =
        |events: &[Event]| events.iter().any(|event| event.as_str().starts_with("s3:ObjectCreated:"));
    let by_queue = notifications.queue_configurations().iter();
    if by_queue.into_iter().any(|one| one.queue_arn() == arn && creates(one.events())) {
        return Some("the ingest bucket notifies the queue");
    }
    let by_topic = notifications.topic_configurations().iter().any(|one| creates(one.events()));
    by_topic
        .then_some("the ingest bucket notifies a topic; whether the queue subscribes to it was not looked at")
}

/// A rule of EventBridge that is on, about new objects of this bucket, with this target. Whether one sends restorations too
/// is told: without it, an upload that was archived begins again only when an operator redrives it.
async fn rule(config: &clients::SdkConfig, ingest: &Area, arn: &str) -> PortResult<String> {
    let client = clients::eventbridge(config);
    let call = ApiCall::new(Port::Events, OPERATION, "events:ListRuleNamesByTarget");
    let named = client.list_rule_names_by_target().target_arn(arn).send().await.map_err(call.failed())?;
    let (mut uploads, mut restorations) = (None, false);
    for name in named.rule_names() {
        let call = ApiCall::new(Port::Events, OPERATION, "events:DescribeRule");
        let rule = client.describe_rule().name(name).send().await.map_err(call.failed())?;
        let Some(pattern) = rule.event_pattern().filter(|_| rule.state() != Some(&RuleState::Disabled))
        else {
            continue;
        };
        if uploads.is_none() && sends(&client, pattern, &event(ingest, "Object Created")).await? {
            uploads = Some(name);
        }
        restorations =
            restorations || sends(&client, pattern, &event(ingest, "Object Restore Completed")).await?;
    }
    if let Some(name) = uploads {
        let advice = if restorations {
            ""
        } else {
            "; no rule sends `Object Restore Completed`: uploads that were archived must be redriven by hand"
        };
        return Ok(format!(
            "EventBridge is on for the ingest bucket, and the rule {name} sends new uploads here{advice}"
        ));
    }
    Err(missing(format!(
        "expected an enabled rule of EventBridge that sends `Object Created` of the bucket {} to {arn}, found none",
        ingest.bucket
    )))
}

/// Whether a rule with this pattern sends this event.
async fn sends(client: &aws_sdk_eventbridge::Client, pattern: &str, event: &str) -> PortResult<bool> {
    let call = ApiCall::new(Port::Events, OPERATION, "events:TestEventPattern");
    let tested = client.test_event_pattern().event_pattern(pattern).event(event).send().await;
    Ok(tested.map_err(call.failed())?.result())
}

/// An event as S3 sends it, about an object that need not exist.
fn event(ingest: &Area, detail_type: &str) -> String {
    let Area { bucket, .. } = ingest;
    let object = serde_json::json!({
        "key": ingest.key("reelgate-check.mp4"), "size": 1, "etag": "00", "version-id": "1", "sequencer": "00"
    });
    serde_json::json!({
        "version": "0", "id": "00000000-0000-0000-0000-000000000000", "source": "aws.s3", "detail-type": detail_type,
        "account": "111122223333", "time": "2026-01-01T00:00:00Z", "region": "eu-west-1",
        "resources": [format!("arn:aws:s3:::{bucket}")],
        "detail": {"version": "0", "bucket": {"name": bucket}, "object": object, "reason": "PutObject"}
    })
    .to_string()
}

async fn arn(config: &clients::SdkConfig, target: Target<'_>) -> PortResult<String> {
    let arn = match target {
        Target::Stream(name) => {
            let call = ApiCall::new(Port::Events, OPERATION, "kinesis:DescribeStreamSummary");
            let client = clients::kinesis(config);
            let found =
                client.describe_stream_summary().stream_name(name).send().await.map_err(call.failed())?;
            found.stream_description_summary.map(|summary| summary.stream_arn)
        }
        Target::Queue(url) => {
            let call = ApiCall::new(Port::Events, OPERATION, "sqs:GetQueueAttributes");
            let request = clients::sqs(config).get_queue_attributes().queue_url(url);
            let found =
                request.attribute_names(QueueAttributeName::QueueArn).send().await.map_err(call.failed())?;
            found.attributes.and_then(|mut all| all.remove(&QueueAttributeName::QueueArn))
        }
    };
    arn.ok_or_else(|| {
        PortError::new(Port::Events, ErrorKind::Unavailable, OPERATION, "the answer names no ARN")
    })
}

fn missing(detail: String) -> PortError {
    PortError::new(Port::Events, ErrorKind::Missing, OPERATION, detail)
}
