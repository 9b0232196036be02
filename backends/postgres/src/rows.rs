//! Rows as values; a word or number that this version cannot have written is `Corrupt`.

use std::collections::BTreeMap;

use reelgate_flow::asset::{Asset, Exit, Flags, Phase, Severity, TaskRecord, TaskState, Verdict};
use reelgate_flow::ids::{AssetId, Sequencer, SourceId};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::PortResult;
use reelgate_ports::identity;
use reelgate_ports::order::Priority;
use reelgate_ports::records::SourceRecord;
use reelgate_store::work::{self, AssetRow, TaskExtra};

use crate::error::corrupt;
use crate::unit::Lease;

/// Asks for rows of `assets AS a`; what follows `FROM` is the caller's.
macro_rules! asset_query {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::rows::AssetCells,
            r#"SELECT a.arrival, a.id, a.bucket, a.key, a.version, a.sequencer, a.size_bytes, a.location, a.forced,
                    a.priority, a.queue_position, a.received_at_ms, a.phase, a.verdict, a.severity, a.redrives,
                    a.ended_at_ms, a.sha256, a.reason_code, a.reason_detail, a.exit, a.linked_to,
                    a.published_location, a.flags, a.surfaces, a.container, a.duration_ns, a.key_sha256,
                    (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS "now_ms!"
             FROM assets AS a "# + $tail
            $(, $argument)*
        )
    };
}
pub(crate) use asset_query;

/// The cells of a row of `assets`.
pub(crate) struct AssetCells {
    pub arrival: i64,
    pub id: String,
    pub bucket: String,
    pub key: String,
    pub version: String,
    pub sequencer: String,
    pub size_bytes: i64,
    pub location: String,
    pub forced: bool,
    pub priority: String,
    pub queue_position: i64,
    pub received_at_ms: i64,
    pub phase: String,
    pub verdict: String,
    pub severity: String,
    pub redrives: i32,
    pub ended_at_ms: Option<i64>,
    pub sha256: Option<String>,
    pub reason_code: Option<String>,
    pub reason_detail: Option<String>,
    pub exit: Option<String>,
    pub linked_to: Option<String>,
    pub published_location: Option<String>,
    pub flags: String,
    pub surfaces: String,
    pub container: Option<String>,
    pub duration_ns: Option<i64>,
    pub key_sha256: String,
    /// The database's time when it was read.
    pub now_ms: i64,
}

impl AssetCells {
    pub(crate) fn read(self) -> PortResult<AssetRow> {
        let id = AssetId::new(self.id);
        let core = Asset {
            phase: phase(&self.phase)?,
            tasks: BTreeMap::new(),
            verdict: word(Verdict::parse, &self.verdict, "assets.verdict", "a verdict")?,
            severity: severity(&self.severity, "assets.severity")?,
            surfaces: word(
                AssetRow::parse_surfaces,
                &self.surfaces,
                "assets.surfaces",
                "a list of surfaces",
            )?,
            flags: word(Flags::parse, &self.flags, "assets.flags", "flags")?,
            reason: reason(self.reason_code.as_deref(), self.reason_detail)?,
            exit: self.exit.as_deref().map(exit).transpose()?,
            linked: self.linked_to.is_some(),
            redrives: small(self.redrives, "assets.redrives")?,
            jitter_seed: identity::jitter_seed(&id),
        };
        Ok(AssetRow {
            arrival: self.arrival,
            source: SourceRecord {
                sequencer: sequencer(&self.sequencer)?,
                size_bytes: large(self.size_bytes, "assets.size_bytes")?,
                location: self.location,
                id: SourceId { bucket: self.bucket, key: self.key, version: self.version },
            },
            key_sha256: self.key_sha256,
            forced: self.forced,
            sha256: self.sha256,
            core,
            linked_to: self.linked_to.map(AssetId::new),
            published_location: self.published_location,
            received_ms: large(self.received_at_ms, "assets.received_at_ms")?,
            ended_ms: self.ended_at_ms.map(|ms| large(ms, "assets.ended_at_ms")).transpose()?,
            history_lines: 0,
            priority: priority(&self.priority)?,
            queue_position: large(self.queue_position, "assets.queue_position")?,
            id,
        })
    }
}

/// The cells of a task: from `open_tasks`, where every task is ready and has no state, or from `settled_tasks`.
pub(crate) struct TaskCells {
    pub asset: i64,
    pub task: String,
    pub state: Option<String>,
    pub attempts: i32,
    pub uncounted: i32,
    pub not_producers_fault: i32,
    pub answered: i32,
    pub wall_ms: i64,
    pub cpu_ms: i64,
    pub memory_bytes_max: i64,
    pub ready_at_ms: Option<i64>,
    pub lease_owner: Option<String>,
    pub lease_until_ms: Option<i64>,
    pub claimed_at_ms: Option<i64>,
}

/// A task that was read.
pub(crate) struct TaskRead {
    pub asset: i64,
    pub key: TaskKey,
    pub record: TaskRecord,
    pub extra: TaskExtra,
    /// It is in `open_tasks`.
    pub open: bool,
    pub lease: Option<Lease>,
}

impl TaskCells {
    pub(crate) fn read(self) -> PortResult<TaskRead> {
        let state = self.state.as_deref();
        let record = TaskRecord {
            state: state.map_or(Ok(TaskState::Ready), task_state)?,
            attempts: small(self.attempts, "tasks.attempts")?,
            uncounted: small(self.uncounted, "tasks.uncounted")?,
            not_producers_fault: small(self.not_producers_fault, "tasks.not_producers_fault")?,
            answered: small(self.answered, "tasks.answered")?,
        };
        let lease = match (&self.lease_owner, self.lease_until_ms) {
            (Some(owner), Some(until_ms)) => Some(Lease {
                owner: owner.clone(),
                until_ms: large(until_ms, "tasks.lease_until_ms")?,
                claimed_at_ms: large(self.claimed_at_ms.unwrap_or(0), "tasks.claimed_at_ms")?,
                attempt: record.attempts,
            }),
            _ => None,
        };
        let extra = TaskExtra {
            lease: lease
                .as_ref()
                .map(|lease| work::Lease { owner: lease.owner.clone(), until_ms: lease.until_ms }),
            ready_at_ms: large(self.ready_at_ms.unwrap_or(0), "tasks.ready_at_ms")?,
            wall_ms: large(self.wall_ms, "tasks.wall_ms")?,
            cpu_ms: large(self.cpu_ms, "tasks.cpu_ms")?,
            memory_bytes_max: large(self.memory_bytes_max, "tasks.memory_bytes_max")?,
        };
        let open = state.is_none();
        Ok(TaskRead { asset: self.asset, key: task_key(&self.task)?, record, extra, open, lease })
    }
}

/// A column with a task's key.
pub(crate) fn task_key(text: &str) -> PortResult<TaskKey> {
    word(TaskKey::parse, text, "task", "a task key")
}

/// A task's urgency.
pub(crate) fn urgency(value: i16) -> PortResult<u8> {
    u8::try_from(value).map_err(|_| corrupt("tasks.urgency", "a number from 0 to 255"))
}

/// A phase's word.
pub(crate) fn phase(text: &str) -> PortResult<Phase> {
    word(Phase::parse, text, "assets.phase", "a phase")
}

/// A priority's word.
pub(crate) fn priority(text: &str) -> PortResult<Priority> {
    word(Priority::parse, text, "assets.priority", "a priority")
}

/// A severity's word.
pub(crate) fn severity(text: &str, column: &'static str) -> PortResult<Severity> {
    word(Severity::parse, text, column, "a severity")
}

/// An exit's word.
pub(crate) fn exit(text: &str) -> PortResult<Exit> {
    word(Exit::parse, text, "assets.exit", "an exit")
}

/// A task state's word.
pub(crate) fn task_state(text: &str) -> PortResult<TaskState> {
    word(TaskState::parse, text, "settled_tasks.state", "a task state")
}

/// A sequencer's digits.
pub(crate) fn sequencer(text: &str) -> PortResult<Sequencer> {
    Sequencer::parse(text).ok_or_else(|| corrupt("sequencer", "hexadecimal digits"))
}

/// A word of one of the core's enums.
pub(crate) fn word<T>(
    parse: impl Fn(&str) -> Option<T>,
    text: &str,
    column: &'static str,
    expected: &str,
) -> PortResult<T> {
    parse(text).ok_or_else(|| corrupt(column, expected))
}

/// A column that is never negative.
pub(crate) fn large(value: i64, column: &'static str) -> PortResult<u64> {
    u64::try_from(value).map_err(|_| corrupt(column, "no negative number"))
}

/// A column with a number that fits the type asked for.
pub(crate) fn small<T: TryFrom<i32>>(value: i32, column: &'static str) -> PortResult<T> {
    T::try_from(value).map_err(|_| corrupt(column, "a number within its range"))
}

fn reason(code: Option<&str>, detail: Option<String>) -> PortResult<Option<Fault>> {
    let Some(code) = code else { return Ok(None) };
    let code = word(Code::parse, code, "assets.reason_code", "a reason code")?;
    Ok(Some(Fault::new(code, detail.unwrap_or_default())))
}
