//! What one node, the elected one, tells CloudWatch about the whole fleet. Each of these metrics costs money every month, so
//! there are few, and their number does not depend on that of the nodes.

use reelgate_flow::asset::Phase;
use reelgate_flow::task::Lane;

/// Where they are in CloudWatch.
pub const NAMESPACE: &str = "Reelgate";
/// The dimension that names the fleet.
pub const FLEET: &str = "Fleet";
/// Most metrics of a fleet.
pub const METRICS_MAX: usize = 40;

/// A metric of the fleet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FleetMetric {
    SecondsOfWorkLeftPerNode,
    OldestNoticeSeconds,
    Nodes,
    TasksReady,
    TasksLeased,
    Assets,
    NoticesOwed,
}

/// States of nodes that are counted: what a node says of itself, and `lost` where it says nothing any more.
pub const NODE_STATES: [&str; 5] = ["working", "draining", "leaving", "unfit", "lost"];
/// States that need a person, if they last. A lost node is replaced by its group.
pub const BROKEN_STATES: [&str; 1] = ["unfit"];

impl FleetMetric {
    pub const ALL: [Self; 7] = [
        Self::SecondsOfWorkLeftPerNode,
        Self::OldestNoticeSeconds,
        Self::Nodes,
        Self::TasksReady,
        Self::TasksLeased,
        Self::Assets,
        Self::NoticesOwed,
    ];

    /// Its name in CloudWatch.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecondsOfWorkLeftPerNode => "SecondsOfWorkLeftPerNode",
            Self::OldestNoticeSeconds => "OldestNoticeSeconds",
            Self::Nodes => "Nodes",
            Self::TasksReady => "TasksReady",
            Self::TasksLeased => "TasksLeased",
            Self::Assets => "Assets",
            Self::NoticesOwed => "NoticesOwed",
        }
    }

    /// Whether it is in seconds; otherwise it is a count.
    pub fn is_seconds(self) -> bool {
        matches!(self, Self::SecondsOfWorkLeftPerNode | Self::OldestNoticeSeconds)
    }

    /// Name and values of its dimension beside the fleet.
    pub fn dimension(self) -> Option<(&'static str, Vec<&'static str>)> {
        match self {
            Self::SecondsOfWorkLeftPerNode | Self::TasksReady | Self::TasksLeased => {
                Some(("Lane", Lane::ALL.iter().map(|lane| lane.as_str()).collect()))
            }
            Self::Nodes => Some(("State", NODE_STATES.to_vec())),
            Self::Assets => Some(("Phase", Phase::ALL.iter().map(|phase| phase.as_str()).collect())),
            Self::OldestNoticeSeconds | Self::NoticesOwed => None,
        }
    }

    /// Whether a fleet that reports only what scaling and alarms need reports this value.
    pub fn is_basic(self, value: Option<&str>) -> bool {
        match self {
            Self::SecondsOfWorkLeftPerNode | Self::OldestNoticeSeconds => true,
            Self::Nodes => value.is_some_and(|state| BROKEN_STATES.contains(&state)),
            _ => false,
        }
    }
}

/// Every metric with each value of its dimension, as CloudWatch counts and bills them.
pub fn all() -> Vec<(FleetMetric, Option<&'static str>)> {
    let of = |metric: FleetMetric| match metric.dimension() {
        None => vec![(metric, None)],
        Some((_, values)) => values.into_iter().map(|value| (metric, Some(value))).collect(),
    };
    FleetMetric::ALL.into_iter().flat_map(of).collect()
}
