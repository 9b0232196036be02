//! Opens the source of upload events.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reelgate_embedded::paths;
use reelgate_embedded::watch::DirectoryEvents;
use reelgate_flow::ids::NodeId;
use reelgate_ports::events::Events;
use reelgate_ports::shards::Shards;

use super::access::Access;
use super::aws::{self, Aws};
use super::objects;
use crate::config::Config;
use crate::config::fleet::{KINESIS_SCHEME, SQS_SCHEME};
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

/// Where this node gets uploads from, for people.
pub fn source_of_uploads(config: &Config) -> String {
    if !config.roles.intake {
        return "taking tasks only, for this node does not have the role `intake`".into();
    }
    match address(config) {
        Ok(Address::Directory(home)) => format!("watching {}", paths::ingest_dir(&home).display()),
        Ok(Address::Stream(_) | Address::Queue(_)) | Err(_) => format!("reading {}", config.raw.events.url),
    }
}

/// `events.url`, if it names a stream or a queue.
pub fn remote(config: &Config) -> Option<&str> {
    let is_remote = matches!(address(config), Ok(Address::Stream(_) | Address::Queue(_)));
    is_remote.then(|| config.raw.events.url.reveal())
}

/// What `events.url` names.
enum Address<'a> {
    Stream(&'a str),
    Queue(&'a str),
    Directory(PathBuf),
}

fn address(config: &Config) -> Result<Address<'_>, Failure> {
    let url = config.raw.events.url.reveal();
    if let Some(stream) = url.strip_prefix(KINESIS_SCHEME) {
        return Ok(Address::Stream(stream));
    }
    if let Some(queue) = url.strip_prefix(SQS_SCHEME) {
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
