//! Queries of the memory store.

use std::collections::BTreeMap;
use std::ops::Bound;

use reelgate_cost::node::NodeRate;
use reelgate_flow::asset::TaskState;
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;
use reelgate_ports::caption_files::family_sha256;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::order::prefix_of;
use reelgate_ports::records::{
    AccountSums, AssetBudget, AssetDetail, AssetRecord, EstimateRow, LedgerPosition, LedgerRecord, LedgerRow,
    MediaProgress, NodeRecord, QueueRow, ShareRecord, ShareRow, TaskRow, WorkSample,
};
use reelgate_ports::store::{AssetFilter, Backlog, LedgerFilter, ListFrom, Product, ShareFilter};

use super::outbox::deliveries_owed;
use super::state::{ShareKey, State, Stored};
use crate::work::AssetRow;

/// Maximum number of ids that [`find`] returns.
const FIND_MAX: usize = 10;
/// Milliseconds after which a silent node is no longer listed: a day.
const SILENT_MS_MAX: u64 = 24 * 3_600_000;

pub(super) fn missing(id: &AssetId) -> PortError {
    PortError::new(
        Port::Store,
        ErrorKind::Missing,
        "find asset",
        format!("no asset {id}; `reelgate list` shows them"),
    )
}

pub(super) fn asset(state: &State, id: &AssetId) -> PortResult<AssetDetail> {
    let stored = state.find(id).ok_or_else(|| missing(id))?;
    let shown = stored.row.linked_to.as_ref().and_then(|shown| state.find(shown)).unwrap_or(stored);
    Ok(AssetDetail {
        asset: stored.row.record(),
        facts: stored.facts.clone(),
        tasks: tasks(stored),
        renditions: shown.renditions.clone(),
        findings: stored.findings.clone(),
        metadata: stored.metadata.clone(),
    })
}

/// A page of the ledger.
pub(super) fn ledger(state: &State, filter: &LedgerFilter) -> PortResult<Vec<LedgerRow>> {
    let arrival = |id: &AssetId| state.arrivals.get(id).copied().ok_or_else(|| missing(id));
    let only = filter.asset.as_ref().map(arrival).transpose()?;
    let mut from = Bound::Unbounded;
    if let Some(LedgerPosition { asset, task, attempt, resource }) = &filter.after {
        from = Bound::Excluded((arrival(asset)?, task.text(), *attempt, resource.as_str()));
    }
    let is_wanted = |((asset, ..), record): &(&(i64, String, u32, &str), &LedgerRecord)| {
        only.is_none_or(|only| only == *asset)
            && filter.from_ms.is_none_or(|from_ms| record.at_ms >= from_ms)
            && filter.until_ms.is_none_or(|until_ms| record.at_ms < until_ms)
    };
    let rows = state.ledger.range((from, Bound::Unbounded)).filter(is_wanted);
    let row = |(_, record): (&_, &LedgerRecord)| {
        let source = state.find(&record.asset).map(|stored| &stored.row.source);
        let key = source.map(|source| source.id.key.clone()).unwrap_or_default();
        LedgerRow { record: record.clone(), key, size_bytes: source.map_or(0, |source| source.size_bytes) }
    };
    Ok(rows.take(filter.lines_max as usize).map(row).collect())
}

/// A page of shares.
pub(super) fn shares(state: &State, filter: &ShareFilter) -> PortResult<Vec<ShareRow>> {
    let only = filter.asset.as_ref().map(|id| state.arrivals.get(id).copied().ok_or_else(|| missing(id)));
    let only = only.transpose()?;
    let after = filter.after.as_ref().and_then(|share| state.share_key(share));
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let is_wanted = |((day, arrival, ..), _): &(&ShareKey, &ShareRecord)| {
        only.is_none_or(|only| only == *arrival)
            && filter.from_day.is_none_or(|from| *day >= from)
            && filter.until_day.is_none_or(|until| *day < until)
    };
    let row = |(_, record): (&ShareKey, &ShareRecord)| {
        let stored = record.asset.as_ref().and_then(|asset| state.find(asset));
        let key = stored.map(|stored| stored.row.source.id.key.clone()).unwrap_or_default();
        ShareRow { record: record.clone(), key }
    };
    let rows = state.shares.range((from, Bound::Unbounded)).filter(is_wanted);
    Ok(rows.take(filter.lines_max as usize).map(row).collect())
}

/// How long nodes of each rate were up on a day.
pub(super) fn uptimes(state: &State, of_day: u32) -> Vec<(NodeRate, u64)> {
    let on_day = state.uptimes.iter().filter(|((.., day), _)| *day == of_day);
    on_day.map(|(_, (rate, from_ms, until_ms))| (rate.clone(), until_ms.saturating_sub(*from_ms))).collect()
}

/// The last lines of successful attempts whose work is known, oldest first.
pub(super) fn recent_work(state: &State, lines_max: u32) -> Vec<WorkSample> {
    let is_known = |(_, record): &(&_, &LedgerRecord)| record.units > 0 && !record.waste;
    let mut lines: Vec<_> = state.ledger.iter().filter(is_known).collect();
    lines.sort_by_key(|(position, record)| (record.at_ms, *position));
    let sample = |(_, record): &(_, &LedgerRecord)| WorkSample {
        task: record.task,
        part: record.part.clone(),
        node_type: record.node_type.clone(),
        resource: record.charge.resource,
        quantity: record.charge.quantity,
        units: record.units,
    };
    lines[lines.len().saturating_sub(lines_max as usize)..].iter().map(sample).collect()
}

/// What assets were estimated to cost and did cost, after an asset.
pub(super) fn estimates(state: &State, after: Option<&AssetId>, rows_max: u32) -> Vec<EstimateRow> {
    let after = after.and_then(|id| state.arrivals.get(id)).copied().unwrap_or(0);
    let row = |(arrival, budget): (&i64, &AssetBudget)| {
        let asset = &state.at(*arrival)?.row;
        Some(EstimateRow {
            asset: asset.id.clone(),
            key: asset.source.id.key.clone(),
            size_bytes: asset.source.size_bytes,
            estimated: budget.estimated?,
            cost: budget.cost?,
        })
    };
    state.budgets.range(after + 1..).filter_map(row).take(rows_max as usize).collect()
}

/// The sums of accounts.
pub(super) fn account_sums(state: &State, names: &[String]) -> BTreeMap<String, AccountSums> {
    names.iter().filter_map(|name| Some((name.clone(), *state.accounts.get(name)?))).collect()
}

fn tasks(stored: &Stored) -> Vec<TaskRow> {
    let row = |(task, record): (&_, &reelgate_flow::asset::TaskRecord)| {
        let extra = stored.extras.get(task);
        TaskRow {
            task: *task,
            lane: task.lane(),
            state: record.state,
            attempts: record.attempts,
            wall_ms: extra.map_or(0, |extra| extra.wall_ms),
            cpu_ms: extra.map_or(0, |extra| extra.cpu_ms),
        }
    };
    stored.row.core.tasks.iter().map(row).collect()
}

pub(super) fn assets(state: &State, filter: &AssetFilter) -> PortResult<Vec<AssetRecord>> {
    let edge = filter.from.edge().map(|id| state.arrivals.get(id).copied().ok_or_else(|| missing(id)));
    let edge = edge.transpose()?;
    let wanted = |stored: &&Stored| {
        let (phase, arrival) = (stored.row.core.phase, stored.row.arrival);
        let is_beyond = edge.is_none_or(|edge| match filter.from {
            ListFrom::Oldest(_) => arrival > edge,
            ListFrom::Newest(_) => arrival < edge,
        });
        let has = |(name, value): &(String, String)| stored.metadata.get(name) == Some(value);
        is_beyond
            && filter.metadata.iter().all(has)
            && (filter.phases.is_empty() || filter.phases.contains(&phase))
    };
    let (found, limit) = (state.assets.iter().filter(wanted), filter.limit as usize);
    let record = |stored: &Stored| stored.row.record();
    Ok(match filter.from {
        ListFrom::Oldest(_) => found.take(limit).map(record).collect(),
        ListFrom::Newest(_) => found.rev().take(limit).map(record).collect(),
    })
}

/// The other assets of an asset's family of names, in order of arrival.
pub(super) fn family(state: &State, id: &AssetId) -> PortResult<Vec<AssetRecord>> {
    let own = &state.find(id).ok_or_else(|| missing(id))?.row;
    let all = state.by_family.get(&family_sha256(&own.source.id.key));
    let rows = all.into_iter().flatten().filter_map(|arrival| Some(&state.at(*arrival)?.row));
    let is_other = |row: &&AssetRow| row.id != own.id && row.source.id.bucket == own.source.id.bucket;
    Ok(rows.filter(is_other).map(AssetRow::record).collect())
}

pub(super) fn find(state: &State, prefix: &str) -> Vec<AssetId> {
    if !AssetId::can_begin(prefix) {
        return Vec::new();
    }
    let from = state.arrivals.range(AssetId::new(prefix)..).map(|(id, _)| id);
    from.take_while(|id| id.as_str().starts_with(prefix)).take(FIND_MAX).cloned().collect()
}

/// The products of an asset's finished tasks, in order of task.
pub(super) fn products(state: &State, id: &AssetId) -> Vec<Product> {
    let Some(stored) = state.find(id) else { return Vec::new() };
    stored.products.values().filter(|product| is_done(stored, product)).cloned().collect()
}

/// The product of one finished task.
pub(super) fn product(state: &State, id: &AssetId, task: TaskKey) -> Option<Product> {
    let stored = state.find(id)?;
    stored.products.get(&task).filter(|product| is_done(stored, product)).cloned()
}

/// Whether the task that left this product is done now.
fn is_done(stored: &Stored, product: &Product) -> bool {
    let record = stored.row.core.tasks.get(&product.task);
    record.is_some_and(|record| record.state == TaskState::Done)
}

/// The progress of an asset's planned media work.
pub(super) fn progress(state: &State, id: &AssetId) -> MediaProgress {
    let mut progress = MediaProgress::default();
    let Some(stored) = state.find(id) else { return progress };
    for job in stored.jobs.values() {
        progress.planned_ns += job.media_ns;
        let done = stored.row.core.tasks.get(&job.task).is_some_and(|task| task.state == TaskState::Done);
        progress.done_ns += if done { job.media_ns } else { 0 };
    }
    progress
}

/// Milliseconds until a task can be claimed, a lease expires or a notice is due.
pub(super) fn next_due_ms(state: &State, now_ms: u64) -> Option<u64> {
    let waiting = state.waiting.values().flatten();
    let ready =
        waiting.filter_map(|(.., arrival, _, task)| Some(state.at(*arrival)?.extras.get(task)?.ready_at_ms));
    let leased = state.leased.first().map(|(until_ms, ..)| *until_ms);
    let owed = state.outbox.values().map(|owed| owed.due_ms);
    ready.chain(leased).chain(owed).min().map(|due_ms| due_ms.saturating_sub(now_ms))
}

pub(super) fn backlog(state: &State, now_ms: u64) -> Backlog {
    let ready = state.waiting.iter().map(|(lane, waiting)| (*lane, waiting.len() as u64));
    let live = state.leased.iter().filter(|(until_ms, ..)| *until_ms > now_ms);
    Backlog {
        ready: ready.filter(|(_, count)| *count > 0).collect(),
        leased: counted(live.map(|(.., task)| task.lane())),
        assets: counted(state.assets.iter().map(|stored| stored.row.core.phase)),
        outbox: state.outbox.len() as u64,
        deliveries: deliveries_owed(state, now_ms),
    }
}

fn counted<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<(K, u64)> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// Waiting and leased tasks by lane, stage, priority and prefix, the longest wait first.
pub(super) fn queue(state: &State, now_ms: u64, rows_max: u32) -> Vec<QueueRow> {
    let waiting = state.waiting.values().flatten().map(|(.., arrival, _, task)| (*arrival, *task));
    let leased = state.leased.iter().map(|(_, arrival, task)| (*arrival, *task));
    let mut rows: BTreeMap<(&str, &str, &str, &str), QueueRow> = BTreeMap::new();
    for (arrival, task) in waiting.chain(leased) {
        let Some(stored) = state.at(arrival) else { continue };
        let Some(extra) = stored.extras.get(&task) else { continue };
        let (lane, priority, stage) = (task.lane(), stored.row.priority, task.stage());
        let prefix = prefix_of(&stored.row.source.id.key);
        let row = rows.entry((lane.as_str(), stage, priority.as_str(), prefix)).or_insert_with(|| QueueRow {
            lane,
            stage: stage.to_owned(),
            priority,
            prefix: prefix.to_owned(),
            waiting: 0,
            leased: 0,
            oldest_ms: 0,
        });
        let held = extra.lease.is_some();
        row.leased += u64::from(held);
        row.waiting += u64::from(!held);
        row.oldest_ms = row.oldest_ms.max(now_ms.saturating_sub(extra.ready_at_ms));
    }
    let mut rows: Vec<QueueRow> = rows.into_values().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.oldest_ms));
    rows.truncate(rows_max as usize);
    rows
}

pub(super) fn nodes(state: &State, now_ms: u64) -> Vec<NodeRecord> {
    let lately = state.nodes.values().filter(|node| now_ms.saturating_sub(node.seen_ms) <= SILENT_MS_MAX);
    lately
        .map(|node| NodeRecord {
            report: node.report.clone(),
            first_seen_ms: node.first_seen_ms,
            silent_ms: now_ms.saturating_sub(node.seen_ms),
            drain_ordered: node.drain_ordered,
        })
        .collect()
}
