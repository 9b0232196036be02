//! Leases due tasks. The lease counts the attempt, before any work starts.

use std::collections::BTreeSet;

use reelgate_flow::ids::NodeId;
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::records::{Claim, Fence, HistoryEvent, HistoryRecord};

use super::state::{ClaimPosition, State};
use crate::history_lines;
use crate::work::Lease;

/// Leases up to `tasks_max` due tasks, the most urgent kind first, then by the queue position of their assets.
///
/// A task with an expired lease cannot be claimed before the lease is reaped.
pub(super) fn claim(
    state: &mut State,
    now_ms: u64,
    node: &NodeId,
    lane: Lane,
    tasks_max: u16,
    lease_ms: u64,
) -> Vec<Claim> {
    if lane == Lane::Heavy && state.heavy_pause.is_some() {
        return Vec::new();
    }
    let is_due = |(.., arrival, _, task): &&ClaimPosition| {
        let extra = state.at(*arrival).and_then(|stored| stored.extras.get(task));
        extra.is_some_and(|extra| extra.ready_at_ms <= now_ms)
    };
    let waiting = state.waiting.get(&lane).into_iter().flatten();
    let mut due: Vec<ClaimPosition> = waiting.filter(is_due).take(usize::from(tasks_max)).copied().collect();
    due.sort_by_key(|(urgency, place, arrival, _, task)| (*urgency, *place, *arrival, *task));
    due.into_iter()
        .filter_map(|(.., arrival, _, task)| lease(state, now_ms, node, arrival, task, lease_ms))
        .collect()
}

/// Leases one task.
pub(super) fn lease(
    state: &mut State,
    now_ms: u64,
    node: &NodeId,
    arrival: i64,
    task: TaskKey,
    lease_ms: u64,
) -> Option<Claim> {
    state.forget_task(arrival, task);
    let stored = state.at_mut(arrival)?;
    let record = stored.row.core.tasks.get_mut(&task)?;
    record.attempts += 1;
    let attempt = record.attempts;
    let until_ms = now_ms.saturating_add(lease_ms);
    stored.extras.get_mut(&task)?.lease = Some(Lease { owner: node.as_str().to_owned(), until_ms });
    stored.claimed_ms.insert(task, now_ms);
    stored.row.history_lines += 1;
    let row = &stored.row;
    let line = HistoryRecord {
        sequence: row.history_lines,
        task: Some(task),
        attempt: Some(attempt),
        node: Some(node.clone()),
        ..history_lines::line(now_ms, HistoryEvent::Claimed, "")
    };
    let exit = row.core.exit.filter(|_| task == TaskKey::Withdraw);
    let claim = Claim {
        fence: Fence { asset: row.id.clone(), task, attempt },
        lease_ms,
        source: row.source.clone(),
        linked: row.core.linked,
        exit,
        keeps_outputs: exit.is_some_and(|exit| row.core.flags.keeps_outputs(exit)),
        job: stored.jobs.get(&task).map(|job| job.job.clone()),
    };
    state.add_history(arrival, line);
    state.index_task(arrival, task);
    Some(claim)
}

/// Renews the leases that this node still owns; returns the other fences.
pub(super) fn heartbeat(
    state: &mut State,
    now_ms: u64,
    node: &NodeId,
    fences: &[Fence],
    lease_ms: u64,
) -> Vec<Fence> {
    let until_ms = now_ms.saturating_add(lease_ms);
    let held: BTreeSet<Fence> =
        fences.iter().filter(|fence| extend(state, node, fence, until_ms).is_some()).cloned().collect();
    fences.iter().filter(|fence| !held.contains(*fence)).cloned().collect()
}

fn extend(state: &mut State, node: &NodeId, fence: &Fence, until_ms: u64) -> Option<()> {
    let arrival = *state.arrivals.get(&fence.asset)?;
    let stored = state.at_mut(arrival)?;
    let attempts = stored.row.core.tasks.get(&fence.task)?.attempts;
    let lease = stored.extras.get_mut(&fence.task)?.lease.as_mut()?;
    if attempts != fence.attempt || lease.owner != node.as_str() {
        return None;
    }
    let before_ms = std::mem::replace(&mut lease.until_ms, until_ms);
    state.leased.remove(&(before_ms, arrival, fence.task));
    state.leased.insert((until_ms, arrival, fence.task));
    Some(())
}
