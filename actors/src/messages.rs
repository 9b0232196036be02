//! Messages between the actors, named for what has happened.

use std::time::Duration;

use actix::{Message, Recipient};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_ports::records::{Claim, TaskReport};

use crate::spans::TraceParent;

/// Every actor the supervisor builds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Ingests uploads.
    Intake,
    /// Claims tasks and commits results.
    Persister,
    /// Delivers notices.
    Notifier,
    /// Reports, tests and maintains this node.
    NodeMaintenance,
    /// Runs one kind of task.
    Stage(Stage),
}

impl Role {
    /// The word used in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Persister => "persister",
            Self::Notifier => "notifier",
            Self::NodeMaintenance => "node_maintenance",
            Self::Stage(stage) => stage.as_str(),
        }
    }
}

/// The actors that run tasks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stage {
    /// Sniff, hash, inspect, plan.
    Validator,
    /// Chunks and audio.
    Transcoder,
    /// Samples and text.
    Enricher,
    /// Classifier.
    Screener,
    /// Package, publish, withdraw.
    Publisher,
}

impl Stage {
    pub const ALL: [Self; 5] =
        [Self::Validator, Self::Transcoder, Self::Enricher, Self::Screener, Self::Publisher];

    /// The word used in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validator => "validator",
            Self::Transcoder => "transcoder",
            Self::Enricher => "enricher",
            Self::Screener => "screener",
            Self::Publisher => "publisher",
        }
    }

    /// The stage that runs a task.
    pub fn of(task: TaskKey) -> Self {
        match task {
            TaskKey::Validate => Self::Validator,
            TaskKey::Video { .. } | TaskKey::Audio | TaskKey::Captions => Self::Transcoder,
            TaskKey::Enrich => Self::Enricher,
            TaskKey::Screen | TaskKey::ExternalScan => Self::Screener,
            TaskKey::Package
            | TaskKey::Publish
            | TaskKey::Withdraw
            | TaskKey::Restore
            | TaskKey::KeepSource => Self::Publisher,
        }
    }
}

/// This node has claimed a task and owns it until the lease ends.
#[derive(Message)]
#[rtype(result = "()")]
pub struct TaskClaimed {
    pub claim: Claim,
    /// Set when the result is no longer wanted.
    pub cancel: CancelFlag,
}

/// An attempt has ended.
#[derive(Message)]
#[rtype(result = "()")]
pub struct TaskEnded {
    pub report: TaskReport,
    /// The parent of its commit's span.
    pub trace_parent: TraceParent,
}

/// New uploads are in the store.
#[derive(Message)]
#[rtype(result = "()")]
pub struct UploadsIngested;

/// A commit left notices in the outbox.
#[derive(Message)]
#[rtype(result = "()")]
pub struct NoticesOwed;

/// The last tasks of this node all failed in ways that may be the machine's fault.
#[derive(Message)]
#[rtype(result = "()")]
pub struct NodeSuspected;

/// The node maintenance was built again.
#[derive(Message)]
#[rtype(result = "()")]
pub struct NodeMaintenanceReplaced(pub Recipient<NodeSuspected>);

/// An actor that the supervisor built has ended.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ActorExited {
    pub role: Role,
    /// Counts the builds of all actors.
    pub generation: u64,
    pub panicking: bool,
}

/// A stage was built again; the tasks of the old one are lost.
#[derive(Message)]
#[rtype(result = "()")]
pub struct StageReplaced {
    pub stage: Stage,
    /// The new stage's address.
    pub recipient: Recipient<TaskClaimed>,
}

/// The notifier was built again.
#[derive(Message)]
#[rtype(result = "()")]
pub struct NotifierReplaced(pub Recipient<NoticesOwed>);

/// The persister was built again.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PersisterReplaced(pub Recipient<UploadsIngested>);

/// No new work; finish what fits into the grace time, give the rest back, and end.
#[derive(Message)]
#[rtype(result = "()")]
pub struct DrainStarted {
    pub grace: Duration,
}

/// Intake and the persister have ended: no more notices will be owed and no more tasks will run. Finish what has begun, and
/// end.
#[derive(Message)]
#[rtype(result = "()")]
pub struct WorkEnded;
