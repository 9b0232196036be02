//! The record of everything: assets, tasks, history and outbox, one transaction at a time.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use reelgate_flow::asset::{Phase, Redo};
use reelgate_flow::ids::{AssetId, NodeId, NoticeId};
use reelgate_flow::task::{Lane, TaskKey};

use crate::error::PortResult;
use crate::events::EventBatch;
use crate::records::{
    Applied, AssetDetail, AssetRecord, AuditRecord, Claim, Decision, Fence, HistoryRecord, Ingested,
    MediaProgress, NodeRecord, NodeReport, NoticeRecord, QueueRow, Retained, StagedOutput, TaskReport,
};

/// Filter of [`Queries::assets`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetFilter {
    /// Only these phases; empty for all.
    pub phases: Vec<Phase>,
    /// At most this many, oldest first.
    pub limit: u32,
    /// After this asset in the order of arrival.
    pub after: Option<AssetId>,
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
    /// Notices not yet delivered.
    pub outbox: u64,
}

/// Result of one task as stored for later stages.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Which task.
    pub task: TaskKey,
    /// The document it left (plan, worker's result, packaging).
    pub result: serde_json::Value,
    /// The files it staged.
    pub outputs: Vec<StagedOutput>,
}

/// The whole store. Every call is one transaction: it happens whole or not at all.
pub trait Store: Intake + Queue + Outbox + Queries + Decisions + Nodes + Maintenance {}

impl<T: Intake + Queue + Outbox + Queries + Decisions + Nodes + Maintenance> Store for T {}

/// Taking uploads in: what intake and the sweep call.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Takes a batch in and moves its checkpoint, in one transaction. A known (bucket, key, version) changes nothing;
    /// an older event never overrides a newer one; a deletion supersedes what has not ended yet, and every older
    /// upload of the key that comes after it. `Conflict` where the checkpoint is no longer the caller's to move.
    /// One result per created upload, in order.
    async fn ingest(&self, batch: &EventBatch) -> PortResult<Vec<Ingested>>;

    /// Which of these assets are known, for the sweep.
    async fn known(&self, assets: &[AssetId]) -> PortResult<BTreeSet<AssetId>>;
}

/// The queue of tasks: what claims, reports and the keeping of leases call.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Leases up to `tasks_max` due tasks of a lane to a node, the most urgent kind first ([`TaskKey::urgency`]), then
    /// by place ([`crate::order`]); counts the attempt.
    async fn claim(&self, node: &NodeId, lane: Lane, tasks_max: u16, lease_ms: u64)
    -> PortResult<Vec<Claim>>;

    /// Extends leases; returns the fences that are no longer ours.
    async fn heartbeat(&self, node: &NodeId, fences: &[Fence], lease_ms: u64) -> PortResult<Vec<Fence>>;

    /// Commits reports in order: new state, new tasks, outbox, history, all in one transaction.
    async fn complete(&self, reports: &[TaskReport]) -> PortResult<Vec<Applied>>;

    /// Ends expired leases, each as a lost attempt; returns how many.
    async fn reap(&self) -> PortResult<u64>;

    /// Ends at once the leases a dead process left under this node's name; returns how many.
    async fn reclaim(&self, node: &NodeId) -> PortResult<u64>;

    /// Returns early where somebody else has made work, and else within `most`: a hint, after which the caller looks
    /// for itself. A store that hears of nothing waits between half of it and all, so that nodes do not look at once.
    async fn changed(&self, most: Duration) {
        tokio::time::sleep(spread(most)).await;
    }

    /// Milliseconds until the next task or notice becomes due, where one is waiting.
    async fn next_due_ms(&self) -> PortResult<Option<u64>>;
}

/// Notices owed to the outside: what the notifier calls.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Due notices, oldest first. They are not due again for `hold_ms`, so that several nodes can deliver side by
    /// side; with 0 they stay as they are.
    async fn outbox(&self, notices_max: u16, hold_ms: u64) -> PortResult<Vec<NoticeRecord>>;

    /// Removes delivered notices and writes the delivery into the history.
    async fn notices_delivered(&self, ids: &[NoticeId]) -> PortResult<()>;

    /// Puts a notice back until `delay_ms` from now.
    async fn notice_deferred(&self, id: &NoticeId, delay_ms: u64) -> PortResult<()>;
}

/// Questions that change nothing.
#[async_trait]
pub trait Queries: Send + Sync {
    /// What an asset's finished tasks left for later stages, in order of task.
    async fn products(&self, asset: &AssetId) -> PortResult<Vec<Product>>;

    /// What one finished task of an asset left; `None` where it has not finished or left nothing.
    async fn product(&self, asset: &AssetId, task: TaskKey) -> PortResult<Option<Product>>;

    /// How much of an asset's planned media work is done. The answer has one size, however many tasks there are.
    async fn media_progress(&self, asset: &AssetId) -> PortResult<MediaProgress>;

    /// One asset; `Missing` where there is none.
    async fn asset(&self, asset: &AssetId) -> PortResult<AssetDetail>;

    /// Assets by filter, in order of arrival.
    async fn assets(&self, filter: &AssetFilter) -> PortResult<Vec<AssetRecord>>;

    /// Asset ids that begin with the text, at most ten, so that users may type a prefix.
    async fn find(&self, prefix: &str) -> PortResult<Vec<AssetId>>;

    /// The history of an asset in order.
    async fn history(&self, asset: &AssetId) -> PortResult<Vec<HistoryRecord>>;

    /// What encoding anew leaves out of an asset, as the document that was kept with the decision to redact; `None` where it
    /// is not redacted, or no longer.
    async fn redaction(&self, asset: &AssetId) -> PortResult<Option<serde_json::Value>>;

    /// The audit log after a position, in order, at most `records_max`.
    async fn audit(&self, after: u64, records_max: u32) -> PortResult<Vec<AuditRecord>>;

    /// Waiting and leased tasks by lane, stage, priority and prefix; at most `rows_max`, oldest first.
    async fn queue(&self, rows_max: u32) -> PortResult<Vec<QueueRow>>;

    /// Counts.
    async fn backlog(&self) -> PortResult<Backlog>;
}

/// What operators and security officers ask of assets.
#[async_trait]
pub trait Decisions: Send + Sync {
    /// Another try for a failed or rejected asset; `Conflict` where it is neither.
    async fn redrive(&self, asset: &AssetId) -> PortResult<()>;

    /// Has part of a published asset made anew; `Conflict`, which says why, where that cannot be.
    async fn redo(&self, asset: &AssetId, what: Redo) -> PortResult<()>;

    /// Carries out what somebody decided and keeps who, why and when; `Conflict`, which says why, where that cannot be.
    async fn decide(&self, asset: &AssetId, decision: &Decision) -> PortResult<()>;

    /// Quarantines again what was released until a time that is over, and owes a reminder for each asset that was set
    /// apart `review_ms` ago and not reminded of since; returns how many. Nothing is ever removed for its age.
    async fn review(&self, review_ms: u64) -> PortResult<u64>;
}

/// Who works here.
#[async_trait]
pub trait Nodes: Send + Sync {
    /// Records that a node lives; returns whether an operator asked it to drain.
    async fn node_seen(&self, report: &NodeReport) -> PortResult<bool>;

    /// Nodes seen within the last day, by name.
    async fn nodes(&self) -> PortResult<Vec<NodeRecord>>;

    /// Orders a node to drain, or takes the order back; `Missing` where no such node was ever seen.
    async fn order_drain(&self, node: &NodeId, drain: bool) -> PortResult<()>;
}

/// What is done beside the work: the audit log, retention, health.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Chains up to `records_max` new lines of history to the audit log ([`crate::audit`]), in one transaction; returns how
    /// many. Every line but those of scheduling (`due`, `claimed`) is chained once, whoever calls and however often.
    async fn seal(&self, records_max: u32) -> PortResult<u64>;

    /// Prepares what coming history is written to, and removes history older than `days` of assets that have ended;
    /// `None` keeps all. What an asset is and what became of it stays. Called about once a day, by several nodes at once
    /// perhaps: one of them does it, and the others find nothing to do.
    async fn retain(&self, days: Option<u32>) -> PortResult<Retained>;

    /// Ends all connections after their current call; what they keep beside the record is folded into it.
    async fn close(&self);

    /// Violations of invariants met while stepping, by id, since this process started.
    fn violations(&self) -> Vec<(String, u64)>;

    /// Proves that the store can be reached and written, changing nothing.
    async fn check(&self) -> PortResult<String>;
}

/// Between half of it and all. The clock's nanoseconds are random enough for that.
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
