//! S3's own events, through EventBridge into a stream and directly into a queue.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_eventbridge::types::Target;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Event, EventBridgeConfiguration, NotificationConfiguration, QueueConfiguration};
use aws_sdk_sqs::types::QueueAttributeName;
use reelgate_aws::events::sqs::SqsEvents;
use reelgate_ports::events::{EventBatch, Events};
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
    let notify = NotificationConfiguration::builder();
    let notify = notify.event_bridge_configuration(EventBridgeConfiguration::builder().build()).build();
    let call = s3.put_bucket_notification_configuration().bucket(&bucket);
    call.notification_configuration(notify).send().await.unwrap();
    let pattern = format!(r#"{{"source": ["aws.s3"], "detail": {{"bucket": {{"name": ["{bucket}"]}}}}}}"#);
    bridge.put_rule().name(&bucket).event_pattern(pattern).send().await.unwrap();
    let arn = format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{}", stream.name);
    let role = format!("arn:aws:iam::{ACCOUNT}:role/events");
    let target = Target::builder().id("stream").arn(arn).role_arn(role).build().unwrap();
    bridge.put_targets().rule(&bucket).targets(target).send().await.unwrap();

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
    let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{bucket}");
    let queue = QueueConfiguration::builder().queue_arn(arn).events(Event::S3ObjectCreated).build().unwrap();
    let notify = NotificationConfiguration::builder().queue_configurations(queue).build();
    let call = s3.put_bucket_notification_configuration().bucket(&bucket);
    call.notification_configuration(notify).send().await.unwrap();

    let ingest = format!("s3://{bucket}").parse().unwrap();
    let events = SqsEvents::new(sqs.clone(), url, ingest, 1);
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
