//! Events of uploads to S3, from a Kinesis stream or an SQS queue.

use std::sync::Arc;

use reelgate_aws::events::kinesis::{KinesisEvents, KinesisSettings};
use reelgate_aws::events::sqs::SqsEvents;
use reelgate_flow::ids::NodeId;
use reelgate_ports::events::Events;
use reelgate_ports::shards::Shards;

use super::clients::Aws;
use super::objects::ingest;
use crate::config::Config;
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
