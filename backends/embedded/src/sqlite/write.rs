//! Writes the changes of a unit of work: a few statements, each for all rows of its table.

use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::PortResult;
use reelgate_store::work::{LearnedFact, Loaded, UnitOfWork};
use sqlx::SqliteConnection;

use super::error::{corrupt, db};
use super::queue_clock::QueueTime;
use super::work::json;
use super::{budgets, decisions, facts, jobs, ledger, metadata, outbox, products, proposals};

/// Writes everything; returns the invariants that were found broken, by id.
pub(super) async fn write(
    conn: &mut SqliteConnection,
    mut work: UnitOfWork,
    time: QueueTime,
) -> PortResult<Vec<String>> {
    write_assets(conn, &work, time).await?;
    write_tasks(conn, &work, time).await?;
    write_history(conn, &work).await?;
    for learned in std::mem::take(&mut work.learned) {
        write_learned(conn, &mut work, learned).await?;
    }
    ledger::write(conn, &work).await?;
    budgets::write(conn, &work).await?;
    outbox::owe(conn, &work, time).await?;
    Ok(work.violations)
}

async fn write_learned(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    learned: LearnedFact,
) -> PortResult<()> {
    match learned {
        LearnedFact::Product { asset, task, attempt, result, outputs } => {
            let asset = work.at(&asset)?.row.arrival;
            products::write(conn, asset, task, attempt, &result, &outputs).await
        }
        LearnedFact::Jobs(asset, planned) => jobs::write(conn, work.at(&asset)?.row.arrival, &planned).await,
        LearnedFact::Facts(asset, media) => facts::write(conn, work.at(&asset)?.row.arrival, &media).await,
        LearnedFact::Metadata(asset, entries) => {
            metadata::write(conn, work.at(&asset)?.row.arrival, &entries).await
        }
        LearnedFact::Packaged { asset, renditions, left_out } => {
            let asset = work.at(&asset)?.row.arrival;
            products::write_renditions(conn, asset, &renditions).await?;
            products::write_left_out(conn, asset, &left_out).await
        }
        LearnedFact::Findings(asset, rows) => {
            products::write_findings(conn, work.at(&asset)?.row.arrival, &rows).await
        }
        LearnedFact::MoreFindings(asset, rows) => {
            products::add_findings(conn, work.at(&asset)?.row.arrival, &rows).await
        }
        LearnedFact::Redaction(asset, redaction) => {
            decisions::write_redaction(conn, work.at(&asset)?.row.arrival, &redaction).await
        }
        LearnedFact::SameRedaction { asset, original } => {
            let (asset, original) = (work.at(&asset)?.row.arrival, work.at(&original)?.row.arrival);
            decisions::copy_redaction(conn, asset, original).await
        }
        LearnedFact::Decision(asset, decision, approver) => {
            let arrival = work.at(&asset)?.row.arrival;
            decisions::write(conn, work.now_ms, arrival, &decision, approver.as_ref()).await
        }
        LearnedFact::Proposal(asset, proposal) => {
            proposals::write(conn, work.at(&asset)?.row.arrival, proposal.as_ref()).await
        }
        LearnedFact::Erased(asset) => {
            // The rows before it are written already; what is written after it (the certificate) stays.
            let row = &mut work.at(&asset)?.row;
            row.source.location = String::new();
            decisions::erase(conn, row.arrival).await
        }
    }
}

/// Three statements, so that an index is touched only where its column can have changed.
async fn write_assets(conn: &mut SqliteConnection, work: &UnitOfWork, time: QueueTime) -> PortResult<()> {
    let what = "write assets";
    let state: Vec<_> = work.loaded.values().filter(|l| l.changed).map(|l| asset_cells(l, time)).collect();
    if !state.is_empty() {
        sqlx::query(UPDATE_STATE).bind(json(&state)?).execute(&mut *conn).await.map_err(db(what))?;
    }
    let hashed = work.loaded.values().filter(|l| l.hashed).map(|l| (l.row.arrival, &l.row.sha256));
    let hashed: Vec<_> = hashed.collect();
    if !hashed.is_empty() {
        sqlx::query(UPDATE_HASH).bind(json(&hashed)?).execute(&mut *conn).await.map_err(db(what))?;
    }
    let told = work.loaded.values().filter(|l| l.history_added).map(|l| (l.row.arrival, l.row.history_lines));
    let told: Vec<_> = told.collect();
    if !told.is_empty() {
        sqlx::query(UPDATE_LINES).bind(json(&told)?).execute(&mut *conn).await.map_err(db(what))?;
    }
    Ok(())
}

async fn write_tasks(conn: &mut SqliteConnection, work: &UnitOfWork, time: QueueTime) -> PortResult<()> {
    let mut rows = Vec::new();
    for loaded in work.loaded.values() {
        for key in &loaded.touched {
            rows.push(task_cells(loaded, *key, time)?);
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(UPSERT_TASKS).bind(json(&rows)?).execute(conn).await.map_err(db("write tasks"))?;
    Ok(())
}

async fn write_history(conn: &mut SqliteConnection, work: &UnitOfWork) -> PortResult<()> {
    if work.history.is_empty() {
        return Ok(());
    }
    let cells = work.history.iter().filter_map(|(asset, line)| {
        let arrival = work.loaded.get(asset)?.row.arrival;
        let node = line.node.as_ref().map(|node| node.as_str());
        Some((
            arrival,
            line.sequence,
            line.at_ms,
            line.event.as_str(),
            line.task,
            line.attempt,
            node,
            line.wall_ms,
            line.detail.as_str(),
        ))
    });
    let rows = json(&cells.collect::<Vec<_>>())?;
    sqlx::query(INSERT_HISTORY).bind(rows).execute(conn).await.map_err(db("write history"))?;
    Ok(())
}

const UPDATE_STATE: &str = "
    UPDATE assets SET
        phase = j.value ->> 1, verdict = j.value ->> 2, severity = j.value ->> 3, reason_code = j.value ->> 4,
        reason_detail = j.value ->> 5, exit = j.value ->> 6, linked_to = j.value ->> 7, redrives = j.value ->> 8,
        ended_at_ms = j.value ->> 9, location = j.value ->> 10, published_location = j.value ->> 11,
        flags = j.value ->> 12, surfaces = j.value ->> 13, priority = j.value ->> 14, queue_position = j.value ->> 15
    FROM json_each(?) AS j WHERE assets.arrival = j.value ->> 0";

const UPDATE_HASH: &str =
    "UPDATE assets SET sha256 = j.value ->> 1 FROM json_each(?) AS j WHERE assets.arrival = j.value ->> 0";

const UPDATE_LINES: &str = "UPDATE assets SET history_lines = j.value ->> 1 FROM json_each(?) AS j WHERE assets.arrival = j.value ->> 0";

fn asset_cells(loaded: &Loaded, time: QueueTime) -> impl serde::Serialize + '_ {
    let (row, core) = (&loaded.row, &loaded.row.core);
    (
        row.arrival,
        core.phase.as_str(),
        core.verdict.as_str(),
        core.severity.as_str(),
        core.reason.as_ref().map(|fault| fault.code.as_str()),
        core.reason.as_ref().map(|fault| fault.detail.as_str()),
        core.exit.map(|exit| exit.as_str()),
        row.linked_to.as_ref().map(AssetId::as_str),
        core.redrives,
        row.ended_ms,
        row.source.location.as_str(),
        row.published_location.as_deref(),
        core.flags.text(),
        row.surfaces_text(),
        row.priority.as_str(),
        time.of_day(row.queue_position),
    )
}

const UPSERT_TASKS: &str = "
    INSERT INTO tasks (asset, task, lane, state, attempts, uncounted, not_producers_fault, answered, ready_at_ms,
                       wall_ms, cpu_ms, memory_bytes_max, urgency, queue_position)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
           value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13
    FROM json_each(?) WHERE true
    ON CONFLICT (asset, task) DO UPDATE SET
        state = excluded.state, attempts = excluded.attempts, uncounted = excluded.uncounted,
        not_producers_fault = excluded.not_producers_fault, answered = excluded.answered, ready_at_ms = excluded.ready_at_ms,
        lease_owner = NULL, lease_until_ms = NULL, wall_ms = excluded.wall_ms, cpu_ms = excluded.cpu_ms,
        memory_bytes_max = excluded.memory_bytes_max, queue_position = excluded.queue_position";

fn task_cells(loaded: &Loaded, key: TaskKey, time: QueueTime) -> PortResult<impl serde::Serialize + '_> {
    let lost = || corrupt("tasks.task", "a task of this asset");
    let record = loaded.row.core.tasks.get(&key).ok_or_else(lost)?;
    let extra = loaded.extras.get(&key).ok_or_else(lost)?;
    Ok((
        loaded.row.arrival,
        key,
        key.lane().as_str(),
        record.state.as_str(),
        record.attempts,
        record.uncounted,
        record.not_producers_fault,
        record.answered,
        time.of_day(extra.ready_at_ms),
        extra.wall_ms,
        extra.cpu_ms,
        extra.memory_bytes_max,
        key.urgency(),
        time.of_day(loaded.row.queue_position),
    ))
}

const INSERT_HISTORY: &str = "
    INSERT INTO history (asset, sequence, at_ms, event, task, attempt, node, wall_ms, detail)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
           value ->> 7, value ->> 8
    FROM json_each(?)";
