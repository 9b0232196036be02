//! Rows of assets and tasks in a unit of work.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::asset::{Asset, NoticeKind, TaskState};
use reelgate_flow::facts::MediaFacts;
use reelgate_flow::ids::AssetId;
use reelgate_flow::left_out::LeftOut;
use reelgate_flow::surface::SurfaceReport;
use reelgate_flow::task::TaskKey;

use reelgate_ports::order::Priority;
use reelgate_ports::records::{
    AssetRecord, Decision, FindingRecord, Principal, ProducerMetadata, Proposal, RenditionRecord,
    SourceRecord, StagedOutput, TaskJob, TaskReport,
};

/// An asset's own row. `core` holds its tasks too, once they are loaded.
#[derive(Clone, Debug)]
pub struct AssetRow {
    /// Its number in the order of arrival, from 1; 0 before it is written.
    pub arrival: i64,
    /// The asset's id, derived from its upload.
    pub id: AssetId,
    /// Bucket, key, version, sequencer and size of the upload, and where its bytes are now.
    pub source: SourceRecord,
    /// SHA-256 of the key, lower-case hexadecimal.
    pub key_sha256: String,
    /// It is processed even if another asset has the same content.
    pub forced: bool,
    /// SHA-256 of the content, lower-case hexadecimal; `None` before validation has read it.
    pub sha256: Option<String>,
    /// The core's state of the asset.
    pub core: Asset,
    /// The original with the same content whose result it shares.
    pub linked_to: Option<AssetId>,
    /// Where its outputs are visible; `None` if they are not.
    pub published_location: Option<String>,
    /// When it was ingested, milliseconds since 1970.
    pub received_ms: u64,
    /// When it ended, milliseconds since 1970; `None` before it ends.
    pub ended_ms: Option<u64>,
    /// Number of lines in its history.
    pub history_lines: u64,
    /// The priority of its tasks among those of all producers.
    pub priority: Priority,
    /// Its position in the queue, see [`reelgate_ports::order`]; smaller is earlier.
    pub queue_position: u64,
}

impl AssetRow {
    /// Whether it is older than another version of its key. Versions break ties between equal sequencers, so that every
    /// order of arrival has the same result.
    pub fn is_older_than(&self, other: &Self) -> bool {
        let order = |row: &Self| (row.source.sequencer.clone(), row.source.id.version.clone());
        order(self) < order(other)
    }

    /// The number that makes a notice's id differ from an earlier notice of the same kind: how often the asset began again,
    /// or the time for a reminder. An asset that failed may fail again while it is withdrawn, without beginning again.
    pub fn notice_number(&self, kind: NoticeKind, now_ms: u64) -> u64 {
        let redrives = u64::from(self.core.redrives);
        match kind {
            NoticeKind::ReviewDue => now_ms,
            NoticeKind::Failed => {
                let withdraw = self.core.tasks.get(&TaskKey::Withdraw);
                redrives | (withdraw.map_or(0, |task| u64::from(task.attempts)) << 32)
            }
            _ => redrives,
        }
    }

    /// The column of its surfaces.
    pub fn surfaces_text(&self) -> String {
        serde_json::json!(self.core.surfaces).to_string()
    }

    /// Parses the text of [`AssetRow::surfaces_text`].
    pub fn parse_surfaces(text: &str) -> Option<Vec<SurfaceReport>> {
        serde_json::from_str(text).ok()
    }

    /// The row as queries and notices show it.
    pub fn record(&self) -> AssetRecord {
        AssetRecord {
            id: self.id.clone(),
            source: self.source.clone(),
            sha256: self.sha256.clone(),
            phase: self.core.phase,
            verdict: self.core.verdict,
            severity: self.core.severity,
            surfaces: self.core.surfaces.clone(),
            flags: self.core.flags,
            reason: self.core.reason.clone(),
            linked_to: self.linked_to.clone(),
            published_location: self.published_location.clone(),
            received_ms: self.received_ms,
            ended_ms: self.ended_ms,
            redrives: self.core.redrives,
        }
    }
}

/// The right of a node to work on a task until a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The id of the node that owns it.
    pub owner: String,
    /// When it expires, milliseconds since 1970.
    pub until_ms: u64,
}

/// What a task's row holds besides the core's [`TaskRecord`](reelgate_flow::asset::TaskRecord).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskExtra {
    /// Its lease, if it is claimed.
    pub lease: Option<Lease>,
    /// When it becomes due, milliseconds since 1970.
    pub ready_at_ms: u64,
    /// Wall-clock milliseconds of all its attempts.
    pub wall_ms: u64,
    /// CPU milliseconds of all its attempts.
    pub cpu_ms: u64,
    /// Largest resident size of all its attempts, bytes.
    pub memory_bytes_max: u64,
}

impl TaskExtra {
    /// A task that was never started.
    pub fn due(ready_at_ms: u64) -> Self {
        Self { lease: None, ready_at_ms, wall_ms: 0, cpu_ms: 0, memory_bytes_max: 0 }
    }
}

/// An asset and its tasks within a unit of work.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its own row, changed by the steps so far.
    pub row: AssetRow,
    /// What its tasks' rows hold besides the core's records.
    pub extras: BTreeMap<TaskKey, TaskExtra>,
    /// Tasks whose rows must be written.
    pub touched: BTreeSet<TaskKey>,
    /// Its own row must be written, not only the columns named below.
    pub changed: bool,
    /// The hash of its content must be written.
    pub hashed: bool,
    /// Its number of history lines must be written.
    pub history_added: bool,
}

impl Loaded {
    pub(super) fn new(row: AssetRow) -> Self {
        Self {
            row,
            extras: BTreeMap::new(),
            touched: BTreeSet::new(),
            changed: false,
            hashed: false,
            history_added: false,
        }
    }

    /// The fence: this attempt is the current one and this node still owns its lease, even if it has expired.
    pub(super) fn holds_lease(&self, report: &TaskReport) -> bool {
        let task = report.fence.task;
        let lease = self.extras.get(&task).and_then(|extra| extra.lease.as_ref());
        let current = self.row.core.tasks.get(&task).is_some_and(|record| {
            record.attempts == report.fence.attempt
                && record.state == TaskState::Ready
                && record.answered < report.fence.attempt
        });
        current && lease.is_some_and(|lease| lease.owner == report.node.as_str())
    }

    /// Marks a task's row to be written, without its lease and due at `ready_at_ms`.
    pub(super) fn touch(&mut self, task: TaskKey, ready_at_ms: u64) {
        let extra = self.extras.entry(task).or_insert_with(|| TaskExtra::due(ready_at_ms));
        extra.ready_at_ms = ready_at_ms;
        extra.lease = None;
        self.touched.insert(task);
    }
}

/// A result to write that is no part of the core's state.
#[derive(Clone, PartialEq, Debug)]
pub enum LearnedFact {
    /// What a finished task left for later stages.
    Product {
        /// The asset of the task.
        asset: AssetId,
        /// The task that left it.
        task: TaskKey,
        /// The attempt that was committed.
        attempt: u32,
        /// Its result document.
        result: serde_json::Value,
        /// The files it staged, in order.
        outputs: Vec<StagedOutput>,
    },
    /// The jobs of the asset's media tasks; they replace those of an earlier plan.
    Jobs(AssetId, Vec<TaskJob>),
    /// Container, tracks and duration, as inspection found them.
    Facts(AssetId, Box<MediaFacts>),
    /// What the producer says about the upload; it replaces what an earlier attempt read.
    Metadata(AssetId, ProducerMetadata),
    /// What was packaged; it replaces what an earlier attempt packaged.
    Packaged {
        /// The asset.
        asset: AssetId,
        /// The renditions.
        renditions: Vec<RenditionRecord>,
        /// The tracks and caption files that are not in them.
        left_out: Vec<LeftOut>,
    },
    /// All findings of screening; they replace earlier ones.
    Findings(AssetId, Vec<FindingRecord>),
    /// Findings of an external scanner or of another look at the content, to be joined with those that are stored
    /// ([`join`](reelgate_ports::external_scanner::findings::join)).
    MoreFindings(AssetId, Vec<FindingRecord>),
    /// What the next encode leaves out.
    Redaction(AssetId, serde_json::Value),
    /// The next encode of the asset leaves out what that of an `original` with the same content leaves out.
    SameRedaction {
        /// The asset.
        asset: AssetId,
        /// The other asset, whose redaction is written already.
        original: AssetId,
    },
    /// A decision of an operator or a security officer, and the second person who approved it.
    Decision(AssetId, Decision, Option<Principal>),
    /// The proposal that waits for a second person from now on, if any.
    Proposal(AssetId, Option<Proposal>),
    /// The asset is erased: its key, and every row that holds text of it, must be removed.
    Erased(AssetId),
}

impl LearnedFact {
    /// The asset it belongs to.
    pub fn asset(&self) -> &AssetId {
        match self {
            Self::Product { asset: id, .. }
            | Self::Packaged { asset: id, .. }
            | Self::SameRedaction { asset: id, .. }
            | Self::Jobs(id, _)
            | Self::Facts(id, _)
            | Self::Metadata(id, _)
            | Self::Findings(id, _)
            | Self::MoreFindings(id, _)
            | Self::Redaction(id, _)
            | Self::Decision(id, ..)
            | Self::Proposal(id, _)
            | Self::Erased(id) => id,
        }
    }
}
