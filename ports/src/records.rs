//! The plain data that ports exchange: rows, reports and results.

mod approvals;
mod budget;
mod decisions;
mod findings;
mod history;
mod ledger;
mod location;
mod metadata;
mod nodes;
mod principal;

pub use approvals::{Approval, DecisionOutcome, Proposal};
pub use budget::{AccountSums, Asked, AssetBudget, EstimateRow, accounts};
pub use decisions::{AuditRecord, Decided, Decision, Taken, WithdrawalRecord};
pub use findings::{ExternalScanEvent, Finder, FindingRecord};
pub use history::{HistoryEvent, HistoryRecord};
pub use ledger::{
    AttemptCost, AttemptWork, CostDays, DayClosing, LedgerPosition, LedgerRecord, LedgerRow, ShareRecord,
    ShareRow, WorkSample,
};
pub use location::{FindingLocation, MaskedValue};
pub use metadata::ProducerMetadata;
pub use nodes::{HeavyPause, NodeRecord, NodeReport, StageCost};
pub use principal::Principal;
use reelgate_flow::asset::{Flags, NoticeKind, Phase, Screening, Severity, TaskState, Verdict};
use reelgate_flow::facts::MediaFacts;
use reelgate_flow::ids::{AssetId, NodeId, NoticeId, Sequencer, SourceId};
use reelgate_flow::left_out::LeftOut;
use reelgate_flow::reason::Fault;
use reelgate_flow::surface::SurfaceReport;
use reelgate_flow::task::{Lane, TaskKey};
use serde::{Deserialize, Serialize};

use crate::order::Priority;

/// How a deletion names the version without an id: the only version in a bucket without versioning, and the version that
/// uploads replace in a bucket with suspended versioning.
pub const NULL_VERSION: &str = "null";

/// What happened to an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// An upload was completed.
    #[default]
    Created,
    /// This version was deleted ([`NULL_VERSION`] is the one without an id). If the version is empty, a delete marker hides
    /// every older version.
    Deleted,
}

/// An upload was completed or deleted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MediaEvent {
    /// What happened.
    #[serde(default)]
    pub kind: EventKind,
    /// Bucket, key and version of the upload.
    pub source: SourceId,
    /// Order within the key.
    pub sequencer: Sequencer,
    /// Bytes, according to the event.
    pub size_bytes: u64,
    /// Where the object store finds it; opaque to everyone else.
    pub location: String,
    /// Process it even if the same content was processed before.
    pub force: bool,
    /// How urgent the upload is.
    #[serde(default)]
    pub priority: Priority,
}

/// The result of ingesting one upload event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ingested {
    /// The asset, new or known.
    pub asset: AssetId,
    /// False if the event was a duplicate.
    pub new: bool,
}

/// What became of an upload that was restored from an archive storage class.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum UnarchivedResult {
    /// Its asset had failed because of the archive, and begins again.
    Redriven,
    /// No asset is of this upload.
    Unknown,
    /// Its asset has not failed because of the archive: it never needed the upload, or has ended otherwise.
    NotWaiting,
    /// Its asset had failed because of the archive, but was redriven too often or is under hold.
    Refused,
}

impl UnarchivedResult {
    /// The word used in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redriven => "redriven",
            Self::Unknown => "unknown",
            Self::NotWaiting => "not_waiting",
            Self::Refused => "refused",
        }
    }
}

/// The right to write a task's result. It is stale as soon as the attempt is no longer the current one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Fence {
    /// The task's asset.
    pub asset: AssetId,
    /// The task.
    pub task: TaskKey,
    /// Number of the attempt, from 1.
    pub attempt: u32,
}

/// The upload behind an asset.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SourceRecord {
    /// Bucket, key, version.
    pub id: SourceId,
    /// Order within the key.
    pub sequencer: Sequencer,
    /// Bytes.
    pub size_bytes: u64,
    /// Where the object store finds it now.
    pub location: String,
}

/// The result of [`crate::store::Maintenance::retain`]. History is removed in pieces, whose size depends on the store: one
/// asset's history, or one month's history of all assets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retained {
    /// Pieces that were removed.
    pub removed: u64,
    /// Pieces that are old enough but contain history of assets that have not ended.
    pub kept: u64,
}

/// A task that this node may work on until the lease ends.
#[derive(Clone, PartialEq, Debug)]
pub struct Claim {
    /// The right to write.
    pub fence: Fence,
    /// Milliseconds from the claim until the lease expires.
    pub lease_ms: u64,
    /// The upload.
    pub source: SourceRecord,
    /// The asset shares the outputs of another asset.
    pub linked: bool,
    /// The exit, for [`TaskKey::Withdraw`]: whether the source is moved, and where.
    pub exit: Option<reelgate_flow::asset::Exit>,
    /// For [`TaskKey::Withdraw`]: the outputs are kept out of sight instead of removed
    /// ([`Flags::keeps_outputs`]).
    pub keeps_outputs: bool,
    /// The job that validation planned for this task, as a document; `None` for a task without one.
    pub job: Option<serde_json::Value>,
}

/// The job that validation planned for one media task. Its claim carries the document, so that the cost of a task
/// does not depend on how many tasks its asset has.
#[derive(Clone, PartialEq, Debug)]
pub struct TaskJob {
    /// The task.
    pub task: TaskKey,
    /// How much media the task works through, nanoseconds.
    pub media_ns: u64,
    /// The job, as a document that the task reads.
    pub job: serde_json::Value,
}

/// How much of an asset's media its tasks work through, nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MediaProgress {
    /// All planned jobs.
    pub planned_ns: u64,
    /// Those whose tasks are done.
    pub done_ns: u64,
}

/// One line of `reelgate queue`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueRow {
    /// The lane.
    pub lane: Lane,
    /// The stage.
    pub stage: String,
    /// The priority.
    pub priority: Priority,
    /// The producer's prefix.
    pub prefix: String,
    /// Tasks waiting, due or not.
    pub waiting: u64,
    /// Tasks under a lease.
    pub leased: u64,
    /// Milliseconds since the oldest of them became due.
    pub oldest_ms: u64,
}

/// One staged output of one attempt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StagedOutput {
    /// Relative name within the task: `720p/00003.m4s`.
    pub name: String,
    /// Where the object store finds it; opaque to everyone else.
    pub location: String,
    /// Bytes.
    pub size_bytes: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// Resources that one attempt used.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct UsageRecord {
    /// Wall-clock milliseconds.
    pub wall_ms: u64,
    /// CPU milliseconds of the media worker.
    pub cpu_ms: u64,
    /// Largest resident size of the media worker, bytes.
    pub memory_bytes_max: u64,
}

/// One rendition of an asset.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RenditionRecord {
    /// `720p`, `audio` …
    pub name: String,
    /// RFC 6381 codec string.
    pub codec: String,
    /// Pixels; 0 for audio.
    pub width: u32,
    /// Pixels; 0 for audio.
    pub height: u32,
    /// Average bits per second, measured.
    pub bitrate_bps: u64,
    /// Segments.
    pub segments: u32,
    /// Frames or audio access units.
    pub samples: u64,
    /// Milliseconds.
    pub duration_ms: u64,
}

/// The result of a task that succeeded.
#[derive(Clone, PartialEq, Debug)]
pub enum Success {
    /// Validate.
    Validated {
        /// Number of video chunks in the plan.
        video_chunks: u16,
        /// Whether audio is encoded.
        audio: bool,
        /// Whether subtitles or captions are published.
        captions: bool,
        /// What the producer asks for; `None` for nothing. It counts where nobody else has decided.
        priority: Option<Priority>,
        /// The plan, as a document that later stages read.
        plan: serde_json::Value,
        /// The jobs of the plan. The claims of a task carry its job.
        jobs: Vec<TaskJob>,
    },
    /// Validate of a caption file. It is attached if its film is there, otherwise it waits.
    Attached {
        /// Milliseconds until it looks for its film again.
        delay_ms: u64,
    },
    /// Video chunk, audio, captions or enrichment.
    Produced {
        /// The worker's result, as a document that later stages read.
        result: serde_json::Value,
        /// Staged files.
        outputs: Vec<StagedOutput>,
    },
    /// Screen.
    Screened {
        /// What policy requires because of the findings.
        screening: Screening,
        /// Findings; may be empty.
        findings: Vec<FindingRecord>,
        /// What a redacting encode covers, as a document that the encode tasks read ([`crate::store::Queries::redaction`]);
        /// `Some` if the screening requires redaction.
        redaction: Option<serde_json::Value>,
        /// The findings in the content, and how far it was searched, are those of the original; only the name was searched now.
        shared: bool,
        /// What searched the content and where its text was delivered for the external scanner, as a document that
        /// [`TaskKey::ExternalScan`] and the screenings of duplicates read.
        result: Option<serde_json::Value>,
    },
    /// Screen of a linked asset: what looked at the original is less than what is asked today.
    LooksAgain,
    /// External scan: no answer yet. Validate of a caption file: no film yet.
    Waiting {
        /// Milliseconds until the task is due again.
        delay_ms: u64,
    },
    /// External scan: answered.
    ExternallyScanned {
        /// What policy requires because of the findings.
        screening: Screening,
        /// The asset's findings, including those of earlier tasks.
        findings: Vec<FindingRecord>,
    },
    /// Package.
    Packaged {
        /// What publishing needs, as a document.
        result: serde_json::Value,
        /// The renditions as they were encoded.
        renditions: Vec<RenditionRecord>,
        /// The tracks and caption files that are not in them.
        left_out: Vec<LeftOut>,
        /// Staged playlists.
        outputs: Vec<StagedOutput>,
    },
    /// Publish.
    Published {
        /// Where the outputs are visible.
        location: String,
    },
    /// Withdraw.
    Withdrawn {
        /// Where the source is now.
        source_location: String,
        /// What was removed, and the proof that it can no longer be read.
        withdrawal_record: WithdrawalRecord,
    },
    /// Restore.
    Restored {
        /// Where the source is now.
        source_location: String,
        /// Where the outputs are visible again; `None` if none were visible when the asset was quarantined.
        published_location: Option<String>,
    },
    /// Keep source.
    SourceKept(KeptSource),
}

/// What was done so that the producer of a source under hold cannot replace or remove it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeptSource {
    /// It was copied to this location.
    Copied(String),
    /// It is where only Reelgate writes already.
    Already,
    /// There was nothing left of the recorded version.
    Gone,
}

/// How an attempt ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Ending {
    /// The task succeeded.
    Success(Success),
    /// The attempt failed.
    Fault(Fault),
    /// The node gave the task back unfinished.
    GivenBack,
}

/// Report of one attempt.
#[derive(Clone, PartialEq, Debug)]
pub struct TaskReport {
    /// The right to write.
    pub fence: Fence,
    /// The node that ran the attempt.
    pub node: NodeId,
    /// SHA-256 of the source, lower-case hexadecimal, if this attempt computed it, whatever its ending.
    pub sha256: Option<String>,
    /// Facts about the media, if this attempt determined them, whatever its ending.
    pub facts: Option<Box<MediaFacts>>,
    /// What the producer says about the upload, if this attempt read it, whatever its ending.
    pub metadata: Option<ProducerMetadata>,
    /// How it ended.
    pub ending: Ending,
    /// Resources it used.
    pub usage: UsageRecord,
    /// What it used of what costs money.
    pub cost: AttemptCost,
}

/// The effect of a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Applied {
    /// Committed; the asset's phase after it.
    Committed(Phase),
    /// The attempt was not the current one; nothing changed.
    Stale,
}

/// A notice that receivers outside Reelgate must get.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NoticeRecord {
    /// Deterministic id.
    pub id: NoticeId,
    /// The asset it concerns; empty if it concerns none.
    pub asset: AssetId,
    /// What it reports.
    pub kind: NoticeKind,
    /// All the facts, without personal data: see `docs/reference/notices.md`.
    pub body: serde_json::Value,
    /// Earlier delivery attempts.
    pub tries: u32,
}

/// One row of `reelgate list`.
#[derive(Clone, PartialEq, Debug)]
pub struct AssetRecord {
    /// The asset.
    pub id: AssetId,
    /// The upload.
    pub source: SourceRecord,
    /// SHA-256, if known.
    pub sha256: Option<String>,
    /// Its phase.
    pub phase: Phase,
    /// Screening's result.
    pub verdict: Verdict,
    /// Highest severity.
    pub severity: Severity,
    /// How far each surface was analysed that the verdict is made of; empty before screening.
    pub surfaces: Vec<SurfaceReport>,
    /// What people and policy decided about it.
    pub flags: Flags,
    /// Why it was rejected or failed.
    pub reason: Option<Fault>,
    /// The asset whose outputs it shares.
    pub linked_to: Option<AssetId>,
    /// Where its outputs are visible.
    pub published_location: Option<String>,
    /// Time of ingest, milliseconds since 1970.
    pub received_ms: u64,
    /// Time of its end, milliseconds since 1970; `None` if it has not ended.
    pub ended_ms: Option<u64>,
    /// Times redriven.
    pub redrives: u32,
}

/// One task of an asset, for `show`.
#[derive(Clone, PartialEq, Debug)]
pub struct TaskRow {
    /// The task.
    pub task: TaskKey,
    /// Its lane.
    pub lane: Lane,
    /// Its state.
    pub state: TaskState,
    /// Times started.
    pub attempts: u32,
    /// Wall-clock milliseconds over all attempts that reported.
    pub wall_ms: u64,
    /// CPU milliseconds over all attempts that reported.
    pub cpu_ms: u64,
}

/// Everything about one asset.
#[derive(Clone, PartialEq, Debug)]
pub struct AssetDetail {
    /// The row.
    pub asset: AssetRecord,
    /// Facts about the media, if known.
    pub facts: Option<MediaFacts>,
    /// Tasks.
    pub tasks: Vec<TaskRow>,
    /// Renditions. A linked asset shows those of its original.
    pub renditions: Vec<RenditionRecord>,
    /// Findings.
    pub findings: Vec<FindingRecord>,
    /// What the producer says about the upload. Values may be personal.
    pub metadata: ProducerMetadata,
}
