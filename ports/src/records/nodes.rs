//! What nodes report about themselves, and what a store knows of them.

use reelgate_cost::node::NodeRate;
use reelgate_flow::ids::NodeId;
use reelgate_flow::task::Lane;
use serde::{Deserialize, Serialize};

use super::principal::Principal;

/// What a node reports about itself with every heartbeat.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NodeReport {
    /// Its name.
    pub node: NodeId,
    /// Tells two processes with the same name apart. Empty in the reports of older versions.
    #[serde(default)]
    pub process: String,
    /// Its roles: `intake`, `light`, `heavy`.
    pub roles: Vec<String>,
    /// Version of the program.
    pub version: String,
    /// Tasks it may have in flight, by lane.
    pub capacity: Vec<(Lane, u16)>,
    /// Tasks it has in flight, by lane.
    pub in_flight: Vec<(Lane, u16)>,
    /// `working`, `draining`, `unfit`, `stopped` …
    pub state: String,
    /// Reason for the state; empty if it needs none.
    pub reason: String,
    /// Mean duration and number of its finished tasks, by stage.
    pub costs: Vec<StageCost>,
    /// What its time costs; `None` where that has no price, and in the reports of older versions.
    #[serde(default)]
    pub rate: Option<NodeRate>,
}

/// What the tasks of a stage cost on a node.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StageCost {
    /// `validate`, `transcode` …
    pub stage: String,
    /// Finished tasks measured.
    pub tasks: u64,
    /// Their mean wall-clock milliseconds.
    pub wall_ms: u64,
}

/// An order to the whole fleet: begin no heavy work. Events are still ingested, and light work goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeavyPause {
    /// Why.
    pub reason: String,
    /// Who ordered it.
    pub by: Principal,
    /// Since when, milliseconds since 1970 on the store's clock.
    pub since_ms: u64,
}

/// A node as the store knows it.
#[derive(Clone, PartialEq, Debug)]
pub struct NodeRecord {
    /// The last report.
    pub report: NodeReport,
    /// First seen, milliseconds since 1970 on the store's clock.
    pub first_seen_ms: u64,
    /// Milliseconds since the last report, on the store's clock.
    pub silent_ms: u64,
    /// An operator ordered the node to drain.
    pub drain_ordered: bool,
}
