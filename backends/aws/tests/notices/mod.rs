//! Notices, configuration and signals, with real calls of the SDK.

mod scaling;

use aws_sdk_sqs::types::QueueAttributeName;
use reelgate_aws::config::{ParameterFlag, parameters};
use reelgate_aws::notices::{EventBridgeNotices, SnsNotices};
use reelgate_aws::signal::FleetMetrics;
use reelgate_flow::asset::NoticeKind;
use reelgate_flow::ids::{AssetId, NoticeId};
use reelgate_ports::error::ErrorKind;
use reelgate_ports::machine::FleetValue;
use reelgate_ports::notices::Notices;
use reelgate_ports::pause_flag::PauseFlag;
use reelgate_ports::records::NoticeRecord;
use reelgate_signals::fleet::{self, FleetMetric};
use reelgate_stand_ins::ministack::Auth;
use reelgate_stand_ins::{ACCOUNT, LocalStack, Ministack, REGION, fresh_name};
use serde_json::{Value, json};

use crate::peers::{config, eventually};

fn notice(id: &str, kind: NoticeKind) -> NoticeRecord {
    let body = json!({
        "schema": 1, "state": kind.as_str(), "verdict": "clean", "severity": "none",
        "source": {"bucket": "ingest", "key_sha256": "0123", "version": "7"},
    });
    NoticeRecord { id: NoticeId::new(id), asset: AssetId::new("asset1"), kind, body, tries: 0 }
}

/// A notice that concerns no asset.
fn sealed(id: &str) -> NoticeRecord {
    let body = json!({"schema": 1, "at_ms": 1, "seal": {"records": 7, "head": "0123"}});
    let (id, kind) = (NoticeId::new(id), NoticeKind::AuditSealed);
    NoticeRecord { id, asset: AssetId::new(""), kind, body, tries: 0 }
}

/// A queue: its client, URL and ARN.
struct Queue {
    sqs: aws_sdk_sqs::Client,
    url: String,
    arn: String,
}

impl Queue {
    async fn new(config: &aws_config::SdkConfig, name: &str) -> Self {
        let sqs = aws_sdk_sqs::Client::new(config);
        let mut call = sqs.create_queue().queue_name(name);
        if name.ends_with(".fifo") {
            call = call.attributes(QueueAttributeName::FifoQueue, "true");
        }
        let url = call.send().await.unwrap().queue_url().unwrap().to_owned();
        Self { sqs, url, arn: format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}") }
    }

    async fn next(&self) -> Value {
        eventually("a message arrives", async || {
            let call = self.sqs.receive_message().queue_url(&self.url).wait_time_seconds(1);
            let received = call.send().await.unwrap();
            let message = received.messages().first()?.clone();
            let receipt = message.receipt_handle().unwrap();
            self.sqs.delete_message().queue_url(&self.url).receipt_handle(receipt).send().await.unwrap();
            serde_json::from_str(message.body()?).ok()
        })
        .await
    }

    async fn is_empty(&self) -> bool {
        let call = self.sqs.receive_message().queue_url(&self.url).wait_time_seconds(1);
        call.send().await.unwrap().messages().is_empty()
    }
}

#[tokio::test]
async fn a_subscriber_of_a_topic_gets_the_notices_that_match_its_filter_on_localstack() {
    let localstack = LocalStack::shared();
    let config = config(localstack.endpoint()).await;
    let (sns, name) = (aws_sdk_sns::Client::new(&config), fresh_name("notices"));
    let queue = Queue::new(&config, &name).await;
    let topic = sns.create_topic().name(&name).send().await.unwrap().topic_arn().unwrap().to_owned();
    let subscribe = sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(&queue.arn);
    let subscribe =
        subscribe.attributes("FilterPolicy", r#"{"kind": ["quarantined"], "bucket": ["ingest"]}"#);
    subscribe.send().await.unwrap();

    let notices = SnsNotices::new(sns.clone(), &topic);
    notices.deliver(&notice("n1", NoticeKind::Published)).await.unwrap();
    notices.deliver(&notice("n2", NoticeKind::Quarantined)).await.unwrap();
    let message = queue.next().await;
    let body: Value = serde_json::from_str(message["Message"].as_str().unwrap()).unwrap();
    assert_eq!((&body["id"], &body["kind"]), (&json!("n2"), &json!("quarantined")));
    assert_eq!(message["MessageAttributes"]["schema"], json!({"Type": "Number", "Value": "1"}));
    assert!(queue.is_empty().await, "the other notice does not match this subscriber's filter");
    assert!(notices.check().await.unwrap().starts_with("topic reached"));
    let nowhere = SnsNotices::new(sns, format!("{topic}-none"));
    assert_eq!(nowhere.check().await.unwrap_err().kind, ErrorKind::Missing);
}

#[tokio::test]
async fn a_fifo_topic_delivers_a_repeated_notice_once_on_localstack() {
    let localstack = LocalStack::shared();
    let config = config(localstack.endpoint()).await;
    let (sns, name) = (aws_sdk_sns::Client::new(&config), format!("{}.fifo", fresh_name("ordered")));
    let queue = Queue::new(&config, &name).await;
    let topic = sns.create_topic().name(&name).attributes("FifoTopic", "true").send().await.unwrap();
    let topic = topic.topic_arn().unwrap().to_owned();
    sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(&queue.arn).send().await.unwrap();
    let notices = SnsNotices::new(sns, topic);
    for id in ["n1", "n1", "n2"] {
        notices.deliver(&notice(id, NoticeKind::Published)).await.unwrap();
    }
    notices.deliver(&sealed("n3")).await.unwrap();
    for id in ["n1", "n2", "n3"] {
        let body: Value = serde_json::from_str(queue.next().await["Message"].as_str().unwrap()).unwrap();
        assert_eq!(body["id"], id);
    }
    assert!(queue.is_empty().await);
}

#[tokio::test]
async fn a_rule_of_the_event_bus_matches_the_kind_of_a_notice_on_localstack() {
    let localstack = LocalStack::shared();
    let config = config(localstack.endpoint()).await;
    let (bridge, name) = (aws_sdk_eventbridge::Client::new(&config), fresh_name("bus"));
    let queue = Queue::new(&config, &name).await;
    bridge.create_event_bus().name(&name).send().await.unwrap();
    let pattern = r#"{"source": ["reelgate"], "detail": {"kind": ["failed", "audit_sealed"]}}"#;
    let rule = bridge.put_rule().name(&name).event_bus_name(&name).event_pattern(pattern);
    rule.send().await.unwrap();
    let target = aws_sdk_eventbridge::types::Target::builder().id("queue").arn(&queue.arn).build().unwrap();
    bridge.put_targets().rule(&name).event_bus_name(&name).targets(target).send().await.unwrap();
    let notices = EventBridgeNotices::new(bridge, &name);
    notices.deliver(&notice("n1", NoticeKind::Published)).await.unwrap();
    notices.deliver(&notice("n2", NoticeKind::Failed)).await.unwrap();
    let event = queue.next().await;
    assert_eq!((&event["detail"]["id"], &event["detail-type"]), (&json!("n2"), &json!("reelgate.asset")));
    notices.deliver(&sealed("n3")).await.unwrap();
    let event = queue.next().await;
    assert_eq!((&event["detail"]["id"], &event["detail-type"]), (&json!("n3"), &json!("reelgate.audit")));
    assert_eq!(notices.check().await.unwrap(), "event bus reached");
}

#[tokio::test]
async fn parameters_of_every_page_and_depth_are_read_and_decrypted_on_localstack() {
    let localstack = LocalStack::shared();
    let ssm = aws_sdk_ssm::Client::new(&config(localstack.endpoint()).await);
    let path = format!("/{}/test", fresh_name("reelgate"));
    let put = async |name: String, value: &str, kind: aws_sdk_ssm::types::ParameterType| {
        ssm.put_parameter().name(name).value(value).r#type(kind).send().await.unwrap();
    };
    for n in 0..12 {
        put(format!("{path}/limits/n{n}"), "1", aws_sdk_ssm::types::ParameterType::String).await;
    }
    put(format!("{path}/database/url"), "postgres://secret", aws_sdk_ssm::types::ParameterType::SecureString)
        .await;
    put(format!("{path}2/other"), "x", aws_sdk_ssm::types::ParameterType::String).await;
    let found = parameters(&ssm, &path).await.unwrap();
    assert_eq!((found.0.len(), found.0["database/url"].as_str()), (13, "postgres://secret"));
    assert!(!format!("{found:?}").contains("secret"));
    assert!(parameters(&ssm, "/nobody/here").await.unwrap().0.is_empty());
}

#[tokio::test]
async fn a_flag_is_set_while_its_parameter_exists_on_localstack() {
    let localstack = LocalStack::shared();
    let ssm = aws_sdk_ssm::Client::new(&config(localstack.endpoint()).await);
    let path = format!("/{}/test", fresh_name("reelgate"));
    let flag = ParameterFlag::below(ssm.clone(), &path);
    assert_eq!(flag.reason().await.unwrap(), None);
    let name = format!("{path}/flags/pause-heavy");
    assert_eq!(flag.name(), name);
    let put = ssm.put_parameter().name(&name).value("budget spent");
    put.r#type(aws_sdk_ssm::types::ParameterType::String).send().await.unwrap();
    assert_eq!(flag.reason().await.unwrap().as_deref(), Some("budget spent"));
    ssm.delete_parameter().name(&name).send().await.unwrap();
    assert_eq!(flag.reason().await.unwrap(), None);
}

#[tokio::test]
async fn the_metrics_of_the_fleet_arrive_with_their_dimensions_on_ministack() {
    // The pinned LocalStack does not support the protocol that the SDK uses for CloudWatch (RPC v2, CBOR).
    let ministack = Ministack::start(Auth::Open);
    let watch = aws_sdk_cloudwatch::Client::new(&config(ministack.endpoint()).await);
    let value = |metric: FleetMetric, of: Option<&'static str>, value: f64| FleetValue {
        metric: metric.as_str(),
        dimension: metric.dimension().map(|(name, _)| name).zip(of),
        is_seconds: metric.is_seconds(),
        is_basic: metric.is_basic(of),
        value,
    };
    let mut values: Vec<FleetValue> =
        fleet::all().into_iter().map(|(metric, of)| value(metric, of, 1.5)).collect();
    values[0].value = f64::NAN;
    for (only_basic, expected) in [(true, 3), (false, fleet::all().len() - 1)] {
        let fleet = fresh_name("fleet");
        FleetMetrics::new(watch.clone(), &fleet, only_basic).put(&values).await.unwrap();
        let found = eventually("the metrics are listed", async || {
            let listed = watch.list_metrics().namespace("Reelgate").send().await.unwrap();
            let ours = |m: &&aws_sdk_cloudwatch::types::Metric| {
                m.dimensions().iter().any(|d| d.value() == Some(&fleet))
            };
            let found: Vec<_> = listed.metrics().iter().filter(ours).cloned().collect();
            (!found.is_empty()).then_some(found)
        })
        .await;
        assert_eq!(found.len(), expected, "a value that is not finite is skipped: {found:?}");
        let heavy = |m: &aws_sdk_cloudwatch::types::Metric| {
            m.metric_name() == Some("SecondsOfWorkLeftPerNode")
                && m.dimensions().iter().any(|d| d.name() == Some("Lane") && d.value() == Some("heavy"))
        };
        assert!(found.iter().any(heavy), "{found:?}");
    }
}
