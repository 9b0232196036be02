//! Where uploads are learned of.

use std::sync::Arc;
use std::time::Duration;

use reelgate_aws::events::kinesis::{KinesisEvents, KinesisSettings};
use reelgate_aws::events::sqs::SqsEvents;
use reelgate_embedded::watch::DirectoryEvents;
use reelgate_flow::ids::NodeId;
use reelgate_ports::events::Events;
use reelgate_ports::shards::Shards;

use super::aws::Aws;
use super::objects;
use crate::config::Config;
use crate::exit::Failure;

/// Seconds that a queue holds an empty answer back.
const QUEUE_WAIT_S: u8 = 5;

/// Opens the source of events; nothing is read before the first poll.
pub async fn open(
    config: &Config,
    node: &NodeId,
    shards: Arc<dyn Shards>,
    aws: &Aws<'_>,
) -> Result<Arc<dyn Events>, Failure> {
    let raw = &config.raw.events;
    if let Some(stream) = raw.url.strip_prefix("kinesis://") {
        let settings = KinesisSettings {
            fan_out: Some(raw.fan_out.clone()).filter(|name| !name.is_empty()),
            lease_ms: config.raw.engine.lease_ms,
            ..KinesisSettings::new(stream, node.clone(), objects::ingest(config)?)
        };
        let client = reelgate_aws::clients::kinesis(aws.sdk().await);
        return Ok(Arc::new(KinesisEvents::new(client, shards, settings)));
    }
    if let Some(queue) = raw.url.strip_prefix("sqs:") {
        let client = reelgate_aws::clients::sqs(aws.sdk().await);
        return Ok(Arc::new(SqsEvents::new(client, queue, objects::ingest(config)?, QUEUE_WAIT_S)));
    }
    if raw.url.contains("://") {
        return Err(Failure::Usage(
            "events.url: expected `kinesis://STREAM`, `sqs:QUEUE-URL` or a directory, found something else"
                .into(),
        ));
    }
    let home = if raw.url.is_empty() { objects::directory(config) } else { raw.url.clone().into() };
    let settle = Duration::from_millis(config.raw.serve.settle_ms);
    Ok(Arc::new(DirectoryEvents::new(&home, settle)?))
}
