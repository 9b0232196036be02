//! The contents of the memory store: ordered maps, and the few indexes that its calls need.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use reelgate_cost::node::NodeRate;
use reelgate_flow::asset::TaskState;
use reelgate_flow::facts::MediaFacts;
use reelgate_flow::ids::{AssetId, NodeId, NoticeId, ReceiverName};
use reelgate_flow::left_out::LeftOut;
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::events::RefusedEvent;
use reelgate_ports::records::{
    AccountSums, AssetBudget, AuditRecord, Decision, ExternalScanEvent, FindingRecord, HeavyPause,
    HistoryRecord, LedgerRecord, NodeReport, NoticeRecord, ProducerMetadata, Proposal, RenditionRecord,
    ShareRecord, TaskJob,
};
use reelgate_ports::shards::ShardRow;
use reelgate_ports::store::Product;
use serde_json::Value;

use crate::session::ProducerQueue;
use crate::work::{AssetRow, Deletion, TaskExtra};

/// An asset with everything that the store holds about it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub row: AssetRow,
    pub extras: BTreeMap<TaskKey, TaskExtra>,
    pub facts: Option<MediaFacts>,
    pub metadata: ProducerMetadata,
    pub products: BTreeMap<TaskKey, Product>,
    pub jobs: BTreeMap<TaskKey, TaskJob>,
    pub renditions: Vec<RenditionRecord>,
    pub left_out: Option<Vec<LeftOut>>,
    pub findings: Vec<FindingRecord>,
    pub redaction: Option<Value>,
    pub decisions: Vec<Decision>,
    pub proposal: Option<Proposal>,
    pub reminded_ms: u64,
    pub history: Vec<HistoryRecord>,
    /// The times at which the current attempts were claimed.
    pub claimed_ms: BTreeMap<TaskKey, u64>,
}

impl Stored {
    pub(super) fn new(row: AssetRow) -> Self {
        Self {
            row,
            extras: BTreeMap::new(),
            facts: None,
            metadata: ProducerMetadata::new(),
            products: BTreeMap::new(),
            jobs: BTreeMap::new(),
            renditions: Vec::new(),
            left_out: None,
            findings: Vec::new(),
            redaction: None,
            decisions: Vec::new(),
            proposal: None,
            reminded_ms: 0,
            history: Vec::new(),
            claimed_ms: BTreeMap::new(),
        }
    }
}

/// A row of the outbox: a notice, who gets it, since when it is owed, and when it is due.
#[derive(Clone, Debug)]
pub(super) struct Owed {
    pub notice: NoticeRecord,
    /// `None` until it is addressed.
    pub receiver: Option<ReceiverName>,
    pub owed_ms: u64,
    pub due_ms: u64,
}

impl Owed {
    /// Whether it is this receiver's delivery of this notice.
    pub(super) fn is(&self, receiver: &ReceiverName, id: &NoticeId) -> bool {
        self.receiver.as_ref() == Some(receiver) && self.notice.id == *id
    }
}

/// A node's latest report, and whether an operator ordered it to drain.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub report: NodeReport,
    pub first_seen_ms: u64,
    pub seen_ms: u64,
    pub drain_ordered: bool,
}

/// The position of a waiting task in the order of claims: urgency, queue position and arrival of its asset, name of its
/// kind, and key.
pub(super) type ClaimPosition = (u8, u64, i64, &'static str, TaskKey);

/// Everything that the store holds.
#[derive(Debug, Default)]
pub(super) struct State {
    /// In order of arrival; the asset with number 1 is the first.
    pub assets: Vec<Stored>,
    pub arrivals: BTreeMap<AssetId, i64>,
    pub by_key: BTreeMap<String, BTreeSet<i64>>,
    /// Assets by the family of their names.
    pub by_family: BTreeMap<String, BTreeSet<i64>>,
    pub by_content: BTreeMap<String, BTreeSet<i64>>,
    pub by_link: BTreeMap<AssetId, BTreeSet<i64>>,
    /// Tasks that are to be done and not leased.
    pub waiting: BTreeMap<Lane, BTreeSet<ClaimPosition>>,
    /// Leased tasks by the time at which their lease expires.
    pub leased: BTreeSet<(u64, i64, TaskKey)>,
    pub queue_ends: BTreeMap<ProducerQueue, u64>,
    /// By [`Deletion::identity`], with the time when each was kept.
    pub deletions: BTreeMap<(String, String, String), (Deletion, u64)>,
    /// By the finding's id, with the time when each was kept.
    pub scans: BTreeMap<String, (ExternalScanEvent, u64)>,
    /// Findings about unknown assets by the finding's id, with the time when each was kept.
    pub unlinked: BTreeMap<String, (ExternalScanEvent, u64)>,
    /// By location, with the time when each was kept.
    pub refused: BTreeMap<String, (RefusedEvent, u64)>,
    pub outbox: BTreeMap<u64, Owed>,
    pub notices: u64,
    pub unsealed: VecDeque<(String, HistoryRecord)>,
    pub audit: Vec<AuditRecord>,
    /// By asset, text of the task, attempt, and word of the resource.
    pub ledger: BTreeMap<(i64, String, u32, &'static str), LedgerRecord>,
    /// Shares by day, arrival of the asset (0: none), word of the resource, and type of the node.
    pub shares: BTreeMap<ShareKey, ShareRecord>,
    /// From when until when each process of a node was up on a day, by node, process and day.
    pub uptimes: BTreeMap<(NodeId, String, u32), (NodeRate, u64, u64)>,
    /// Days of the ledger that are closed.
    pub closed_days: BTreeSet<u32>,
    /// The money of assets, by arrival.
    pub budgets: BTreeMap<i64, AssetBudget>,
    /// By name.
    pub accounts: BTreeMap<String, AccountSums>,
    /// How many records of the audit log the last announced seal covers.
    pub announced_records: u64,
    /// Whether the rule of two people was on at the last decision.
    pub two_people: bool,
    pub nodes: BTreeMap<NodeId, Node>,
    pub heavy_pause: Option<HeavyPause>,
    /// By stream and shard, each with the epoch of its lease.
    pub shards: BTreeMap<(String, String), (ShardRow, u64)>,
}

/// The key of a share.
pub type ShareKey = (u32, i64, &'static str, String);

impl State {
    /// The key of a share; `None` if its asset is unknown.
    pub(super) fn share_key(&self, share: &ShareRecord) -> Option<ShareKey> {
        let arrival = match &share.asset {
            Some(asset) => *self.arrivals.get(asset)?,
            None => 0,
        };
        Some((share.day, arrival, share.charge.resource.as_str(), share.node_type.clone()))
    }

    /// The asset with this number.
    pub(super) fn at(&self, arrival: i64) -> Option<&Stored> {
        self.assets.get(index(arrival)?)
    }

    /// The asset with this number, to be changed.
    pub(super) fn at_mut(&mut self, arrival: i64) -> Option<&mut Stored> {
        self.assets.get_mut(index(arrival)?)
    }

    /// The asset with this id.
    pub(super) fn find(&self, id: &AssetId) -> Option<&Stored> {
        self.at(*self.arrivals.get(id)?)
    }

    /// Adds a task to the index in which claims or reaping find it.
    pub(super) fn index_task(&mut self, arrival: i64, task: TaskKey) {
        let Some((position, lease_ms)) = self.position(arrival, task) else { return };
        match lease_ms {
            Some(until_ms) => {
                self.leased.insert((until_ms, arrival, task));
            }
            None => {
                self.waiting.entry(task.lane()).or_default().insert(position);
            }
        }
    }

    /// Removes a task from the index to which [`State::index_task`] added it.
    pub(super) fn forget_task(&mut self, arrival: i64, task: TaskKey) {
        let Some((position, lease_ms)) = self.position(arrival, task) else { return };
        match lease_ms {
            Some(until_ms) => self.leased.remove(&(until_ms, arrival, task)),
            None => self.waiting.get_mut(&task.lane()).is_some_and(|waiting| waiting.remove(&position)),
        };
    }

    /// The position of a task that is to be done, and when its lease expires if it has one.
    fn position(&self, arrival: i64, task: TaskKey) -> Option<(ClaimPosition, Option<u64>)> {
        let stored = self.at(arrival)?;
        stored.row.core.tasks.get(&task).filter(|record| record.state == TaskState::Ready)?;
        let lease_ms = stored.extras.get(&task)?.lease.as_ref().map(|lease| lease.until_ms);
        Some(((task.urgency(), stored.row.queue_position, arrival, task.kind(), task), lease_ms))
    }

    /// Adds a line to an asset's history and to what waits for the audit log.
    pub(super) fn add_history(&mut self, arrival: i64, line: HistoryRecord) {
        let Some(stored) = self.at_mut(arrival) else { return };
        let id = stored.row.id.as_str().to_owned();
        stored.history.push(line.clone());
        self.unsealed.push_back((id, line));
    }
}

fn index(arrival: i64) -> Option<usize> {
    usize::try_from(arrival).ok()?.checked_sub(1)
}
