//! Events of uploads to S3, from a Kinesis stream or an SQS queue.

use std::sync::Arc;

use reelgate_aws::events::dead_letters::DeadLetterQueue;
use reelgate_aws::events::kinesis::{KinesisEvents, KinesisSettings};
use reelgate_aws::events::route::{self, Target};
use reelgate_aws::events::sqs::SqsEvents;
use reelgate_flow::ids::NodeId;
use reelgate_ports::events::{DeadLetters, Events};
use reelgate_ports::shards::Shards;

use super::clients::{Aws, transfer};
use super::objects::ingest;
use crate::config::Config;
use crate::config::fleet::{KINESIS_SCHEME, SQS_SCHEME};
use crate::exit::Failure;

/// Longest time that a queue waits for a message before it answers, seconds.
const QUEUE_WAIT_S: u8 = 5;

/// The events of a stream.
pub async fn stream(
    config: &Config,
    node: &NodeId,
    shards: Arc<dyn Shards>,
    aws: &Aws<'_>,
    stream: &str,
) -> Result<Arc<dyn Events>, Failure> {
    let settings = KinesisSettings {
        fan_out: Some(config.raw.events.fan_out.clone()).filter(|name| !name.is_empty()),
        lease_ms: config.raw.engine.lease_ms,
        ..KinesisSettings::new(stream, node.clone(), ingest(config)?)
    };
    let client = reelgate_aws::clients::kinesis(aws.sdk().await);
    Ok(Arc::new(KinesisEvents::new(client, shards, settings)))
}

/// The events of a queue.
pub async fn queue(config: &Config, aws: &Aws<'_>, queue: &str) -> Result<Arc<dyn Events>, Failure> {
    let ingest = ingest(config)?;
    let client = reelgate_aws::clients::sqs(aws.sdk().await);
    Ok(Arc::new(SqsEvents::new(client, queue, ingest, QUEUE_WAIT_S)))
}

/// Proves that the ingest area is in S3, which a stream or queue of events needs.
pub fn prove_ingest(config: &Config) -> Result<(), Failure> {
    ingest(config).map(drop)
}

/// The dead-letter queue, where one is configured.
pub async fn dead_letters(config: &Config, aws: &Aws<'_>) -> Result<Option<Arc<dyn DeadLetters>>, Failure> {
    if config.raw.events.dead_letters.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(dead_letter_queue(config, aws).await?)))
}

/// Moves the messages of the dead-letter queue back to this stream or queue; returns how many.
pub async fn redrive_dead_letters(config: &Config, source: &str) -> Result<u64, Failure> {
    let aws = Aws::new(config);
    let queue = dead_letter_queue(config, &aws).await?;
    Ok(queue.redrive(aws.sdk().await, target(source)).await?)
}

async fn dead_letter_queue(config: &Config, aws: &Aws<'_>) -> Result<DeadLetterQueue, Failure> {
    let url = config.raw.events.dead_letters.reveal().strip_prefix(SQS_SCHEME).ok_or_else(|| {
        Failure::Usage("events.dead_letters: expected `sqs:QUEUE-URL`, found none or another form".into())
    })?;
    Ok(DeadLetterQueue::new(aws.sdk().await, url))
}

fn target(source: &str) -> Target<'_> {
    match source.strip_prefix(KINESIS_SCHEME) {
        Some(stream) => Target::Stream(stream),
        None => Target::Queue(source.strip_prefix(SQS_SCHEME).unwrap_or(source)),
    }
}

/// Describes the way of events from the ingest bucket to this stream or queue.
pub async fn check_route(config: &Config, aws: &Aws<'_>, source: &str) -> Result<String, Failure> {
    let ingest = ingest(config)?;
    Ok(route::check(aws.sdk().await, &transfer(config, [ingest.bucket.as_str()]), &ingest, target(source))
        .await?)
}
