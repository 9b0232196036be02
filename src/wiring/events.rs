//! Opens the source of upload events.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reelgate_embedded::watch::DirectoryEvents;
use reelgate_flow::ids::NodeId;
use reelgate_ports::events::Events;
use reelgate_ports::shards::Shards;

use super::access::Access;
use super::aws::{self, Aws};
use super::objects;
use crate::config::Config;
use crate::exit::Failure;

/// Opens the source of events; nothing is read before the first poll.
pub async fn open(
    config: &Config,
    node: &NodeId,
    shards: Arc<dyn Shards>,
    clients: &Aws<'_>,
    access: Access,
) -> Result<Arc<dyn Events>, Failure> {
    match address(config)? {
        Address::Stream(stream) => aws::stream(config, node, shards, clients, stream).await,
        Address::Queue(queue) => aws::queue(config, clients, queue).await,
        Address::Directory(home) => {
            let settle = Duration::from_millis(config.raw.serve.settle_ms);
            let events = match access {
                Access::Work => DirectoryEvents::new(&home, settle)?,
                Access::Inspect => DirectoryEvents::inspect(&home, settle),
            };
            Ok(Arc::new(events))
        }
    }
}

/// Proves that the address is valid.
pub fn prove(config: &Config) -> Result<(), Failure> {
    match address(config)? {
        Address::Stream(_) | Address::Queue(_) => aws::prove_ingest(config),
        Address::Directory(_) => Ok(()),
    }
}

/// What `events.url` names.
enum Address<'a> {
    Stream(&'a str),
    Queue(&'a str),
    Directory(PathBuf),
}

fn address(config: &Config) -> Result<Address<'_>, Failure> {
    let url = config.raw.events.url.reveal();
    if let Some(stream) = url.strip_prefix("kinesis://") {
        return Ok(Address::Stream(stream));
    }
    if let Some(queue) = url.strip_prefix("sqs:") {
        return Ok(Address::Queue(queue));
    }
    if url.contains("://") {
        return Err(Failure::Usage(
            "events.url: expected `kinesis://STREAM`, `sqs:QUEUE-URL` or a directory, found another form"
                .into(),
        ));
    }
    let home = if url.is_empty() { objects::directory(config) } else { url.into() };
    Ok(Address::Directory(home))
}
