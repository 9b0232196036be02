//! S3's own events, through EventBridge into a stream and directly into a queue.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_eventbridge::types::{RuleState, Target as RuleTarget};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Event, EventBridgeConfiguration, NotificationConfiguration, QueueConfiguration};
use aws_sdk_sqs::types::QueueAttributeName;
use reelgate_aws::events::dead_letters::DeadLetterQueue;
use reelgate_aws::events::route::{self, Target};
use reelgate_aws::events::sqs::SqsEvents;
use reelgate_aws::location::Area;
use reelgate_aws::objects::TransferSettings;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::{DeadLetters, EventBatch, Events};
use reelgate_ports::records::EventKind;
use reelgate_stand_ins::{ACCOUNT, LocalStack, REGION, fresh_name};

use super::stream::{Ledger, TestStream, reader_with};
use crate::peers::{config, eventually};

/// Keys that are the same encoded and raw. LocalStack encodes keys in EventBridge's envelopes, but AWS does not.
const PLAIN_KEYS: [&str; 3] = ["studio-a/episode-01_final.mov", "a.mp4", "b/c/d~e.mov"];
const KEYS: [&str; 3] = ["studio-a/Episode 01+final (é).mov", "a%2Fb", "ü/фильм 🎬.mov"];

fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

async fn put(s3: &aws_sdk_s3::Client, bucket: &str, key: &str) {
    let body = ByteStream::from_static(b"12345");
    s3.put_object().bucket(bucket).key(key).body(body).send().await.unwrap();
}

/// Polls until `wanted` events have arrived. Passes each batch to `commit`, then acknowledges it.
async fn collect(events: &dyn Events, wanted: usize, commit: impl AsyncFn(&EventBatch)) -> EventBatch {
    let mut all = EventBatch::default();
    eventually("the events of S3 arrive", async || {
        let batch = events.poll(10).await.unwrap();
        if !batch.is_empty() {
            commit(&batch).await;
            events.acknowledge(&batch).await.unwrap();
        }
        all.refused.extend(batch.refused);
        all.events.extend(batch.events);
        (all.events.len() >= wanted).then_some(())
    })
    .await;
    all
}

#[tokio::test]
async fn uploads_and_deletions_arrive_through_eventbridge_and_kinesis_on_localstack() {
    let localstack = LocalStack::shared();
    let config = config(localstack.endpoint()).await;
    let (s3, bridge) = (s3(&config), aws_sdk_eventbridge::Client::new(&config));
    let stream = TestStream::at(localstack.endpoint(), 2).await;
    let bucket = fresh_name("ingest");
    s3.create_bucket().bucket(&bucket).send().await.unwrap();
    let ingest: Area = format!("s3://{bucket}").parse().unwrap();
    let transfer = TransferSettings { path_style: true, ..TransferSettings::default() };
    let route = async || route::check(&config, &transfer, &ingest, Target::Stream(&stream.name)).await;
    let lacks = async |what: &str| {
        let error = route().await.unwrap_err();
        assert!(error.kind == ErrorKind::Missing && error.detail.contains(what), "{error}");
    };
    lacks("expected EventBridge to be on").await;
    let notify = NotificationConfiguration::builder();
    let notify = notify.event_bridge_configuration(EventBridgeConfiguration::builder().build()).build();
    let call = s3.put_bucket_notification_configuration().bucket(&bucket);
    call.notification_configuration(notify).send().await.unwrap();
    lacks("expected an enabled rule").await;
    let pattern = |bucket: &str| {
        format!(r#"{{"source": ["aws.s3"], "detail": {{"bucket": {{"name": ["{bucket}"]}}}}}}"#)
    };
    bridge.put_rule().name(&bucket).event_pattern(pattern("another")).send().await.unwrap();
    let arn = format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{}", stream.name);
    let role = format!("arn:aws:iam::{ACCOUNT}:role/events");
    let target = RuleTarget::builder().id("stream").arn(arn).role_arn(role).build().unwrap();
    bridge.put_targets().rule(&bucket).targets(target).send().await.unwrap();
    lacks("expected an enabled rule").await;
    let ours = bridge.put_rule().name(&bucket).event_pattern(pattern(&bucket));
    ours.clone().state(RuleState::Disabled).send().await.unwrap();
    lacks("expected an enabled rule").await;
    ours.state(RuleState::Enabled).send().await.unwrap();
    assert!(route().await.unwrap().contains(&bucket), "it names the rule");

    let ledger = Ledger::default();
    let mut settings = stream.settings("a");
    settings.ingest = format!("s3://{bucket}").parse().unwrap();
    let events = reader_with(stream.client.clone(), settings, &ledger);
    // Longer than a partition key may be.
    let long = "k".repeat(1_000);
    let keys: Vec<&str> = PLAIN_KEYS.into_iter().chain([long.as_str()]).collect();
    for key in &keys {
        put(&s3, &bucket, key).await;
    }
    s3.delete_object().bucket(&bucket).key(PLAIN_KEYS[0]).send().await.unwrap();
    let all = collect(&events, keys.len() + 1, async |batch| ledger.commit(batch).await.unwrap()).await;

    assert_eq!(all.refused, []);
    let (created, deleted): (Vec<_>, Vec<_>) = all.events.iter().partition(|e| e.kind == EventKind::Created);
    let found: BTreeSet<&str> = created.iter().map(|event| event.source.key.as_str()).collect();
    assert_eq!(found, keys.into_iter().collect());
    assert!(
        created.iter().all(|e| e.source.version == "etag-827ccb0eea8a706c4c34a16891f84e7b"),
        "MD5 of 12345"
    );
    assert!(created.iter().all(|event| event.size_bytes == 5));
    assert_eq!((deleted.len(), deleted[0].source.key.as_str()), (1, PLAIN_KEYS[0]));
}

#[tokio::test]
async fn uploads_arrive_through_a_queue_with_their_keys_decoded_once_on_localstack() {
    let localstack = LocalStack::shared();
    let config = config(localstack.endpoint()).await;
    let (s3, sqs) = (s3(&config), aws_sdk_sqs::Client::new(&config));
    let bucket = fresh_name("queued");
    let made = sqs.create_queue().queue_name(&bucket);
    let made = made.attributes(QueueAttributeName::VisibilityTimeout, "600").send().await.unwrap();
    let url = made.queue_url().unwrap();
    s3.create_bucket().bucket(&bucket).send().await.unwrap();
    let ingest: Area = format!("s3://{bucket}").parse().unwrap();
    let transfer = TransferSettings { path_style: true, ..TransferSettings::default() };
    let route = async || route::check(&config, &transfer, &ingest, Target::Queue(url)).await;
    assert_eq!(route().await.unwrap_err().kind, ErrorKind::Missing);
    let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{bucket}");
    let queue = QueueConfiguration::builder().queue_arn(arn).events(Event::S3ObjectCreated).build().unwrap();
    let notify = NotificationConfiguration::builder().queue_configurations(queue).build();
    let call = s3.put_bucket_notification_configuration().bucket(&bucket);
    call.notification_configuration(notify).send().await.unwrap();

    assert_eq!(route().await.unwrap(), "the ingest bucket notifies the queue");
    let events = SqsEvents::new(sqs.clone(), url, ingest.clone(), 1);
    for key in KEYS {
        put(&s3, &bucket, key).await;
    }
    let abandoned = eventually("the first message arrives", async || {
        let batch = events.poll(1).await.unwrap();
        (!batch.events.is_empty()).then_some(batch)
    })
    .await;
    events.abandon(&abandoned).await.unwrap();
    let all = collect(&events, KEYS.len(), async |_| ()).await;
    let found: BTreeSet<&str> = all.events.iter().map(|event| event.source.key.as_str()).collect();
    assert_eq!((found, all.refused.len()), (KEYS.into(), 0));
    let checked = events.check().await.unwrap();
    assert_eq!(checked, "queue reached, about 0 messages");
    assert!(events.poll(1).await.unwrap().is_empty(), "acknowledged messages are not delivered again");
}

#[tokio::test]
async fn a_kept_message_stays_hidden_longer_than_the_queue_hides_it_on_localstack() {
    let localstack = LocalStack::shared();
    let config = config(localstack.endpoint()).await;
    let sqs = aws_sdk_sqs::Client::new(&config);
    let made = sqs.create_queue().queue_name(fresh_name("kept"));
    let made = made.attributes(QueueAttributeName::VisibilityTimeout, "1").send().await.unwrap();
    let url = made.queue_url().unwrap();
    sqs.send_message().queue_url(url).message_body("no event").send().await.unwrap();
    let events = SqsEvents::new(sqs.clone(), url, "s3://ingest".parse().unwrap(), 1);
    let batch = events.poll(1).await.unwrap();
    assert_eq!(batch.refused.len(), 1);
    events.keep(&batch).await.unwrap();
    for _ in 0..3 {
        assert!(events.poll(1).await.unwrap().is_empty(), "it was delivered again");
    }
    events.abandon(&batch).await.unwrap();
    let again = eventually("it is delivered again", async || {
        let batch = events.poll(1).await.unwrap();
        (!batch.is_empty()).then_some(batch)
    })
    .await;
    assert_eq!(again.refused.len(), 1);
}

#[tokio::test]
async fn dead_letters_go_back_to_the_stream_or_queue_and_none_is_deleted_before_on_localstack() {
    let localstack = LocalStack::shared();
    let config = config(localstack.endpoint()).await;
    let sqs = aws_sdk_sqs::Client::new(&config);
    let make = async |name: &str| {
        let made = sqs.create_queue().queue_name(fresh_name(name));
        let made = made.attributes(QueueAttributeName::VisibilityTimeout, "1").send().await.unwrap();
        made.queue_url.unwrap()
    };
    let (dead, queue) = (make("dead").await, make("alive").await);
    let letters = DeadLetterQueue::new(&config, &dead);
    let event = |key: &str| {
        let object = serde_json::json!({"key": key, "size": 5, "etag": "ab", "sequencer": "01"});
        let detail = serde_json::json!({"bucket": {"name": "ingest"}, "object": object});
        serde_json::json!({"source": "aws.s3", "detail-type": "Object Created", "detail": detail}).to_string()
    };
    for number in 0..12 {
        let send = sqs.send_message().queue_url(&dead).message_body(event(&number.to_string()));
        send.send().await.unwrap();
    }
    let nowhere = letters.redrive(&config, Target::Stream(&fresh_name("no-stream"))).await.unwrap_err();
    assert_eq!(nowhere.kind, ErrorKind::Missing, "{nowhere}");
    eventually("every letter is visible again", async || {
        (letters.waiting().await.unwrap() == 12).then_some(())
    })
    .await;
    assert_eq!(letters.redrive(&config, Target::Queue(&queue)).await.unwrap(), 12);
    assert_eq!(letters.waiting().await.unwrap(), 0);
    let events = SqsEvents::new(sqs.clone(), &queue, "s3://ingest".parse().unwrap(), 1);
    let all = collect(&events, 12, async |_| ()).await;
    let found: BTreeSet<&str> = all.events.iter().map(|event| event.source.key.as_str()).collect();
    assert_eq!(found.len(), 12, "{found:?}");

    let stream = TestStream::at(localstack.endpoint(), 1).await;
    let ledger = Ledger::default();
    let mut settings = stream.settings("a");
    settings.ingest = "s3://ingest".parse().unwrap();
    let events = reader_with(stream.client.clone(), settings, &ledger);
    sqs.send_message().queue_url(&dead).message_body(event("streamed")).send().await.unwrap();
    assert_eq!(letters.redrive(&config, Target::Stream(&stream.name)).await.unwrap(), 1);
    let all = collect(&events, 1, async |batch| ledger.commit(batch).await.unwrap()).await;
    assert_eq!(all.events[0].source.key, "streamed");
}
