//! The unit of work with what only this store keeps beside it: which tasks lie in which table, and their leases.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;
use reelgate_ports::unit::Work;

/// A lease as it stood when its task was loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Lease {
    pub owner: String,
    pub until_ms: u64,
    pub claimed_at_ms: u64,
    pub attempt: u32,
}

/// A unit of work of this store.
#[derive(Debug)]
pub(crate) struct Unit {
    pub work: Work,
    /// Assets that are not in the database yet.
    pub fresh: BTreeSet<AssetId>,
    /// Loaded tasks that lie in `tasks`.
    pub open: BTreeSet<(i64, TaskKey)>,
    /// Loaded tasks that lie in `tasks_settled`.
    pub settled: BTreeSet<(i64, TaskKey)>,
    /// Leases of loaded tasks.
    pub leases: BTreeMap<(i64, TaskKey), Lease>,
    /// The phase each loaded asset is counted under.
    pub counted: BTreeMap<i64, &'static str>,
}

impl Unit {
    pub(crate) fn new(now_ms: u64) -> Self {
        Self {
            work: Work::new(now_ms),
            fresh: BTreeSet::new(),
            open: BTreeSet::new(),
            settled: BTreeSet::new(),
            leases: BTreeMap::new(),
            counted: BTreeMap::new(),
        }
    }
}
