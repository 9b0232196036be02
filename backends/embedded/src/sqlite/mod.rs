//! The store in one SQLite file: assets, tasks, history and outbox, one transaction at a time.
//!
//! One connection writes and a few read; WAL lets both go on at once. `synchronous=NORMAL` means that after a
//! power cut the last transactions may be missing, but none is there in part. Their work is repeated
//! and intake finds the uploads again, so only time is lost, and every commit saves a disk flush.
//!
//! Every writing call is the service's ([`reelgate_store::service`]): it loads the assets it concerns into a unit of
//! work and lets the core step them in memory; this module writes the changes in bulk. So a batch costs a handful of statements,
//! for any number of assets in it.

mod audit;
mod budgets;
mod claim;
mod decisions;
mod error;
mod facts;
mod ingest;
mod inspect;
mod jobs;
mod lane_pauses;
mod late_events;
mod leases;
mod ledger;
mod metadata;
mod migrations;
mod nodes;
mod open;
mod outbox;
mod products;
mod proposals;
mod queries;
mod queue_clock;
mod queue_position;
mod related;
mod retain;
mod rows;
mod scans_and_refused_events;
mod session;
mod shards;
mod shares;
mod sqlite_store;
mod work;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use reelgate_cost::cap::Caps;
use reelgate_cost::node::NodeRate;
use reelgate_flow::asset::Redo;
use reelgate_flow::ids::{AssetId, NodeId, NoticeId, ReceiverName, SourceId};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::error::PortResult;
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{
    AccountSums, Applied, Approval, AssetDetail, AssetRecord, AuditRecord, Claim, CostDays, DayClosing,
    Decision, DecisionOutcome, EstimateRow, ExternalScanEvent, Fence, HeavyPause, HistoryRecord, Ingested,
    LedgerRow, MediaProgress, NodeRecord, NodeReport, NoticeRecord, Principal, Proposal, QueueRow, Retained,
    ShareRow, TaskReport, UnarchivedResult, WorkSample,
};
use reelgate_ports::store::{
    AssetFilter, Backlog, Decisions, Intake, LedgerFilter, Maintenance, Nodes, Outbox, Product, Queries,
    Queue, ShareFilter,
};
use reelgate_store::service::{
    self, Approve, CloseDay, Complete, Decide, Ingest, IngestFindings, Reap, Redrive, RedriveUnarchived,
    RemoveDelivered, Review, Seal, Transact, WriteCall,
};
use reelgate_store::work::LATE_EVENT_MS_MAX;

use error::db;
use session::SqliteSession;

pub use sqlite_store::SqliteStore;

const DAY_MS: u64 = 24 * 3_600_000;

/// A transaction that holds the write lock cannot lose against another, so nothing is retried.
impl Transact for SqliteStore {
    async fn transact<C: WriteCall>(&self, call: &C) -> PortResult<C::Output> {
        let tx = self.begin().await?;
        let (work, time) = self.work();
        let mut session = SqliteSession { tx, work, time };
        let output = call.run(&mut session).await?;
        self.commit(session.tx, session.work, time).await?;
        Ok(output)
    }
}

#[async_trait]
impl Intake for SqliteStore {
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
        nodes::known(&self.readers, assets).await
    }
}

#[async_trait]
impl Queue for SqliteStore {
    async fn claim(
        &self,
        node: &NodeId,
        lane: Lane,
        tasks_max: u16,
        lease_ms: u64,
    ) -> PortResult<Vec<Claim>> {
        let mut tx = self.begin().await?;
        let (mut work, time) = self.work();
        let claims = claim::claim(&mut tx, &mut work, time.now_ms, node, lane, tasks_max, lease_ms).await?;
        if !claims.is_empty() {
            self.commit(tx, work, time).await?;
        }
        Ok(claims)
    }

    async fn heartbeat(&self, node: &NodeId, fences: &[Fence], lease_ms: u64) -> PortResult<Vec<Fence>> {
        let mut tx = self.begin().await?;
        let lost = claim::heartbeat(&mut tx, self.queue_clock.now_ms(), node, fences, lease_ms).await?;
        tx.commit().await.map_err(db("commit heartbeats"))?;
        Ok(lost)
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
        queries::next_due_ms(&self.readers, self.queue_clock.now_ms()).await
    }
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn outbox(&self, notices_max: u16, hold_ms: u64) -> PortResult<Vec<NoticeRecord>> {
        self.due_notices("", notices_max, hold_ms).await
    }

    async fn address_notices(&self, notices: &[(NoticeId, Vec<ReceiverName>)]) -> PortResult<()> {
        outbox::address(self.begin().await?, self.queue_clock.now_ms(), notices).await
    }

    async fn deliveries(
        &self,
        receiver: &ReceiverName,
        notices_max: u16,
        hold_ms: u64,
    ) -> PortResult<Vec<NoticeRecord>> {
        self.due_notices(receiver.as_str(), notices_max, hold_ms).await
    }

    async fn notices_delivered(&self, receiver: &ReceiverName, ids: &[NoticeId]) -> PortResult<()> {
        self.transact(&RemoveDelivered { receiver, ids }).await
    }

    async fn notice_deferred(&self, receiver: &ReceiverName, id: &NoticeId, delay_ms: u64) -> PortResult<()> {
        let due_ms = self.queue_clock.now_ms().saturating_add(delay_ms);
        outbox::deferred(&self.writer, receiver, id, due_ms).await
    }

    async fn end_unserved(
        &self,
        receivers: &[ReceiverName],
        unserved_ms: u64,
    ) -> PortResult<Vec<(ReceiverName, u64)>> {
        let until_ms = self.queue_clock.now_ms().saturating_sub(unserved_ms);
        outbox::end_unserved(&self.writer, receivers, until_ms).await
    }
}

impl SqliteStore {
    /// Due rows of the outbox of one receiver; those that are not addressed have the receiver ''.
    async fn due_notices(
        &self,
        receiver: &str,
        notices_max: u16,
        hold_ms: u64,
    ) -> PortResult<Vec<NoticeRecord>> {
        let now_ms = self.queue_clock.now_ms();
        let due = outbox::due(&self.readers, now_ms, receiver, notices_max).await?;
        if hold_ms > 0 && !due.is_empty() {
            return outbox::hold(&self.writer, now_ms, receiver, hold_ms, due).await;
        }
        Ok(due)
    }
}

#[async_trait]
impl Queries for SqliteStore {
    async fn products(&self, asset: &AssetId) -> PortResult<Vec<Product>> {
        products::read(&self.readers, asset, None).await
    }

    async fn product(&self, asset: &AssetId, task: TaskKey) -> PortResult<Option<Product>> {
        Ok(products::read(&self.readers, asset, Some(task)).await?.pop())
    }

    async fn media_progress(&self, asset: &AssetId) -> PortResult<MediaProgress> {
        jobs::progress(&self.readers, asset).await
    }

    async fn asset(&self, asset: &AssetId) -> PortResult<AssetDetail> {
        queries::asset(&self.readers, asset).await
    }

    async fn assets(&self, filter: &AssetFilter) -> PortResult<Vec<AssetRecord>> {
        queries::assets(&self.readers, filter).await
    }

    async fn family(&self, asset: &AssetId) -> PortResult<Vec<AssetRecord>> {
        queries::family(&self.readers, asset).await
    }

    async fn find(&self, prefix: &str) -> PortResult<Vec<AssetId>> {
        queries::find(&self.readers, prefix).await
    }

    async fn history(&self, asset: &AssetId) -> PortResult<Vec<HistoryRecord>> {
        queries::history(&self.readers, asset).await
    }

    async fn redaction(&self, asset: &AssetId) -> PortResult<Option<serde_json::Value>> {
        decisions::redaction(&self.readers, asset).await
    }

    async fn proposal(&self, asset: &AssetId) -> PortResult<Option<Proposal>> {
        proposals::of_asset(&self.readers, asset).await
    }

    async fn audit(&self, after: u64, records_max: u32) -> PortResult<Vec<AuditRecord>> {
        audit::read(&self.readers, after, records_max).await
    }

    async fn audit_end(&self) -> PortResult<Option<AuditRecord>> {
        audit::head(&self.readers).await
    }

    async fn ledger(&self, filter: &LedgerFilter) -> PortResult<Vec<LedgerRow>> {
        ledger::read(&self.readers, filter).await
    }

    async fn shares(&self, filter: &ShareFilter) -> PortResult<Vec<ShareRow>> {
        shares::read(&self.readers, filter).await
    }

    async fn uptimes(&self, day: u32) -> PortResult<Vec<(NodeRate, u64)>> {
        shares::uptimes(&self.readers, day).await
    }

    async fn cost_days(&self) -> PortResult<CostDays> {
        ledger::days(&self.readers, self.clock.now_ms()).await
    }

    async fn estimates(&self, after: Option<&AssetId>, rows_max: u32) -> PortResult<Vec<EstimateRow>> {
        budgets::estimates(&self.readers, after, rows_max).await
    }

    async fn account_sums(&self, names: &[String]) -> PortResult<BTreeMap<String, AccountSums>> {
        budgets::sums(&self.readers, names).await
    }

    async fn recent_work(&self, lines_max: u32) -> PortResult<Vec<WorkSample>> {
        ledger::recent_work(&self.readers, lines_max).await
    }

    async fn queue(&self, rows_max: u32) -> PortResult<Vec<QueueRow>> {
        nodes::queue(&self.readers, self.queue_clock.now_ms(), rows_max).await
    }

    async fn backlog(&self) -> PortResult<Backlog> {
        let now_ms = self.queue_clock.now_ms();
        let deliveries = outbox::deliveries_owed(&self.readers, now_ms).await?;
        Ok(Backlog { deliveries, ..queries::backlog(&self.readers, now_ms).await? })
    }
}

#[async_trait]
impl Decisions for SqliteStore {
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
impl Nodes for SqliteStore {
    async fn node_seen(&self, report: &NodeReport) -> PortResult<bool> {
        nodes::seen(&self.writer, self.clock.now_ms(), report).await
    }

    async fn node_up(&self, report: &NodeReport) -> PortResult<()> {
        shares::node_up(&self.writer, self.clock.now_ms(), report).await
    }

    async fn nodes(&self) -> PortResult<Vec<NodeRecord>> {
        nodes::nodes(&self.readers, self.clock.now_ms()).await
    }

    async fn order_drain(&self, node: &NodeId, drain: bool) -> PortResult<()> {
        nodes::order_drain(&self.writer, node, drain).await
    }

    async fn pause_heavy(&self, reason: &str, by: &Principal) -> PortResult<()> {
        lane_pauses::pause(&self.writer, self.clock.now_ms(), reason, by).await
    }

    async fn resume_heavy(&self) -> PortResult<bool> {
        lane_pauses::resume(&self.writer).await
    }

    async fn heavy_pause(&self) -> PortResult<Option<HeavyPause>> {
        lane_pauses::read(&self.readers).await
    }
}

#[async_trait]
impl Maintenance for SqliteStore {
    async fn seal(&self, records_max: u32) -> PortResult<u64> {
        self.transact(&Seal(records_max)).await
    }

    async fn close_day(&self, closing: &DayClosing) -> PortResult<bool> {
        self.transact(&CloseDay(closing)).await
    }

    async fn retain(&self, days: Option<u32>) -> PortResult<Retained> {
        let late_ms = self.clock.now_ms().saturating_sub(LATE_EVENT_MS_MAX);
        late_events::forget(&self.writer, late_ms).await?;
        let Some(days) = days else { return Ok(Retained::default()) };
        let until_ms = self.clock.now_ms().saturating_sub(u64::from(days) * DAY_MS);
        let removed = retain::retain(&self.writer, until_ms).await?;
        Ok(Retained { removed, kept: 0 })
    }

    /// The last connection folds the write-ahead log into the file.
    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    fn violations(&self) -> Vec<(String, u64)> {
        self.violations.counts()
    }

    async fn check(&self) -> PortResult<String> {
        match &self.inspected {
            Some(path) => inspect::check(&self.readers, path).await,
            None => open::check(&self.writer).await,
        }
    }
}

#[cfg(test)]
mod failed_transaction_tests;
