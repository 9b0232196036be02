//! The backends on AWS in a build without the feature `aws`: the same functions, each of which refuses and names the build
//! that has them.

use std::marker::PhantomData;
use std::sync::Arc;

use figment::providers::Serialized;
use reelgate_actors::scan_batcher::ScanBatcher;
use reelgate_flow::ids::NodeId;
use reelgate_ports::events::{DeadLetters, Events};
use reelgate_ports::external_scanner::ExternalScanner;
use reelgate_ports::machine::Machine;
use reelgate_ports::notices::Notices;
use reelgate_ports::objects::Objects;
use reelgate_ports::pause_flag::PauseFlag;
use reelgate_ports::seal_keeper::SealKeeper;
use reelgate_ports::shards::Shards;

use super::access::Access;
use crate::config::Config;
use crate::config::fleet::AwsRaw;
use crate::exit::Failure;

/// The refusal of a setting or verb that needs AWS.
pub fn absent(what: &str) -> Failure {
    Failure::Usage(format!(
        "{what}: expected a build with the AWS backends, found one without; build it with `make build`"
    ))
}

/// No client is ever created.
pub struct Aws<'a>(PhantomData<&'a Config>);

impl<'a> Aws<'a> {
    pub fn new(_: &'a Config) -> Self {
        Self(PhantomData)
    }
}

/// Refused: `aws.parameters` names parameters of Systems Manager.
pub async fn parameters(_: &AwsRaw) -> Result<Serialized<()>, Failure> {
    Err(absent("aws.parameters"))
}

/// No flag: it would be a parameter.
pub async fn pause_flag(_: &Config, _: &Aws<'_>) -> Result<Option<Arc<dyn PauseFlag>>, Failure> {
    Ok(None)
}

/// AWS knows nobody.
pub async fn caller(_: &Config) -> Result<Option<String>, Failure> {
    Ok(None)
}

/// Refused: the address is in S3.
pub async fn open_objects(_: &Config, _: &Aws<'_>, _: Access) -> Result<Arc<dyn Objects>, Failure> {
    Err(absent("objects.url"))
}

/// Refused: the address is in S3.
pub fn ingest_prefix(_: &Config, _: &str) -> Result<String, Failure> {
    Err(absent("import"))
}

/// Refused: the events are of a Kinesis stream.
pub async fn stream(
    _: &Config,
    _: &NodeId,
    _: Arc<dyn Shards>,
    _: &Aws<'_>,
    _: &str,
) -> Result<Arc<dyn Events>, Failure> {
    Err(absent("events.url"))
}

/// Refused: the events are of an SQS queue.
pub async fn queue(_: &Config, _: &Aws<'_>, _: &str) -> Result<Arc<dyn Events>, Failure> {
    Err(absent("events.url"))
}

/// Refused: streams and queues carry events of S3.
pub fn prove_ingest(_: &Config) -> Result<(), Failure> {
    Err(absent("events.url"))
}

/// No dead-letter queue, unless the configuration asks for one.
pub async fn dead_letters(config: &Config, _: &Aws<'_>) -> Result<Option<Arc<dyn DeadLetters>>, Failure> {
    if config.raw.events.dead_letters.is_empty() { Ok(None) } else { Err(absent("events.dead_letters")) }
}

/// Refused: the events are of S3.
pub async fn check_route(_: &Config, _: &Aws<'_>, _: &str) -> Result<String, Failure> {
    Err(absent("events.url"))
}

/// Refused: the receiver is a topic of SNS.
pub async fn topic(_: &Aws<'_>, _: &str) -> Result<Arc<dyn Notices>, Failure> {
    Err(absent("notices.urls"))
}

/// Refused: the receiver is a bus of EventBridge.
pub async fn bus(_: &Aws<'_>, _: &str) -> Result<Arc<dyn Notices>, Failure> {
    Err(absent("notices.urls"))
}

/// No machine, unless the configuration asks for one.
pub async fn machine(config: &Config, _: &Aws<'_>) -> Result<Option<Arc<dyn Machine>>, Failure> {
    let node = &config.raw.node;
    let asked =
        node.ec2 || node.autoscaling || !node.ec2_endpoint.is_empty() || !node.cloudwatch_fleet.is_empty();
    if asked { Err(absent("node")) } else { Ok(None) }
}

/// Refused: the seal is in S3.
pub async fn open_seal(_: &Config, _: &Aws<'_>) -> Result<Arc<dyn SealKeeper>, Failure> {
    Err(absent("store.audit_seal"))
}

/// No scanner, unless the configuration asks for one.
pub async fn open_scanner(config: &Config, _: &Aws<'_>) -> Result<Option<Arc<dyn ExternalScanner>>, Failure> {
    if config.raw.aws.macie.area.is_empty() { Ok(None) } else { Err(absent("aws.macie.area")) }
}

/// No batcher, because there is no scanner.
pub fn scan_batcher(_: &Config, _: Option<Arc<dyn ExternalScanner>>) -> Result<Option<ScanBatcher>, Failure> {
    Ok(None)
}
