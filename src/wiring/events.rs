//! Where uploads are learned of.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reelgate_aws::events::kinesis::{KinesisEvents, KinesisSettings};
use reelgate_aws::events::sqs::SqsEvents;
use reelgate_aws::location::Area;
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
    Ok(match address(config)? {
        Address::Stream(stream, ingest) => {
            let settings = KinesisSettings {
                fan_out: Some(config.raw.events.fan_out.clone()).filter(|name| !name.is_empty()),
                lease_ms: config.raw.engine.lease_ms,
                ..KinesisSettings::new(stream, node.clone(), ingest)
            };
            let client = reelgate_aws::clients::kinesis(aws.sdk().await);
            Arc::new(KinesisEvents::new(client, shards, settings))
        }
        Address::Queue(queue, ingest) => {
            let client = reelgate_aws::clients::sqs(aws.sdk().await);
            Arc::new(SqsEvents::new(client, queue, ingest, QUEUE_WAIT_S))
        }
        Address::Directory(home) => {
            let settle = Duration::from_millis(config.raw.serve.settle_ms);
            Arc::new(DirectoryEvents::new(&home, settle)?)
        }
    })
}

/// Proves that the address is one.
pub fn prove(config: &Config) -> Result<(), Failure> {
    address(config).map(drop)
}

/// What `events.url` names, and where the uploads lie that it tells of.
enum Address<'a> {
    Stream(&'a str, Area),
    Queue(&'a str, Area),
    Directory(PathBuf),
}

fn address(config: &Config) -> Result<Address<'_>, Failure> {
    let url = config.raw.events.url.as_str();
    if let Some(stream) = url.strip_prefix("kinesis://") {
        return Ok(Address::Stream(stream, objects::ingest(config)?));
    }
    if let Some(queue) = url.strip_prefix("sqs:") {
        return Ok(Address::Queue(queue, objects::ingest(config)?));
    }
    if url.contains("://") {
        return Err(Failure::Usage(
            "events.url: expected `kinesis://STREAM`, `sqs:QUEUE-URL` or a directory, found something else"
                .into(),
        ));
    }
    let home = if url.is_empty() { objects::directory(config) } else { url.into() };
    Ok(Address::Directory(home))
}
