//! The port's calls, each carried out by its own file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

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
    RemoveDelivered, Review, Seal, Transact,
};

use crate::again::again;
use crate::pg_store::PgStore;
use crate::time::number;
use crate::{jobs, products};

#[async_trait]
impl Intake for PgStore {
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
        Ok(again!(self, self.known_ids(assets))?)
    }
}

#[async_trait]
impl Queue for PgStore {
    async fn claim(
        &self,
        node: &NodeId,
        lane: Lane,
        tasks_max: u16,
        lease_ms: u64,
    ) -> PortResult<Vec<Claim>> {
        Ok(self.lease(node, lane, tasks_max, lease_ms).await?)
    }

    async fn heartbeat(&self, node: &NodeId, fences: &[Fence], lease_ms: u64) -> PortResult<Vec<Fence>> {
        Ok(again!(self, self.extend(node, fences, lease_ms))?)
    }

    async fn complete(&self, reports: &[TaskReport]) -> PortResult<Vec<Applied>> {
        self.transact(&Complete(reports)).await
    }

    async fn reap(&self) -> PortResult<u64> {
        again!(self, self.maintain())?;
        let begun = Instant::now();
        let after_ms = self.expired_after();
        let reaped = self.transact(&Reap { after_ms }).await?;
        if after_ms.is_none() {
            self.leases_looked.took(begun.elapsed());
        }
        self.leases_from.store(reaped.until_ms.map_or(i64::MIN, number), Ordering::Relaxed);
        Ok(reaped.ended)
    }

    async fn reclaim(&self, node: &NodeId) -> PortResult<u64> {
        service::reclaim(self, node).await
    }

    async fn changed(&self, most: Duration) {
        self.notify_listener.wait(self.jitter.spread(most)).await;
    }

    async fn next_due_ms(&self) -> PortResult<Option<u64>> {
        Ok(again!(self, self.until_due_ms())?)
    }
}

#[async_trait]
impl Outbox for PgStore {
    async fn outbox(&self, notices_max: u16, hold_ms: u64) -> PortResult<Vec<NoticeRecord>> {
        Ok(again!(self, self.due_notices("", notices_max, hold_ms))?)
    }

    async fn address_notices(&self, notices: &[(NoticeId, Vec<ReceiverName>)]) -> PortResult<()> {
        Ok(again!(self, self.address(notices))?)
    }

    async fn deliveries(
        &self,
        receiver: &ReceiverName,
        notices_max: u16,
        hold_ms: u64,
    ) -> PortResult<Vec<NoticeRecord>> {
        Ok(again!(self, self.due_notices(receiver.as_str(), notices_max, hold_ms))?)
    }

    async fn notices_delivered(&self, receiver: &ReceiverName, ids: &[NoticeId]) -> PortResult<()> {
        if ids.is_empty() {
            return Ok(());
        }
        self.transact(&RemoveDelivered { receiver, ids }).await
    }

    async fn notice_deferred(&self, receiver: &ReceiverName, id: &NoticeId, delay_ms: u64) -> PortResult<()> {
        Ok(again!(self, self.defer(receiver, id, delay_ms))?)
    }

    async fn end_unserved(
        &self,
        receivers: &[ReceiverName],
        unserved_ms: u64,
    ) -> PortResult<Vec<(ReceiverName, u64)>> {
        Ok(again!(self, self.end_deliveries(receivers, unserved_ms))?)
    }
}

#[async_trait]
impl Queries for PgStore {
    async fn products(&self, asset: &AssetId) -> PortResult<Vec<Product>> {
        Ok(again!(self, products::read(&self.writers, asset, None))?)
    }

    async fn product(&self, asset: &AssetId, task: TaskKey) -> PortResult<Option<Product>> {
        Ok(again!(self, products::read(&self.writers, asset, Some(task)))?.pop())
    }

    async fn media_progress(&self, asset: &AssetId) -> PortResult<MediaProgress> {
        Ok(again!(self, jobs::progress(&self.writers, asset))?)
    }

    async fn asset(&self, asset: &AssetId) -> PortResult<AssetDetail> {
        Ok(again!(self, self.read_asset(asset))?)
    }

    async fn assets(&self, filter: &AssetFilter) -> PortResult<Vec<AssetRecord>> {
        Ok(again!(self, self.read_assets(filter))?)
    }

    async fn family(&self, asset: &AssetId) -> PortResult<Vec<AssetRecord>> {
        Ok(again!(self, self.read_family(asset))?)
    }

    async fn find(&self, prefix: &str) -> PortResult<Vec<AssetId>> {
        Ok(again!(self, self.find_ids(prefix))?)
    }

    async fn history(&self, asset: &AssetId) -> PortResult<Vec<HistoryRecord>> {
        Ok(again!(self, self.read_history(asset))?)
    }

    async fn redaction(&self, asset: &AssetId) -> PortResult<Option<serde_json::Value>> {
        Ok(again!(self, self.read_redaction(asset))?)
    }

    async fn proposal(&self, asset: &AssetId) -> PortResult<Option<Proposal>> {
        Ok(again!(self, self.read_proposal(asset))?)
    }

    async fn audit(&self, after: u64, records_max: u32) -> PortResult<Vec<AuditRecord>> {
        Ok(again!(self, self.read_audit(after, records_max))?)
    }

    async fn audit_end(&self) -> PortResult<Option<AuditRecord>> {
        Ok(again!(self, self.read_audit_end())?)
    }

    async fn ledger(&self, filter: &LedgerFilter) -> PortResult<Vec<LedgerRow>> {
        Ok(again!(self, self.read_ledger(filter))?)
    }

    async fn shares(&self, filter: &ShareFilter) -> PortResult<Vec<ShareRow>> {
        Ok(again!(self, self.read_shares(filter))?)
    }

    async fn uptimes(&self, day: u32) -> PortResult<Vec<(NodeRate, u64)>> {
        Ok(again!(self, self.read_uptimes(day))?)
    }

    async fn cost_days(&self) -> PortResult<CostDays> {
        Ok(again!(self, self.read_cost_days())?)
    }

    async fn estimates(&self, after: Option<&AssetId>, rows_max: u32) -> PortResult<Vec<EstimateRow>> {
        Ok(again!(self, self.read_estimates(after, rows_max))?)
    }

    async fn account_sums(&self, names: &[String]) -> PortResult<BTreeMap<String, AccountSums>> {
        Ok(again!(self, self.read_accounts(names))?)
    }

    async fn recent_work(&self, lines_max: u32) -> PortResult<Vec<WorkSample>> {
        Ok(again!(self, self.read_recent_work(lines_max))?)
    }

    async fn queue(&self, rows_max: u32) -> PortResult<Vec<QueueRow>> {
        Ok(again!(self, self.read_queue(rows_max))?)
    }

    async fn backlog(&self) -> PortResult<Backlog> {
        let backlog = again!(self, self.count_backlog())?;
        Ok(Backlog { deliveries: again!(self, self.deliveries_owed())?, ..backlog })
    }
}

#[async_trait]
impl Decisions for PgStore {
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
impl Nodes for PgStore {
    async fn node_seen(&self, report: &NodeReport) -> PortResult<bool> {
        Ok(again!(self, self.record_node(report))?)
    }

    async fn node_up(&self, report: &NodeReport) -> PortResult<()> {
        Ok(again!(self, self.record_uptime(report))?)
    }

    async fn nodes(&self) -> PortResult<Vec<NodeRecord>> {
        Ok(again!(self, self.read_nodes())?)
    }

    async fn order_drain(&self, node: &NodeId, drain: bool) -> PortResult<()> {
        Ok(again!(self, self.set_drain(node, drain))?)
    }

    async fn pause_heavy(&self, reason: &str, by: &Principal) -> PortResult<()> {
        Ok(again!(self, self.begin_pause(reason, by))?)
    }

    async fn resume_heavy(&self) -> PortResult<bool> {
        Ok(again!(self, self.end_pause())?)
    }

    async fn heavy_pause(&self) -> PortResult<Option<HeavyPause>> {
        Ok(again!(self, self.read_pause())?)
    }
}

#[async_trait]
impl Maintenance for PgStore {
    async fn seal(&self, records_max: u32) -> PortResult<u64> {
        self.transact(&Seal(records_max)).await
    }

    async fn close_day(&self, closing: &DayClosing) -> PortResult<bool> {
        self.transact(&CloseDay(closing)).await
    }

    async fn retain(&self, days: Option<u32>) -> PortResult<Retained> {
        Ok(again!(self, self.maintain_history(days))?)
    }

    async fn close(&self) {
        self.notify_listener.stop();
        self.writers.close().await;
        self.readers.close().await;
    }

    fn violations(&self) -> Vec<(String, u64)> {
        self.violations.counts()
    }

    async fn check(&self) -> PortResult<String> {
        self.prove().await
    }
}
