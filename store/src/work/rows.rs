//! Rows of assets and tasks as a unit of work holds them.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::asset::{Asset, NoticeKind};
use reelgate_flow::facts::MediaFacts;
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;

use reelgate_ports::order::Priority;
use reelgate_ports::records::{
    AssetRecord, Decision, FindingRecord, RenditionRecord, SourceRecord, StagedOutput, TaskJob,
};

/// An asset's own row; the core's part carries its tasks once they are loaded too.
#[derive(Clone, Debug)]
pub struct AssetRow {
    /// Its number in the order of arrival; 0 before it is written.
    pub arrival: i64,
    /// Its id.
    pub id: AssetId,
    /// The upload.
    pub source: SourceRecord,
    /// SHA-256 of the key, lower-case hexadecimal.
    pub key_sha256: String,
    /// Never linked to another asset.
    pub forced: bool,
    /// SHA-256 of the content, lower-case hexadecimal, where known.
    pub sha256: Option<String>,
    /// What the core knows.
    pub core: Asset,
    /// The asset with the same content whose outputs it shows.
    pub linked_to: Option<AssetId>,
    /// Where its outputs are visible.
    pub published_location: Option<String>,
    /// Taken in, milliseconds since 1970.
    pub received_ms: u64,
    /// Ended, milliseconds since 1970.
    pub ended_ms: Option<u64>,
    /// Lines of its history so far.
    pub history_lines: u64,
    /// How urgent it is.
    pub priority: Priority,
    /// Where it queues, see [`reelgate_ports::order`].
    pub queue_position: u64,
}

impl AssetRow {
    /// Comes before the other one in the order of its key; equal sequencers are told apart by the version, so
    /// that every order of arrival ends the same.
    pub fn is_older_than(&self, other: &Self) -> bool {
        let order = |row: &Self| (row.source.sequencer.clone(), row.source.id.version.clone());
        order(self) < order(other)
    }

    /// What tells a notice of this asset from an earlier one of the same kind: the times it began again, for a reminder the
    /// time. An asset that failed may fail once more on its way out, without beginning again.
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

    /// The row as others see it.
    pub fn record(&self) -> AssetRecord {
        AssetRecord {
            id: self.id.clone(),
            source: self.source.clone(),
            sha256: self.sha256.clone(),
            phase: self.core.phase,
            verdict: self.core.verdict,
            severity: self.core.severity,
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

/// The right to work on a task, for a while.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// Who holds it.
    pub owner: String,
    /// Until then, milliseconds since 1970.
    pub until_ms: u64,
}

/// A task's row, without what the core keeps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskExtra {
    /// Its lease.
    pub lease: Option<Lease>,
    /// Due from then on, milliseconds since 1970.
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

/// An asset and its tasks, as they stand within a unit of work.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its own row.
    pub row: AssetRow,
    /// What its tasks have beside the core's records.
    pub extras: BTreeMap<TaskKey, TaskExtra>,
    /// Tasks to write.
    pub touched: BTreeSet<TaskKey>,
    /// More of the asset's own row is to be written than its count of history lines.
    pub changed: bool,
    /// So is the hash of its content.
    pub hashed: bool,
    /// So is its count of history lines.
    pub told: bool,
}

impl Loaded {
    pub(super) fn new(row: AssetRow) -> Self {
        Self {
            row,
            extras: BTreeMap::new(),
            touched: BTreeSet::new(),
            changed: false,
            hashed: false,
            told: false,
        }
    }

    /// The task's row is to be written, its lease cleared.
    pub(super) fn touch(&mut self, task: TaskKey, ready_at_ms: u64) {
        let extra = self.extras.entry(task).or_insert_with(|| TaskExtra::due(ready_at_ms));
        extra.ready_at_ms = ready_at_ms;
        extra.lease = None;
        self.touched.insert(task);
    }
}

/// What a finished task told beyond the core's state.
#[derive(Clone, PartialEq, Debug)]
pub enum LearnedFact {
    /// For later stages.
    Product {
        /// Of which asset.
        asset: AssetId,
        /// Which task left it.
        task: TaskKey,
        /// Which attempt.
        attempt: u32,
        /// Its document.
        result: serde_json::Value,
        /// Its files.
        outputs: Vec<StagedOutput>,
    },
    /// The jobs of its media tasks; they replace those of an earlier plan.
    Jobs(AssetId, Vec<TaskJob>),
    /// The media's facts.
    Facts(AssetId, Box<MediaFacts>),
    /// The ladder.
    Renditions(AssetId, Vec<RenditionRecord>),
    /// Screening's findings.
    Findings(AssetId, Vec<FindingRecord>),
    /// What a scanner outside found besides ([`reelgate_ports::external_scanner::findings::join`]).
    Found(AssetId, Vec<FindingRecord>),
    /// What encoding anew leaves out.
    Redaction(AssetId, serde_json::Value),
    /// What somebody decided.
    Decision(AssetId, Decision),
    /// Nothing is left of it: every row that holds its text goes, and its key.
    Erased(AssetId),
}

impl LearnedFact {
    /// Of which asset.
    pub fn asset(&self) -> &AssetId {
        match self {
            Self::Product { asset: id, .. }
            | Self::Jobs(id, _)
            | Self::Facts(id, _)
            | Self::Renditions(id, _)
            | Self::Findings(id, _)
            | Self::Found(id, _)
            | Self::Redaction(id, _)
            | Self::Decision(id, _)
            | Self::Erased(id) => id,
        }
    }
}
