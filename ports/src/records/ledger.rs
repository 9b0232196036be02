//! The ledger: what attempts used, and what it cost.

use reelgate_cost::charge::Charge;
use reelgate_cost::daily::Finding;
use reelgate_cost::estimate::{WorkAmount, WorkKind};
use reelgate_cost::line::day_of;
use reelgate_cost::resource::Resource;
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;
use serde::{Deserialize, Serialize};

use super::budget::Asked;

/// What one attempt used, as its node counted it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AttemptCost {
    /// What the node is, as prices name it; empty where nothing has a price.
    pub node_type: String,
    /// At most one charge for each resource.
    pub charges: Vec<Charge>,
    /// The work that it was used for; `None` where that cannot be compared with other attempts.
    pub work: Option<AttemptWork>,
    /// What a validation asks for the rest of the work on its asset; `None` where nothing has a price.
    pub asked: Option<Box<Asked>>,
}

/// How much work an attempt has to do, whoever does it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AttemptWork {
    /// What tells work of one kind of task apart, such as the largest rung and the preset of an encode.
    pub part: String,
    /// What the time of the node grows with: thousands of pixels of an encode, milliseconds of sound, kibibytes of a file.
    pub units: u64,
    /// What the requests for objects grow with: files that are written or copied.
    pub files: u64,
}

impl AttemptWork {
    /// This work, in the units in which a resource grows with it.
    pub fn amount(&self, task: TaskKey, resource: Resource, node_type: &str) -> WorkAmount {
        let units = if resource == Resource::NodeTime { self.units } else { self.files };
        WorkAmount { kind: kind(task, &self.part, resource, node_type), units }
    }
}

/// A kind of work. Only the time of a node depends on what the node is.
fn kind(task: TaskKey, part: &str, resource: Resource, node_type: &str) -> WorkKind {
    let node_type = if resource == Resource::NodeTime { node_type } else { "" };
    WorkKind {
        task: task.kind().to_owned(),
        part: part.to_owned(),
        resource,
        node_type: node_type.to_owned(),
    }
}

/// What an attempt that succeeded used of one resource, and for how much work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkSample {
    /// The task.
    pub task: TaskKey,
    /// [`AttemptWork::part`].
    pub part: String,
    /// What the node is.
    pub node_type: String,
    /// What was used.
    pub resource: Resource,
    /// How much of it, in its measure.
    pub quantity: u64,
    /// For so many units of work.
    pub units: u64,
}

impl WorkSample {
    /// The work.
    pub fn amount(&self) -> WorkAmount {
        let kind = kind(self.task, &self.part, self.resource, &self.node_type);
        WorkAmount { kind, units: self.units }
    }
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
    /// [`AttemptWork::part`] of what it was used for; empty where that is not known.
    pub part: String,
    /// How much work it was used for, in the units in which the resource grows with it; 0 where that is not known.
    pub units: u64,
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
    /// Bytes of the upload, according to its event.
    pub size_bytes: u64,
}

/// After the end of a day, lines of that day may still be committed for this long, milliseconds.
const FINISH_MS: u64 = 600_000;

/// Which days are over, and up to which they are closed. Days are those of UTC, counted from 1970-01-01, on the store's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CostDays {
    /// The last of the days that are over which is closed; `None` if none is. A clock that was ahead may have closed later ones.
    pub closed: Option<u32>,
    /// The last day that is over.
    pub finished: u32,
}

impl CostDays {
    /// The last day that is over at a time in milliseconds since 1970, late lines included.
    pub fn finished_at(now_ms: u64) -> u32 {
        day_of(now_ms.saturating_sub(FINISH_MS)).saturating_sub(1)
    }
}

/// A share of a cost of one day that nobody used alone. The ledger has at most one for each day, asset, resource and type of node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareRecord {
    /// The day in UTC, counted from 1970-01-01.
    pub day: u32,
    /// Whose share it is; `None` for the whole cost of a day on which nobody worked.
    pub asset: Option<AssetId>,
    /// What the node is, as prices name it.
    pub node_type: String,
    /// What was shared, and what the share costs.
    pub charge: Charge,
}

/// A share with the key of its asset, which is empty after an erasure and where there is no asset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareRow {
    /// The share.
    pub record: ShareRecord,
    /// The key of the asset.
    pub key: String,
}

/// The end of a day of the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DayClosing {
    /// The day.
    pub day: u32,
    /// What was unusual on it.
    pub findings: Vec<Finding>,
    /// What nobody used alone on it.
    pub shares: Vec<ShareRecord>,
}
