//! A Kinesis data stream through the SDK.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::primitives::event_stream::EventReceiver;
use aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError;
use aws_sdk_kinesis::types::{
    self, ConsumerStatus, ShardIteratorType, StartingPosition, SubscribeToShardEventStream,
};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use super::stream::{Listed, Page, Record, Refusal, Start, Stream, Subscription};
use crate::error::ApiCall;

const LIST: ApiCall = ApiCall::new(Port::Events, "list the stream's shards", "kinesis:ListShards");
const ITERATE: ApiCall = ApiCall::new(Port::Events, "begin reading a shard", "kinesis:GetShardIterator");
const READ: ApiCall = ApiCall::new(Port::Events, "read a shard", "kinesis:GetRecords");
const SUBSCRIBE: ApiCall = ApiCall::new(Port::Events, "subscribe to a shard", "kinesis:SubscribeToShard");
const DESCRIBE: ApiCall = ApiCall::new(Port::Events, "reach the stream", "kinesis:DescribeStreamSummary");
const REGISTER: ApiCall =
    ApiCall::new(Port::Events, "register the stream's consumer", "kinesis:RegisterStreamConsumer");
const CONSUMER: ApiCall =
    ApiCall::new(Port::Events, "reach the stream's consumer", "kinesis:DescribeStreamConsumer");

/// Most pages of shards that are read; a stream has at most 20,000 shards and a page 1,000.
const LIST_PAGES_MAX: usize = 100;
/// A new consumer becomes active within seconds.
const CONSUMER_CHECKS_MAX: u32 = 60;
const CONSUMER_CHECK_EVERY: Duration = Duration::from_secs(1);
/// A subscription sends an event every five seconds, even if there is no record.
const SILENCE_MAX: Duration = Duration::from_secs(30);

pub(super) struct SdkStream {
    client: Client,
    name: String,
    consumer_name: Option<String>,
    consumer_arn: OnceCell<String>,
}

impl SdkStream {
    /// A stream by name; with a consumer's name if it is read by enhanced fan-out.
    pub(super) fn new(client: Client, name: String, consumer_name: Option<String>) -> Self {
        Self { client, name, consumer_name, consumer_arn: OnceCell::new() }
    }

    /// The consumer's ARN. The first call registers the consumer if necessary.
    async fn consumer_arn(&self) -> PortResult<&String> {
        self.consumer_arn.get_or_try_init(|| self.register()).await
    }

    async fn register(&self) -> PortResult<String> {
        let name = self.consumer_name.as_deref().unwrap_or("reelgate");
        let described = self.client.describe_stream_summary().stream_name(&self.name).send().await;
        let described = described.map_err(DESCRIBE.failed())?;
        let stream_arn = described.stream_description_summary().map(|s| s.stream_arn().to_owned());
        let stream_arn = stream_arn.ok_or_else(|| incomplete(DESCRIBE))?;
        let registered = self.client.register_stream_consumer().stream_arn(&stream_arn).consumer_name(name);
        if let Err(error) = registered.send().await {
            let in_use = error.code() == Some("ResourceInUseException");
            if !in_use {
                return Err(REGISTER.error(&error));
            }
        }
        for _ in 0..CONSUMER_CHECKS_MAX {
            let consumer = self.client.describe_stream_consumer().stream_arn(&stream_arn).consumer_name(name);
            let consumer = consumer.send().await.map_err(CONSUMER.failed())?;
            let consumer = consumer.consumer_description().ok_or_else(|| incomplete(CONSUMER))?;
            if *consumer.consumer_status() == ConsumerStatus::Active {
                return Ok(consumer.consumer_arn().to_owned());
            }
            sleep(CONSUMER_CHECK_EVERY).await;
        }
        Err(PortError::new(
            Port::Events,
            ErrorKind::Unavailable,
            CONSUMER.operation,
            "expected an active consumer, found one that is not",
        ))
    }
}

#[async_trait]
impl Stream for SdkStream {
    async fn list(&self) -> PortResult<Vec<Listed>> {
        let mut listed = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..LIST_PAGES_MAX {
            // A token already names the stream.
            let name = next.is_none().then(|| self.name.clone());
            let call = self.client.list_shards().set_stream_name(name).set_next_token(next);
            let page = call.send().await.map_err(LIST.failed())?;
            listed.extend(page.shards().iter().map(from_shard));
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(listed);
            }
        }
        Err(PortError::new(
            Port::Events,
            ErrorKind::Unavailable,
            LIST.operation,
            "expected at most 100 pages of shards, found more",
        ))
    }

    async fn iterator(&self, shard: &str, start: &Start) -> Result<String, Refusal> {
        let (kind, sequence) = starting_point(start);
        let call = self.client.get_shard_iterator().stream_name(&self.name).shard_id(shard);
        let call = call.shard_iterator_type(kind).set_starting_sequence_number(sequence);
        let begun = call.send().await.map_err(|error| refusal(ITERATE, &error, start))?;
        begun.shard_iterator().map(str::to_owned).ok_or_else(|| Refusal::Other(incomplete(ITERATE)))
    }

    async fn read(&self, iterator: &str, records_max: i32) -> Result<Page, Refusal> {
        let call = self.client.get_records().shard_iterator(iterator).limit(records_max);
        let read = call.send().await.map_err(|error| refusal(READ, &error, &Start::Oldest))?;
        let next = read.next_shard_iterator().filter(|next| !next.is_empty()).map(str::to_owned);
        Ok(Page {
            ended: next.is_none(),
            next,
            children: read.child_shards().iter().map(from_child).collect(),
            behind_ms: behind_ms(read.millis_behind_latest()),
            records: read.records.into_iter().map(from_record).collect(),
        })
    }

    async fn subscribe(&self, shard: &str, start: &Start) -> Result<Box<dyn Subscription>, Refusal> {
        let arn = self.consumer_arn().await.map_err(Refusal::Other)?;
        let (kind, sequence) = starting_point(start);
        let position = StartingPosition::builder().r#type(kind).set_sequence_number(sequence).build();
        let position = position.map_err(|_| Refusal::Other(incomplete(SUBSCRIBE)))?;
        let call =
            self.client.subscribe_to_shard().consumer_arn(arn).shard_id(shard).starting_position(position);
        let subscribed = call.send().await.map_err(|error| refusal(SUBSCRIBE, &error, start))?;
        Ok(Box::new(Subscribed(subscribed.event_stream)))
    }

    async fn check(&self) -> PortResult<String> {
        let described = self.client.describe_stream_summary().stream_name(&self.name).send().await;
        let described = described.map_err(DESCRIBE.failed())?;
        let summary = described.stream_description_summary().ok_or_else(|| incomplete(DESCRIBE))?;
        let (status, shards) = (summary.stream_status().as_str(), summary.open_shard_count());
        Ok(format!("stream {} is {status} with {shards} open shards", self.name))
    }
}

struct Subscribed(EventReceiver<SubscribeToShardEventStream, SubscribeToShardEventStreamError>);

#[async_trait]
impl Subscription for Subscribed {
    async fn next(&mut self) -> Result<Option<Page>, Refusal> {
        loop {
            let Ok(received) = timeout(SILENCE_MAX, self.0.recv()).await else { return Ok(None) };
            match received {
                Ok(Some(SubscribeToShardEventStream::SubscribeToShardEvent(event))) => {
                    let children: Vec<Listed> = event.child_shards().iter().map(from_child).collect();
                    return Ok(Some(Page {
                        // The continuation's sequence number does not show this: it is also empty in pages without records.
                        ended: !children.is_empty(),
                        next: None,
                        children,
                        behind_ms: behind_ms(Some(event.millis_behind_latest())),
                        records: event.records.into_iter().map(from_record).collect(),
                    }));
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                Err(error) => return Err(Refusal::Other(SUBSCRIBE.answered(error.code(), None, None))),
            }
        }
    }
}

fn starting_point(start: &Start) -> (ShardIteratorType, Option<String>) {
    match start {
        Start::Oldest => (ShardIteratorType::TrimHorizon, None),
        Start::At(sequence) => (ShardIteratorType::AtSequenceNumber, Some(sequence.clone())),
    }
}

fn refusal<E: ProvideErrorMetadata>(call: ApiCall, error: &SdkError<E>, start: &Start) -> Refusal {
    match error.code() {
        Some("ExpiredIteratorException") => Refusal::Expired,
        Some("InvalidArgumentException") if matches!(start, Start::At(_)) => Refusal::Trimmed,
        Some("ResourceNotFoundException") => Refusal::Gone,
        _ => Refusal::Other(call.error(error)),
    }
}

fn from_shard(shard: &types::Shard) -> Listed {
    let parents = [shard.parent_shard_id(), shard.adjacent_parent_shard_id()];
    Listed {
        shard: shard.shard_id().to_owned(),
        parents: parents.into_iter().flatten().map(str::to_owned).collect(),
    }
}

fn from_child(child: &types::ChildShard) -> Listed {
    Listed { shard: child.shard_id().to_owned(), parents: child.parent_shards().to_vec() }
}

fn from_record(record: types::Record) -> Record {
    Record { sequence: record.sequence_number, bytes: record.data.into_inner() }
}

fn behind_ms(reported: Option<i64>) -> u64 {
    reported.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0)
}

fn incomplete(call: ApiCall) -> PortError {
    PortError::new(
        Port::Events,
        ErrorKind::Unavailable,
        call.operation,
        "the response lacks a required field",
    )
}
