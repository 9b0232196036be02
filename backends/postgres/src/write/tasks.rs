//! Writes tasks: those that can still be claimed to `open_tasks`, all others to `settled_tasks`.

use reelgate_flow::asset::{TaskRecord, TaskState};
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::PortResult;
use reelgate_store::work::{Loaded, TaskExtra};
use sqlx::PgConnection;

use crate::cursor::claimable_since;
use crate::error::{DbResult, corrupt, db};
use crate::time::number;
use crate::unit::Unit;

/// Columns that both tables have, one list each.
#[derive(Default)]
struct Common {
    asset: Vec<i64>,
    task: Vec<String>,
    attempts: Vec<i32>,
    uncounted: Vec<i32>,
    not_producers_fault: Vec<i32>,
    answered: Vec<i32>,
    wall_ms: Vec<i64>,
    cpu_ms: Vec<i64>,
    memory_bytes_max: Vec<i64>,
}

impl Common {
    fn push(&mut self, asset: i64, task: TaskKey, record: &TaskRecord, extra: &TaskExtra) {
        self.asset.push(asset);
        self.task.push(task.text());
        self.attempts.push(small(record.attempts));
        self.uncounted.push(small(record.uncounted));
        self.not_producers_fault.push(small(record.not_producers_fault));
        self.answered.push(small(record.answered));
        self.wall_ms.push(number(extra.wall_ms));
        self.cpu_ms.push(number(extra.cpu_ms));
        self.memory_bytes_max.push(number(extra.memory_bytes_max));
    }
}

#[derive(Default)]
struct Changes {
    open: Common,
    urgency: Vec<i16>,
    queue_position: Vec<i64>,
    claimable_since: Vec<i64>,
    due: Vec<bool>,
    ready_at_ms: Vec<i64>,
    settled: Common,
    state: Vec<&'static str>,
    /// To be removed from `open_tasks`.
    closed: (Vec<i64>, Vec<String>),
    /// To be removed from `settled_tasks`.
    restarted: (Vec<i64>, Vec<String>),
}

impl Changes {
    fn of(unit: &Unit) -> PortResult<Self> {
        let mut changes = Self::default();
        for loaded in unit.work.loaded.values() {
            for task in &loaded.touched {
                changes.add(unit, loaded, *task)?;
            }
        }
        Ok(changes)
    }

    fn add(&mut self, unit: &Unit, loaded: &Loaded, task: TaskKey) -> PortResult<()> {
        let lost = || corrupt("tasks.task", "a task of this asset");
        let record = loaded.row.core.tasks.get(&task).ok_or_else(lost)?;
        let extra = loaded.extras.get(&task).ok_or_else(lost)?;
        let asset = loaded.row.arrival;
        let key = (asset, task);
        if record.state != TaskState::Ready {
            self.settled.push(asset, task, record, extra);
            self.state.push(record.state.as_str());
            if unit.open.contains(&key) {
                self.closed.0.push(asset);
                self.closed.1.push(task.text());
            }
            return Ok(());
        }
        self.open.push(asset, task, record, extra);
        self.urgency.push(i16::from(task.urgency()));
        self.queue_position.push(number(loaded.row.queue_position));
        self.claimable_since.push(claimable_since(task.urgency(), unit.work.now_ms));
        self.due.push(extra.ready_at_ms <= unit.work.now_ms);
        self.ready_at_ms.push(number(extra.ready_at_ms));
        if unit.settled.contains(&key) {
            self.restarted.0.push(asset);
            self.restarted.1.push(task.text());
        }
        Ok(())
    }
}

/// Writes the tasks that changed, in one statement.
pub(super) async fn write(conn: &mut PgConnection, unit: &Unit) -> DbResult<()> {
    let changes = Changes::of(unit)?;
    let (open, settled) = (&changes.open, &changes.settled);
    if open.asset.is_empty() && settled.asset.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "WITH closed AS (
             DELETE FROM open_tasks USING unnest($1::bigint[], $2::text[]) AS u (asset, task)
             WHERE open_tasks.asset = u.asset AND open_tasks.task = u.task
         ), restarted AS (
             DELETE FROM settled_tasks USING unnest($3::bigint[], $4::text[]) AS u (asset, task)
             WHERE settled_tasks.asset = u.asset AND settled_tasks.task = u.task
         ), settled AS (
             INSERT INTO settled_tasks (asset, task, attempts, uncounted, not_producers_fault, answered, wall_ms, cpu_ms,
                                        memory_bytes_max, state)
             SELECT * FROM unnest($5::bigint[], $6::text[], $7::integer[], $8::integer[], $9::integer[],
                                  $10::integer[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[])
             ON CONFLICT (asset, task) DO UPDATE SET
                 state = excluded.state, attempts = excluded.attempts, uncounted = excluded.uncounted,
                 not_producers_fault = excluded.not_producers_fault, answered = excluded.answered, wall_ms = excluded.wall_ms,
                 cpu_ms = excluded.cpu_ms, memory_bytes_max = excluded.memory_bytes_max
         )
         INSERT INTO open_tasks (asset, task, attempts, uncounted, not_producers_fault, answered, wall_ms, cpu_ms, memory_bytes_max,
                            urgency, queue_position, claimable_since, due, ready_at_ms)
         SELECT * FROM unnest($15::bigint[], $16::text[], $17::integer[], $18::integer[], $19::integer[],
                              $20::integer[], $21::bigint[], $22::bigint[], $23::bigint[], $24::smallint[],
                              $25::bigint[], $26::bigint[], $27::boolean[], $28::bigint[])
         ON CONFLICT (asset, task) DO UPDATE SET
             attempts = excluded.attempts, uncounted = excluded.uncounted, not_producers_fault = excluded.not_producers_fault,
             answered = excluded.answered, wall_ms = excluded.wall_ms, cpu_ms = excluded.cpu_ms,
             memory_bytes_max = excluded.memory_bytes_max, claimable_since = excluded.claimable_since, due = excluded.due,
             ready_at_ms = excluded.ready_at_ms, lease_owner = NULL, lease_until_ms = NULL, claimed_at_ms = NULL,
             claim = NULL",
        &changes.closed.0,
        &changes.closed.1,
        &changes.restarted.0,
        &changes.restarted.1,
        &settled.asset,
        &settled.task,
        &settled.attempts,
        &settled.uncounted,
        &settled.not_producers_fault,
        &settled.answered,
        &settled.wall_ms,
        &settled.cpu_ms,
        &settled.memory_bytes_max,
        &changes.state as _,
        &open.asset,
        &open.task,
        &open.attempts,
        &open.uncounted,
        &open.not_producers_fault,
        &open.answered,
        &open.wall_ms,
        &open.cpu_ms,
        &open.memory_bytes_max,
        &changes.urgency,
        &changes.queue_position,
        &changes.claimable_since,
        &changes.due,
        &changes.ready_at_ms,
    )
    .execute(conn)
    .await
    .map_err(db("write tasks"))?;
    Ok(())
}

fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
