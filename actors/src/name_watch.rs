//! Notices that another process reports under the name of this node. Each of the two would take the other's tasks for those
//! of an earlier process of its own.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reelgate_flow::ids::NodeId;
use reelgate_ports::records::NodeRecord;
use tokio::time::Instant;

/// How long a sighting counts. The row of the node holds the report of whichever process reported last, so that a look at
/// it does not always see the other process.
const SIGHTING: Duration = Duration::from_secs(120);

/// See the module.
pub struct NameWatch {
    process: String,
    reported: AtomicBool,
    seen: Mutex<Option<Instant>>,
}

impl Default for NameWatch {
    fn default() -> Self {
        let random = RandomState::new().build_hasher().finish();
        Self { process: format!("{random:016x}"), reported: AtomicBool::new(false), seen: Mutex::new(None) }
    }
}

impl NameWatch {
    /// The mark of this process in its reports.
    pub fn process(&self) -> &str {
        &self.process
    }

    /// The store has a report of this process.
    pub fn reported(&self) {
        self.reported.store(true, Ordering::Relaxed);
    }

    /// Whether a look at the nodes that begins now can tell: before the first report the row holds that of an earlier process.
    pub fn can_tell(&self) -> bool {
        self.reported.load(Ordering::Relaxed)
    }

    /// Looks at the nodes. After a report of this process, only another one that runs can have reported under its name.
    pub fn look(&self, node: &NodeId, nodes: &[NodeRecord]) {
        let is_other = |record: &&NodeRecord| {
            let process = record.report.process.as_str();
            record.report.node == *node && !process.is_empty() && process != self.process
        };
        if nodes.iter().find(is_other).is_none() {
            return;
        }
        if self.seen().replace(Instant::now()).is_none_or(|seen| seen.elapsed() > SIGHTING) {
            tracing::error!(
                %node,
                "another process reports under the name of this node, and each may take the other's tasks: give every node its \
                 own node.name"
            );
        }
    }

    /// What an operator must know, if another process was seen lately.
    pub fn warning(&self) -> Option<&'static str> {
        let is_shared = self.seen().is_some_and(|seen| seen.elapsed() <= SIGHTING);
        is_shared.then_some("another process reports under this name: give every node its own node.name")
    }

    fn seen(&self) -> MutexGuard<'_, Option<Instant>> {
        // A time is written at once.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
