//! The unit of work and what only this store adds to it: the table of each task, and the leases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reelgate_flow::ids::AssetId;
use reelgate_flow::policy::Policy;
use reelgate_flow::task::TaskKey;
use reelgate_store::work::UnitOfWork;

/// A lease at the time when its task was loaded.
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
    pub work: UnitOfWork,
    /// The time of this call comes from another clock than the database's.
    pub given: bool,
    /// Assets that are not in the database yet.
    pub fresh: BTreeSet<AssetId>,
    /// Loaded tasks that are in `open_tasks`.
    pub open: BTreeSet<(i64, TaskKey)>,
    /// Loaded tasks that are in `settled_tasks`.
    pub settled: BTreeSet<(i64, TaskKey)>,
    /// Leases of loaded tasks.
    pub leases: BTreeMap<(i64, TaskKey), Lease>,
    /// Container and duration (nanoseconds) of the media, where they are known.
    pub media: BTreeMap<i64, (String, u64)>,
    /// The phase each loaded asset is counted under.
    pub counted: BTreeMap<i64, &'static str>,
}

impl Unit {
    /// A unit at the given time; otherwise at the database's time, which is known once the first asset is loaded.
    pub(crate) fn new(given_ms: Option<u64>, now_ms: u64, policy: Arc<Policy>) -> Self {
        Self {
            work: UnitOfWork::new(given_ms.unwrap_or(now_ms), policy),
            given: given_ms.is_some(),
            fresh: BTreeSet::new(),
            open: BTreeSet::new(),
            settled: BTreeSet::new(),
            leases: BTreeMap::new(),
            media: BTreeMap::new(),
            counted: BTreeMap::new(),
        }
    }
}
