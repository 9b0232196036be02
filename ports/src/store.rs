//! The store of assets, tasks, history and outbox. Every call is one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use reelgate_cost::cap::Caps;
use reelgate_cost::node::NodeRate;
use reelgate_flow::asset::{Phase, Redo};
use reelgate_flow::ids::{AssetId, NodeId, NoticeId, ReceiverName, SourceId};
use reelgate_flow::task::{Lane, TaskKey};

use crate::error::PortResult;
use crate::events::EventBatch;
use crate::records::{
    AccountSums, Applied, Approval, AssetDetail, AssetRecord, AuditRecord, Claim, CostDays, DayClosing,
    Decision, DecisionOutcome, EstimateRow, ExternalScanEvent, Fence, HeavyPause, HistoryRecord, Ingested,
    LedgerPosition, LedgerRow, MediaProgress, NodeRecord, NodeReport, NoticeRecord, Principal, Proposal,
    QueueRow, Retained, ShareRecord, ShareRow, StagedOutput, TaskReport, UnarchivedResult, WorkSample,
};

/// Filter of [`Queries::assets`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetFilter {
    /// Only these phases; empty for all.
    pub phases: Vec<Phase>,
    /// Only assets whose producers gave all of these names of metadata these values.
    pub metadata: Vec<(String, String)>,
    /// At most this many.
    pub limit: u32,
    /// Where the list begins, and its order.
    pub from: ListFrom,
}

/// The order of a list of assets, and the asset that the page before it ended with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListFrom {
    /// In the order of arrival, only assets after this one.
    Oldest(Option<AssetId>),
    /// In the reverse order of arrival, only assets before this one.
    Newest(Option<AssetId>),
}

impl Default for ListFrom {
    fn default() -> Self {
        Self::Oldest(None)
    }
}

impl ListFrom {
    /// The asset that the page before this one ended with.
    pub fn edge(&self) -> Option<&AssetId> {
        let (Self::Oldest(edge) | Self::Newest(edge)) = self;
        edge.as_ref()
    }
}

/// A page of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerFilter {
    /// Only this asset.
    pub asset: Option<AssetId>,
    /// Only lines written at this time or later, milliseconds since 1970.
    pub from_ms: Option<u64>,
    /// Only lines written before this time, milliseconds since 1970.
    pub until_ms: Option<u64>,
    /// Only lines behind this position.
    pub after: Option<LedgerPosition>,
    /// At most this many.
    pub lines_max: u32,
}

/// A page of the shares of what nobody used alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShareFilter {
    /// Only those of this asset.
    pub asset: Option<AssetId>,
    /// Only of this day or later, counted from 1970-01-01.
    pub from_day: Option<u32>,
    /// Only of days before this one.
    pub until_day: Option<u32>,
    /// Only those behind this one.
    pub after: Option<ShareRecord>,
    /// At most this many.
    pub lines_max: u32,
}

/// Counts for health and progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Claimable or waiting tasks by lane.
    pub ready: Vec<(Lane, u64)>,
    /// Tasks under a live lease by lane.
    pub leased: Vec<(Lane, u64)>,
    /// Assets by phase.
    pub assets: Vec<(Phase, u64)>,
    /// Rows of the outbox: notices that are not addressed yet, and deliveries that are owed.
    pub outbox: u64,
    /// The deliveries that are owed, by receiver.
    pub deliveries: Vec<DeliveriesOwed>,
}

/// What one receiver has not got yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveriesOwed {
    /// The receiver.
    pub receiver: ReceiverName,
    /// How many notices it has not got.
    pub notices: u64,
    /// How long ago the oldest of them was put into the outbox, in milliseconds.
    pub oldest_ms: u64,
}

/// The stored result of one task, for later stages.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// The task.
    pub task: TaskKey,
    /// Its result (plan, worker's result, packaging), as a document.
    pub result: serde_json::Value,
    /// The files it staged.
    pub outputs: Vec<StagedOutput>,
}

/// The whole store. Every call is one transaction.
pub trait Store: Intake + Queue + Outbox + Queries + Decisions + Nodes + Maintenance {}

impl<T: Intake + Queue + Outbox + Queries + Decisions + Nodes + Maintenance> Store for T {}

/// Ingest of uploads: what intake and the sweep call.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Ingests a batch and moves its checkpoint, in one transaction. A known (bucket, key, version) changes nothing, and
    /// an older event never overrides a newer one. A deletion supersedes assets that have not ended yet, and every older
    /// upload of the key that arrives after the deletion. `Conflict` if the caller no longer owns the checkpoint.
    /// Returns one result per created upload, in order.
    async fn ingest(&self, batch: &EventBatch) -> PortResult<Vec<Ingested>>;

    /// Ingests findings of the external scanner, as [`Intake::ingest`] does with those of a batch; returns the ids of the new
    /// ones. For the sweep of findings.
    async fn ingest_findings(&self, scans: &[ExternalScanEvent]) -> PortResult<Vec<String>>;

    /// Redrives the assets of these uploads that failed because their upload was archived, and changes no other. Returns one
    /// result per upload, in order.
    async fn redrive_unarchived(&self, uploads: &[SourceId]) -> PortResult<Vec<UnarchivedResult>>;

    /// Those of these assets that are known, for the sweep.
    async fn known(&self, assets: &[AssetId]) -> PortResult<BTreeSet<AssetId>>;
}

/// The queue of tasks: claims, leases and reports.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Leases up to `tasks_max` due tasks of a lane to a node: the most urgent kind first ([`TaskKey::urgency`]), then
    /// by place ([`crate::order`]). Counts the attempt.
    async fn claim(&self, node: &NodeId, lane: Lane, tasks_max: u16, lease_ms: u64)
    -> PortResult<Vec<Claim>>;

    /// Extends leases; returns the fences that the node no longer owns.
    async fn heartbeat(&self, node: &NodeId, fences: &[Fence], lease_ms: u64) -> PortResult<Vec<Fence>>;

    /// Commits reports in order: new state, new tasks, outbox, history, all in one transaction.
    async fn complete(&self, reports: &[TaskReport]) -> PortResult<Vec<Applied>>;

    /// Ends expired leases, each as a lost attempt; returns how many.
    async fn reap(&self) -> PortResult<u64>;

    /// Ends at once the leases that a dead process left under this node's name; returns how many.
    async fn reclaim(&self, node: &NodeId) -> PortResult<u64>;

    /// Waits until another process has created work, at most `most`. The return is only a hint, after which the caller must
    /// check the store. A store without such notifications waits between half of `most` and all of it, so that nodes do not
    /// check at the same time.
    async fn changed(&self, most: Duration) {
        tokio::time::sleep(spread(most)).await;
    }

    /// Milliseconds until the next task or notice becomes due; `None` if none is waiting.
    async fn next_due_ms(&self) -> PortResult<Option<u64>>;
}

/// Notices that wait for delivery: what the notifier calls. A notice is put into the outbox without a receiver, by whoever ends
/// an asset. A node that may deliver then addresses it: one row for each of its receivers, each with its own tries and waits.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Due notices that are not addressed yet, oldest first. They are not due again for `hold_ms`, so that several nodes can
    /// work in parallel; with 0 they stay due.
    async fn outbox(&self, notices_max: u16, hold_ms: u64) -> PortResult<Vec<NoticeRecord>>;

    /// Replaces each of these notices by one delivery for each of its receivers, due at once. A notice that is already
    /// addressed is skipped; one without receivers is removed.
    async fn address_notices(&self, notices: &[(NoticeId, Vec<ReceiverName>)]) -> PortResult<()>;

    /// Due deliveries of one receiver, oldest first, held as in [`Outbox::outbox`].
    async fn deliveries(
        &self,
        receiver: &ReceiverName,
        notices_max: u16,
        hold_ms: u64,
    ) -> PortResult<Vec<NoticeRecord>>;

    /// Removes a receiver's finished deliveries and writes them into the history.
    async fn notices_delivered(&self, receiver: &ReceiverName, ids: &[NoticeId]) -> PortResult<()>;

    /// Defers a delivery until `delay_ms` from now and counts the try.
    async fn notice_deferred(&self, receiver: &ReceiverName, id: &NoticeId, delay_ms: u64) -> PortResult<()>;

    /// Ends deliveries to other receivers than these that have been due for `unserved_ms`: no node tries them any more.
    /// Returns how many it ended, by receiver.
    async fn end_unserved(
        &self,
        receivers: &[ReceiverName],
        unserved_ms: u64,
    ) -> PortResult<Vec<(ReceiverName, u64)>>;
}

/// Queries, which change nothing.
#[async_trait]
pub trait Queries: Send + Sync {
    /// The results of an asset's finished tasks, in order of task.
    async fn products(&self, asset: &AssetId) -> PortResult<Vec<Product>>;

    /// The result of one task of an asset; `None` if the task has not finished or has no result.
    async fn product(&self, asset: &AssetId, task: TaskKey) -> PortResult<Option<Product>>;

    /// How much of an asset's planned media work is done. The size of the answer does not depend on the number of tasks.
    async fn media_progress(&self, asset: &AssetId) -> PortResult<MediaProgress>;

    /// One asset; `Missing` if there is none.
    async fn asset(&self, asset: &AssetId) -> PortResult<AssetDetail>;

    /// Assets by filter, in order of arrival.
    async fn assets(&self, filter: &AssetFilter) -> PortResult<Vec<AssetRecord>>;

    /// The other assets in an asset's bucket whose names are of its family ([`crate::caption_files::family_sha256`]), in order of
    /// arrival: films and their caption files.
    async fn family(&self, asset: &AssetId) -> PortResult<Vec<AssetRecord>>;

    /// Asset ids that begin with the text, at most ten, so that users may type a prefix.
    async fn find(&self, prefix: &str) -> PortResult<Vec<AssetId>>;

    /// The history of an asset in order.
    async fn history(&self, asset: &AssetId) -> PortResult<Vec<HistoryRecord>>;

    /// What a redacting encode covers in an asset, as the document that was stored with the decision to redact; `None` if the
    /// asset is not redacted, or no longer.
    async fn redaction(&self, asset: &AssetId) -> PortResult<Option<serde_json::Value>>;

    /// The proposal about an asset that waits for a second person, valid or not.
    async fn proposal(&self, asset: &AssetId) -> PortResult<Option<Proposal>>;

    /// The audit log after a position, in order, at most `records_max`.
    async fn audit(&self, after: u64, records_max: u32) -> PortResult<Vec<AuditRecord>>;

    /// The last record of the audit log; `None` if it is empty.
    async fn audit_end(&self) -> PortResult<Option<AuditRecord>>;

    /// A page of the ledger, in its order ([`LedgerPosition`]).
    async fn ledger(&self, filter: &LedgerFilter) -> PortResult<Vec<LedgerRow>>;

    /// A page of the shares of what nobody used alone, in the order of days, assets (in the order of arrival, nobody first), resources'
    /// words and types of nodes.
    async fn shares(&self, filter: &ShareFilter) -> PortResult<Vec<ShareRow>>;

    /// How long nodes of each rate were up on a day, milliseconds, as far as they told ([`Nodes::node_up`]).
    async fn uptimes(&self, day: u32) -> PortResult<Vec<(NodeRate, u64)>>;

    /// Which days of the ledger are over, and up to which they are closed.
    async fn cost_days(&self) -> PortResult<CostDays>;
    /// What the last successful attempts used whose work is known, at most so many lines of the ledger, oldest first.
    async fn recent_work(&self, lines_max: u32) -> PortResult<Vec<WorkSample>>;

    /// What assets were estimated to cost and did cost, those whose work was admitted and has ended, in order of arrival after an asset.
    async fn estimates(&self, after: Option<&AssetId>, rows_max: u32) -> PortResult<Vec<EstimateRow>>;

    /// The sums of these accounts ([`crate::records::accounts`]); one that was never used is left out.
    async fn account_sums(&self, names: &[String]) -> PortResult<BTreeMap<String, AccountSums>>;

    /// Waiting and leased tasks by lane, stage, priority and prefix; at most `rows_max`, oldest first.
    async fn queue(&self, rows_max: u32) -> PortResult<Vec<QueueRow>>;

    /// Counts tasks, assets and notices.
    async fn backlog(&self) -> PortResult<Backlog>;
}

/// What operators and security officers decide about assets.
#[async_trait]
pub trait Decisions: Send + Sync {
    /// Retries a failed or rejected asset; `Conflict` if it is neither.
    async fn redrive(&self, asset: &AssetId) -> PortResult<()>;

    /// Processes part of a published asset again; `Conflict` with the reason if that is not possible.
    async fn redo(&self, asset: &AssetId, what: Redo) -> PortResult<()>;

    /// Carries out a decision and records who decided, why and when; `Conflict` with the reason if that is not possible. Where policy
    /// asks for two people, a release or an erasure is kept as a proposal; it replaces an earlier proposal about the asset.
    async fn decide(&self, asset: &AssetId, decision: &Decision) -> PortResult<DecisionOutcome>;

    /// Carries out the proposal that waits for an asset, and returns what was decided. `Conflict` with the reason if it is not the one
    /// that is approved, has expired, was made by the same person, or if something else was found since.
    async fn approve(&self, asset: &AssetId, approval: &Approval) -> PortResult<Decision>;

    /// Lets assets go on that wait for money, in order of arrival, as far as these caps leave some; returns how many.
    async fn admit(&self, caps: &Caps) -> PortResult<u64>;

    /// Quarantines assets again whose release has expired, and creates a reminder for each asset that has been in quarantine
    /// for `review_ms` without a reminder; returns how many. Nothing is ever removed because of its age.
    async fn review(&self, review_ms: u64) -> PortResult<u64>;
}

/// The nodes of the fleet.
#[async_trait]
pub trait Nodes: Send + Sync {
    /// Records that a node lives; returns whether an operator asked it to drain.
    async fn node_seen(&self, report: &NodeReport) -> PortResult<bool>;

    /// Records that the process of a node is up, for the cost of its time: from its first call of a day to its last one it was. Nothing is
    /// recorded of a node whose time has no price.
    async fn node_up(&self, report: &NodeReport) -> PortResult<()>;

    /// Nodes seen within the last day, by name.
    async fn nodes(&self) -> PortResult<Vec<NodeRecord>>;

    /// Orders a node to drain, or cancels the order; `Missing` if no such node was ever seen.
    async fn order_drain(&self, node: &NodeId, drain: bool) -> PortResult<()>;

    /// Orders the fleet to begin no heavy work: from now on [`Queue::claim`] gives no node a task of that lane. What runs is finished.
    /// A second order replaces reason and person of the first.
    async fn pause_heavy(&self, reason: &str, by: &Principal) -> PortResult<()>;

    /// Withdraws that order; false if there was none.
    async fn resume_heavy(&self) -> PortResult<bool>;

    /// That order, if there is one.
    async fn heavy_pause(&self) -> PortResult<Option<HeavyPause>>;
}

/// Maintenance of the store: the audit log, retention, health.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Appends up to `records_max` new lines of history to the audit log ([`crate::audit`]), in one transaction; returns how
    /// many. Every line except those of scheduling (`due`, `claimed`) is appended exactly once, whoever calls and however
    /// often.
    async fn seal(&self, records_max: u32) -> PortResult<u64>;

    /// Closes a day of the ledger, keeps its shares and creates a notice about each finding, in one transaction. False, and nothing changes, if the day
    /// is closed already or is not over.
    async fn close_day(&self, closing: &DayClosing) -> PortResult<bool>;

    /// Prepares storage for future history, and removes history older than `days` of assets that have ended; `None` keeps
    /// all. The rows of the assets and their results stay. Called about once a day, perhaps by several nodes at once: one
    /// of them does the work, and the others find nothing to do.
    async fn retain(&self, days: Option<u32>) -> PortResult<Retained>;

    /// Closes all connections after their current call, and merges pending side files (such as a write-ahead log) into the
    /// store.
    async fn close(&self);

    /// Violated invariants with their number, by id, since this process started.
    fn violations(&self) -> Vec<(String, u64)>;

    /// Proves that the store can be reached and written. Changes nothing.
    async fn check(&self) -> PortResult<String>;
}

/// A duration between half of `most` and all of it. The clock's nanoseconds are random enough for that.
fn spread(most: Duration) -> Duration {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    let half = most / 2;
    half + half.mul_f64(f64::from(nanos) / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_between_half_and_all() {
        let most = Duration::from_millis(100);
        assert!((0..100).all(|_| (most / 2..=most).contains(&spread(most))));
    }
}
