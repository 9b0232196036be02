//! Rows as values; a word or number that this version cannot have written is `Corrupt`.

use std::collections::BTreeMap;

use reelgate_flow::asset::{Asset, Exit, Flags, Phase, Severity, TaskRecord, TaskState, Verdict};
use reelgate_flow::ids::{AssetId, Sequencer, SourceId};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::error::PortResult;
use reelgate_ports::identity;
use reelgate_ports::order::Priority;
use reelgate_ports::records::SourceRecord;
use reelgate_store::work::{AssetRow, Lease, TaskExtra};
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, Type};

use super::error::{corrupt, db};

/// Reads a row of `assets`.
pub(super) fn asset(row: &SqliteRow) -> PortResult<AssetRow> {
    let id = AssetId::new(text(row, "id")?);
    let source = SourceRecord {
        id: SourceId { bucket: text(row, "bucket")?, key: text(row, "key")?, version: text(row, "version")? },
        sequencer: Sequencer::parse(&text(row, "sequencer")?)
            .ok_or_else(|| corrupt("assets.sequencer", "hexadecimal digits"))?,
        size_bytes: count(row, "size_bytes")?,
        location: text(row, "location")?,
    };
    let core = Asset {
        phase: phase(&text(row, "phase")?)?,
        tasks: BTreeMap::new(),
        verdict: word(Verdict::parse, &text(row, "verdict")?, "assets.verdict", "a verdict")?,
        severity: severity(&text(row, "severity")?, "assets.severity")?,
        surfaces: word(
            AssetRow::parse_surfaces,
            &text(row, "surfaces")?,
            "assets.surfaces",
            "a list of surfaces",
        )?,
        flags: word(Flags::parse, &text(row, "flags")?, "assets.flags", "flags")?,
        reason: reason(row)?,
        exit: get::<Option<String>>(row, "exit")?
            .map(|exit| word(Exit::parse, &exit, "assets.exit", "an exit"))
            .transpose()?,
        linked: get::<Option<String>>(row, "linked_to")?.is_some(),
        redrives: small(row, "redrives")?,
        jitter_seed: identity::jitter_seed(&id),
    };
    Ok(AssetRow {
        arrival: get(row, "arrival")?,
        id,
        source,
        key_sha256: text(row, "key_sha256")?,
        forced: get(row, "forced")?,
        sha256: get(row, "sha256")?,
        core,
        linked_to: get::<Option<String>>(row, "linked_to")?.map(AssetId::new),
        published_location: get(row, "published_location")?,
        received_ms: count(row, "received_at_ms")?,
        ended_ms: optional_count(row, "ended_at_ms")?,
        history_lines: count(row, "history_lines")?,
        priority: priority(&text(row, "priority")?)?,
        queue_position: count(row, "queue_position")?,
    })
}

/// Reads a row of `tasks`.
pub(super) fn task(row: &SqliteRow) -> PortResult<(TaskKey, TaskRecord, TaskExtra)> {
    let record = TaskRecord {
        state: word(TaskState::parse, &text(row, "state")?, "tasks.state", "a task state")?,
        attempts: small(row, "attempts")?,
        uncounted: small(row, "uncounted")?,
        not_producers_fault: small(row, "not_producers_fault")?,
        answered: small(row, "answered")?,
    };
    let lease = match (get(row, "lease_owner")?, optional_count(row, "lease_until_ms")?) {
        (Some(owner), Some(until_ms)) => Some(Lease { owner, until_ms }),
        _ => None,
    };
    let extra = TaskExtra {
        lease,
        ready_at_ms: count(row, "ready_at_ms")?,
        wall_ms: count(row, "wall_ms")?,
        cpu_ms: count(row, "cpu_ms")?,
        memory_bytes_max: count(row, "memory_bytes_max")?,
    };
    Ok((task_key(row)?, record, extra))
}

/// The column `task`.
pub(super) fn task_key(row: &SqliteRow) -> PortResult<TaskKey> {
    word(TaskKey::parse, &text(row, "task")?, "task", "a task key")
}

/// A phase's word.
pub(super) fn phase(text: &str) -> PortResult<Phase> {
    word(Phase::parse, text, "assets.phase", "a phase")
}

/// A lane's word.
pub(super) fn lane(text: &str) -> PortResult<Lane> {
    let lane = Lane::ALL.into_iter().find(|lane| lane.as_str() == text);
    lane.ok_or_else(|| corrupt("tasks.lane", "a lane"))
}

/// A priority's word.
pub(super) fn priority(text: &str) -> PortResult<Priority> {
    word(Priority::parse, text, "assets.priority", "a priority")
}

/// A severity's word.
pub(super) fn severity(text: &str, column: &'static str) -> PortResult<Severity> {
    word(Severity::parse, text, column, "a severity")
}

/// A word of one of the core's enums.
pub(super) fn word<T>(
    parse: impl Fn(&str) -> Option<T>,
    text: &str,
    column: &'static str,
    expected: &str,
) -> PortResult<T> {
    parse(text).ok_or_else(|| corrupt(column, expected))
}

/// A column by name.
pub(super) fn get<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(
    row: &'r SqliteRow,
    column: &'static str,
) -> PortResult<T> {
    row.try_get(column).map_err(db("read the database"))
}

/// A text column.
pub(super) fn text(row: &SqliteRow, column: &'static str) -> PortResult<String> {
    get(row, column)
}

/// A column that is never negative.
pub(super) fn count(row: &SqliteRow, column: &'static str) -> PortResult<u64> {
    u64::try_from(get::<i64>(row, column)?).map_err(|_| corrupt(column, "no negative number"))
}

/// A column that is empty or never negative.
pub(super) fn optional_count(row: &SqliteRow, column: &'static str) -> PortResult<Option<u64>> {
    let value = get::<Option<i64>>(row, column)?;
    value.map(u64::try_from).transpose().map_err(|_| corrupt(column, "no negative number"))
}

/// A column with a number that fits the type asked for.
pub(super) fn small<T: TryFrom<i64>>(row: &SqliteRow, column: &'static str) -> PortResult<T> {
    T::try_from(get::<i64>(row, column)?).map_err(|_| corrupt(column, "a number within its range"))
}

fn reason(row: &SqliteRow) -> PortResult<Option<Fault>> {
    let Some(code) = get::<Option<String>>(row, "reason_code")? else { return Ok(None) };
    let code = word(Code::parse, &code, "assets.reason_code", "a reason code")?;
    let detail: Option<String> = get(row, "reason_detail")?;
    Ok(Some(Fault::new(code, detail.unwrap_or_default())))
}
