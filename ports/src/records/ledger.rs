//! The ledger: what attempts used, and what it cost.

use reelgate_cost::charge::Charge;
use reelgate_cost::resource::Resource;
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;

/// What one attempt used, as its node counted it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AttemptCost {
    /// What the node is, as prices name it; empty where nothing has a price.
    pub node_type: String,
    /// At most one charge for each resource.
    pub charges: Vec<Charge>,
}

/// One line of the ledger. The ledger has at most one line for each asset, task, attempt and resource, and no line is ever changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LedgerRecord {
    /// The asset.
    pub asset: AssetId,
    /// The task.
    pub task: TaskKey,
    /// The number of the attempt.
    pub attempt: u32,
    /// When it was written, milliseconds since 1970.
    pub at_ms: u64,
    /// What the node is, as prices name it; empty where that is not known.
    pub node_type: String,
    /// What was used, and what that costs.
    pub charge: Charge,
    /// It was of no use: the attempt failed, was given back, was lost, or its report came too late.
    pub waste: bool,
}

impl LedgerRecord {
    /// Its position in the ledger's order.
    pub fn position(&self) -> LedgerPosition {
        LedgerPosition {
            asset: self.asset.clone(),
            task: self.task,
            attempt: self.attempt,
            resource: self.charge.resource,
        }
    }
}

/// A position in the ledger: assets in the order of arrival, then the text of the task, the attempt, and the resource's word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LedgerPosition {
    /// The asset.
    pub asset: AssetId,
    /// The task.
    pub task: TaskKey,
    /// The number of the attempt.
    pub attempt: u32,
    /// The resource.
    pub resource: Resource,
}

/// A line of the ledger with the key of its asset, which is empty after an erasure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LedgerRow {
    /// The line.
    pub record: LedgerRecord,
    /// The key of the asset.
    pub key: String,
}
