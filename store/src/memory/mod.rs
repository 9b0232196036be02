//! A store in memory: ordered maps, deterministic, on a clock that the caller gives. It runs the same service as the databases,
//! so seeded schedules drive the production code.
//!
//! A call waits for nothing but another call of the same store. Without a concurrent call its future is ready at the first
//! poll ([`now`]).

mod claim;
mod outbox;
mod queries;
mod session;
mod shards;
mod state;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use reelgate_cost::cap::Caps;
use reelgate_cost::line::day_of;
use reelgate_cost::node::NodeRate;
use reelgate_flow::asset::Redo;
use reelgate_flow::ids::{AssetId, NodeId, NoticeId, ReceiverName, SourceId};
use reelgate_flow::plain::counted;
use reelgate_flow::policy::Policy;
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::clock::Clock;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{
    AccountSums, Applied, Approval, AssetDetail, AssetRecord, AuditRecord, Claim, CostDays, DayClosing,
    Decision, DecisionOutcome, EstimateRow, ExternalScanEvent, Fence, HeavyPause, HistoryRecord, Ingested,
    LedgerRow, MediaProgress, NodeRecord, NodeReport, NoticeRecord, Principal, Proposal, QueueRow, Retained,
    ShareRow, TaskReport, UnarchivedResult, WorkSample,
};
use reelgate_ports::shards::ShardRow;
use reelgate_ports::store::{
    AssetFilter, Backlog, Decisions, Intake, LedgerFilter, Maintenance, Nodes, Outbox, Product, Queries,
    Queue, ShareFilter,
};
use tokio::sync::Mutex;

use crate::service::{
    self, Approve, CloseDay, Complete, Decide, Ingest, IngestFindings, Reap, Redrive, RedriveUnarchived,
    RemoveDelivered, Review, Seal, Transact, WriteCall,
};
use crate::work::{AssetRow, LATE_EVENT_MS_MAX, TaskExtra, Violations};
use session::MemorySession;
use state::{Node, State};

const DAY_MS: u64 = 24 * 3_600_000;

/// The store in memory; clones share the same contents.
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
    violations: Arc<Violations>,
    policy: Arc<Policy>,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// An empty store on this clock, with the default policy.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { state: Arc::default(), clock, violations: Arc::default(), policy: Arc::default() }
    }

    /// The same store, with the policy that answers findings from now on.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy: Arc::new(policy), ..self }
    }

    fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Passes an asset's current state to `look`, for tests that check every commit. `None` if the asset is unknown or a call
    /// is running.
    pub fn inspect<R>(&self, asset: &AssetId, look: impl FnOnce(Inspected<'_>) -> R) -> Option<R> {
        let state = self.state.try_lock().ok()?;
        let stored = state.find(asset)?;
        Some(look(Inspected { row: &stored.row, extras: &stored.extras, history: &stored.history }))
    }

    /// Everything that the store holds, as text, for tests that search it for what must not be there. `None` if a call is
    /// running.
    pub fn dump(&self) -> Option<String> {
        self.state.try_lock().ok().map(|state| format!("{state:?}"))
    }

    /// The current rows of a stream's shards; `None` if a call is running.
    pub fn shard_rows(&self, stream: &str) -> Option<Vec<ShardRow>> {
        self.state.try_lock().ok().map(|state| state.shard_rows(stream))
    }

    /// Deletes the rows of a stream's shards whatever their leases, for tests of readers that must survive it. `None` if a call
    /// is running.
    pub fn delete_shards(&self, stream: &str) -> Option<()> {
        self.state.try_lock().ok().map(|mut state| state.shards.retain(|(of, _), _| of != stream))
    }

    /// Leases one particular task that is to be done, even if a node has leased it, so that a schedule can choose any order of
    /// claims. `None` if there is no such task or a call is running.
    pub fn lease_task(&self, node: &NodeId, asset: &AssetId, task: TaskKey, lease_ms: u64) -> Option<Claim> {
        let mut state = self.state.try_lock().ok()?;
        let arrival = *state.arrivals.get(asset)?;
        claim::lease(&mut state, self.now_ms(), node, arrival, task, lease_ms)
    }
}

/// The current state of an asset.
#[derive(Debug)]
pub struct Inspected<'a> {
    /// Its own row, with its tasks.
    pub row: &'a AssetRow,
    /// What its tasks' rows hold besides the core's records.
    pub extras: &'a BTreeMap<TaskKey, TaskExtra>,
    /// Its history, in order.
    pub history: &'a [HistoryRecord],
}

/// Polls a future once: a call of a [`MemoryStore`] without a concurrent call is then ready. `None` if the future waits.
pub fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

impl Transact for MemoryStore {
    async fn transact<C: WriteCall>(&self, call: &C) -> PortResult<C::Output> {
        let mut session = MemorySession::new(self.state.lock().await, self.now_ms(), self.policy.clone());
        let output = call.run(&mut session).await?;
        self.violations.count(session.commit());
        Ok(output)
    }
}

#[async_trait]
impl Intake for MemoryStore {
    async fn ingest(&self, batch: &EventBatch) -> PortResult<Vec<Ingested>> {
        self.transact(&Ingest(batch)).await
    }

    async fn ingest_findings(&self, scans: &[ExternalScanEvent]) -> PortResult<Vec<String>> {
        self.transact(&IngestFindings(scans)).await
    }

    async fn redrive_unarchived(&self, uploads: &[SourceId]) -> PortResult<Vec<UnarchivedResult>> {
        self.transact(&RedriveUnarchived(uploads)).await
    }

    async fn known(&self, assets: &[AssetId]) -> PortResult<BTreeSet<AssetId>> {
        let state = self.state.lock().await;
        Ok(assets.iter().filter(|id| state.arrivals.contains_key(*id)).cloned().collect())
    }
}

#[async_trait]
impl Queue for MemoryStore {
    async fn claim(
        &self,
        node: &NodeId,
        lane: Lane,
        tasks_max: u16,
        lease_ms: u64,
    ) -> PortResult<Vec<Claim>> {
        let mut state = self.state.lock().await;
        Ok(claim::claim(&mut state, self.now_ms(), node, lane, tasks_max, lease_ms))
    }

    async fn heartbeat(&self, node: &NodeId, fences: &[Fence], lease_ms: u64) -> PortResult<Vec<Fence>> {
        let mut state = self.state.lock().await;
        Ok(claim::heartbeat(&mut state, self.now_ms(), node, fences, lease_ms))
    }

    async fn complete(&self, reports: &[TaskReport]) -> PortResult<Vec<Applied>> {
        self.transact(&Complete(reports)).await
    }

    async fn reap(&self) -> PortResult<u64> {
        Ok(self.transact(&Reap { after_ms: None }).await?.ended)
    }

    async fn reclaim(&self, node: &NodeId) -> PortResult<u64> {
        service::reclaim(self, node).await
    }

    async fn next_due_ms(&self) -> PortResult<Option<u64>> {
        Ok(queries::next_due_ms(&*self.state.lock().await, self.now_ms()))
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn outbox(&self, notices_max: u16, hold_ms: u64) -> PortResult<Vec<NoticeRecord>> {
        Ok(outbox::due(&mut *self.state.lock().await, self.now_ms(), None, notices_max, hold_ms))
    }

    async fn address_notices(&self, notices: &[(NoticeId, Vec<ReceiverName>)]) -> PortResult<()> {
        outbox::address(&mut *self.state.lock().await, self.now_ms(), notices);
        Ok(())
    }

    async fn deliveries(
        &self,
        receiver: &ReceiverName,
        notices_max: u16,
        hold_ms: u64,
    ) -> PortResult<Vec<NoticeRecord>> {
        let mut state = self.state.lock().await;
        Ok(outbox::due(&mut state, self.now_ms(), Some(receiver), notices_max, hold_ms))
    }

    async fn notices_delivered(&self, receiver: &ReceiverName, ids: &[NoticeId]) -> PortResult<()> {
        self.transact(&RemoveDelivered { receiver, ids }).await
    }

    async fn notice_deferred(&self, receiver: &ReceiverName, id: &NoticeId, delay_ms: u64) -> PortResult<()> {
        let due_ms = self.now_ms().saturating_add(delay_ms);
        outbox::defer(&mut *self.state.lock().await, receiver, id, due_ms)
    }

    async fn end_unserved(
        &self,
        receivers: &[ReceiverName],
        unserved_ms: u64,
    ) -> PortResult<Vec<(ReceiverName, u64)>> {
        let until_ms = self.now_ms().saturating_sub(unserved_ms);
        Ok(outbox::end_unserved(&mut *self.state.lock().await, receivers, until_ms))
    }
}

#[async_trait]
impl Queries for MemoryStore {
    async fn products(&self, asset: &AssetId) -> PortResult<Vec<Product>> {
        Ok(queries::products(&*self.state.lock().await, asset))
    }

    async fn product(&self, asset: &AssetId, task: TaskKey) -> PortResult<Option<Product>> {
        Ok(queries::product(&*self.state.lock().await, asset, task))
    }

    async fn media_progress(&self, asset: &AssetId) -> PortResult<MediaProgress> {
        Ok(queries::progress(&*self.state.lock().await, asset))
    }

    async fn asset(&self, asset: &AssetId) -> PortResult<AssetDetail> {
        queries::asset(&*self.state.lock().await, asset)
    }

    async fn assets(&self, filter: &AssetFilter) -> PortResult<Vec<AssetRecord>> {
        queries::assets(&*self.state.lock().await, filter)
    }

    async fn family(&self, asset: &AssetId) -> PortResult<Vec<AssetRecord>> {
        queries::family(&*self.state.lock().await, asset)
    }

    async fn find(&self, prefix: &str) -> PortResult<Vec<AssetId>> {
        Ok(queries::find(&*self.state.lock().await, prefix))
    }

    async fn history(&self, asset: &AssetId) -> PortResult<Vec<HistoryRecord>> {
        let state = self.state.lock().await;
        Ok(state.find(asset).ok_or_else(|| queries::missing(asset))?.history.clone())
    }

    async fn redaction(&self, asset: &AssetId) -> PortResult<Option<serde_json::Value>> {
        let state = self.state.lock().await;
        let redacted = state.find(asset).filter(|stored| stored.row.core.flags.redacted);
        Ok(redacted.and_then(|stored| stored.redaction.clone()))
    }

    async fn proposal(&self, asset: &AssetId) -> PortResult<Option<Proposal>> {
        Ok(self.state.lock().await.find(asset).and_then(|stored| stored.proposal.clone()))
    }

    async fn audit(&self, after: u64, records_max: u32) -> PortResult<Vec<AuditRecord>> {
        let state = self.state.lock().await;
        let after = state.audit.iter().skip_while(|record| record.number <= after);
        Ok(after.take(records_max as usize).cloned().collect())
    }

    async fn audit_end(&self) -> PortResult<Option<AuditRecord>> {
        Ok(self.state.lock().await.audit.last().cloned())
    }

    async fn ledger(&self, filter: &LedgerFilter) -> PortResult<Vec<LedgerRow>> {
        queries::ledger(&*self.state.lock().await, filter)
    }

    async fn shares(&self, filter: &ShareFilter) -> PortResult<Vec<ShareRow>> {
        queries::shares(&*self.state.lock().await, filter)
    }

    async fn uptimes(&self, day: u32) -> PortResult<Vec<(NodeRate, u64)>> {
        Ok(queries::uptimes(&*self.state.lock().await, day))
    }

    async fn cost_days(&self) -> PortResult<CostDays> {
        let finished = CostDays::finished_at(self.now_ms());
        let closed = self.state.lock().await.closed_days.range(..=finished).next_back().copied();
        Ok(CostDays { closed, finished })
    }

    async fn estimates(&self, after: Option<&AssetId>, rows_max: u32) -> PortResult<Vec<EstimateRow>> {
        Ok(queries::estimates(&*self.state.lock().await, after, rows_max))
    }

    async fn account_sums(&self, names: &[String]) -> PortResult<BTreeMap<String, AccountSums>> {
        Ok(queries::account_sums(&*self.state.lock().await, names))
    }

    async fn recent_work(&self, lines_max: u32) -> PortResult<Vec<WorkSample>> {
        Ok(queries::recent_work(&*self.state.lock().await, lines_max))
    }

    async fn queue(&self, rows_max: u32) -> PortResult<Vec<QueueRow>> {
        Ok(queries::queue(&*self.state.lock().await, self.now_ms(), rows_max))
    }

    async fn backlog(&self) -> PortResult<Backlog> {
        Ok(queries::backlog(&*self.state.lock().await, self.now_ms()))
    }
}

#[async_trait]
impl Decisions for MemoryStore {
    async fn redrive(&self, asset: &AssetId) -> PortResult<()> {
        self.transact(&Redrive(asset)).await
    }

    async fn redo(&self, asset: &AssetId, what: Redo) -> PortResult<()> {
        self.transact(&service::RedoAsset(asset, what)).await
    }

    async fn decide(&self, asset: &AssetId, decision: &Decision) -> PortResult<DecisionOutcome> {
        self.transact(&Decide(asset, decision)).await
    }

    async fn approve(&self, asset: &AssetId, approval: &Approval) -> PortResult<Decision> {
        self.transact(&Approve(asset, approval)).await
    }

    async fn admit(&self, caps: &Caps) -> PortResult<u64> {
        service::admit(self, caps).await
    }

    async fn review(&self, review_ms: u64) -> PortResult<u64> {
        self.transact(&Review(review_ms)).await
    }
}

#[async_trait]
impl Nodes for MemoryStore {
    async fn node_seen(&self, report: &NodeReport) -> PortResult<bool> {
        let now_ms = self.now_ms();
        let mut state = self.state.lock().await;
        let node = state.nodes.entry(report.node.clone()).or_insert_with(|| Node {
            report: report.clone(),
            first_seen_ms: now_ms,
            seen_ms: now_ms,
            drain_ordered: false,
        });
        (node.report, node.seen_ms) = (report.clone(), now_ms);
        Ok(node.drain_ordered)
    }

    async fn node_up(&self, report: &NodeReport) -> PortResult<()> {
        let Some(rate) = &report.rate else { return Ok(()) };
        let (now_ms, mut state) = (self.now_ms(), self.state.lock().await);
        let key = (report.node.clone(), report.process.clone(), day_of(now_ms));
        let (kept, _, until_ms) = state.uptimes.entry(key).or_insert((rate.clone(), now_ms, now_ms));
        (*kept, *until_ms) = (rate.clone(), now_ms.max(*until_ms));
        Ok(())
    }

    async fn nodes(&self) -> PortResult<Vec<NodeRecord>> {
        Ok(queries::nodes(&*self.state.lock().await, self.now_ms()))
    }

    async fn order_drain(&self, node: &NodeId, drain: bool) -> PortResult<()> {
        let mut state = self.state.lock().await;
        let unknown = || {
            let detail = format!("no node {node}; `reelgate fleet status` shows them");
            PortError::new(Port::Store, ErrorKind::Missing, "order a node to drain", detail)
        };
        state.nodes.get_mut(node).ok_or_else(unknown)?.drain_ordered = drain;
        Ok(())
    }

    async fn pause_heavy(&self, reason: &str, by: &Principal) -> PortResult<()> {
        let since_ms = self.now_ms();
        let pause = HeavyPause { reason: reason.to_owned(), by: by.clone(), since_ms };
        self.state.lock().await.heavy_pause = Some(pause);
        Ok(())
    }

    async fn resume_heavy(&self) -> PortResult<bool> {
        Ok(self.state.lock().await.heavy_pause.take().is_some())
    }

    async fn heavy_pause(&self) -> PortResult<Option<HeavyPause>> {
        Ok(self.state.lock().await.heavy_pause.clone())
    }
}

#[async_trait]
impl Maintenance for MemoryStore {
    async fn seal(&self, records_max: u32) -> PortResult<u64> {
        self.transact(&Seal(records_max)).await
    }

    async fn close_day(&self, closing: &DayClosing) -> PortResult<bool> {
        self.transact(&CloseDay(closing)).await
    }

    async fn retain(&self, days: Option<u32>) -> PortResult<Retained> {
        let late_ms = self.now_ms().saturating_sub(LATE_EVENT_MS_MAX);
        let mut state = self.state.lock().await;
        state.deletions.retain(|_, (_, kept_ms)| *kept_ms >= late_ms);
        state.unlinked.retain(|_, (_, kept_ms)| *kept_ms >= late_ms);
        state.scans.retain(|_, (_, kept_ms)| *kept_ms >= late_ms);
        state.refused.retain(|_, (_, kept_ms)| *kept_ms >= late_ms);
        let Some(days) = days else { return Ok(Retained::default()) };
        let until_ms = self.now_ms().saturating_sub(u64::from(days) * DAY_MS);
        let mut retained = Retained::default();
        for stored in &mut state.assets {
            let old = stored.row.ended_ms.is_some_and(|ended_ms| ended_ms < until_ms);
            if old && !stored.row.core.flags.held && !stored.history.is_empty() {
                stored.history.clear();
                retained.removed += 1;
            }
        }
        Ok(retained)
    }

    /// Does nothing: there is no connection to close.
    async fn close(&self) {}

    fn violations(&self) -> Vec<(String, u64)> {
        self.violations.counts()
    }

    async fn check(&self) -> PortResult<String> {
        let assets = self.state.lock().await.assets.len() as u64;
        Ok(format!("{} in memory", counted(assets, "asset", "assets")))
    }
}
