//! One transaction on SQLite, as the service drives it. It takes the write lock when it begins, so no other lock is needed.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::ids::{AssetId, NodeId, NoticeId, ReceiverName};
use reelgate_ports::audit::Seal;
use reelgate_ports::error::{PortError, PortResult};
use reelgate_ports::events::RefusedEvent;
use reelgate_ports::records::{
    AccountSums, AuditRecord, ExternalScanEvent, FindingRecord, HistoryRecord, NoticeRecord, Proposal,
    ShareRecord,
};
use reelgate_ports::shards::Checkpoint;
use reelgate_store::session::{EventDelivery, LostLease, Money, ProducerQueue, RemovedNotice, Session};
use reelgate_store::work::{AssetRow, Deletion, UnitOfWork};
use sqlx::{Sqlite, Transaction};

use super::queue_clock::QueueTime;
use super::work::{load, load_rows};
use super::{
    audit, budgets, decisions, ingest, late_events, leases, ledger, outbox, products, proposals,
    queue_position, related, scans_and_refused_events, shards, shares,
};

/// A write transaction that has begun.
pub(super) struct SqliteSession {
    pub tx: Transaction<'static, Sqlite>,
    pub work: UnitOfWork,
    pub time: QueueTime,
}

impl Session for SqliteSession {
    type Error = PortError;

    fn work(&mut self) -> &mut UnitOfWork {
        &mut self.work
    }

    async fn load(&mut self, ids: &[AssetId]) -> PortResult<()> {
        load(&mut self.tx, &mut self.work, self.time, ids).await
    }

    async fn load_versions(&mut self, keys: &BTreeSet<String>) -> PortResult<()> {
        related::versions(&mut self.tx, &mut self.work, self.time, keys).await
    }

    async fn load_families(&mut self, families: &BTreeSet<String>) -> PortResult<()> {
        related::families(&mut self.tx, &mut self.work, self.time, families).await
    }

    async fn load_shareable(&mut self, contents: &BTreeSet<String>) -> PortResult<()> {
        related::shareable(&mut self.tx, &mut self.work, self.time, contents).await
    }

    async fn load_duplicates(&mut self, of: &BTreeSet<AssetId>) -> PortResult<()> {
        related::duplicates(&mut self.tx, &mut self.work, self.time, of).await
    }

    async fn load_same_content(&mut self, contents: &BTreeSet<String>) -> PortResult<()> {
        related::same_content(&mut self.tx, &mut self.work, self.time, contents).await
    }

    async fn findings_of(
        &mut self,
        assets: &BTreeSet<AssetId>,
    ) -> PortResult<BTreeMap<AssetId, Vec<FindingRecord>>> {
        products::findings_of(&mut self.tx, assets).await
    }

    async fn covered_by_releases(
        &mut self,
        assets: &BTreeSet<AssetId>,
    ) -> PortResult<BTreeMap<AssetId, serde_json::Value>> {
        products::covered_by_releases(&mut self.tx, assets).await
    }

    async fn money_of(&mut self, assets: &BTreeSet<AssetId>) -> PortResult<BTreeMap<AssetId, Money>> {
        budgets::money(&mut self.tx, &mut self.work, assets).await
    }

    async fn account_sums(&mut self, names: &BTreeSet<String>) -> PortResult<BTreeMap<String, AccountSums>> {
        budgets::sums(&mut *self.tx, names).await
    }

    async fn waiting_for_money(
        &mut self,
        after: Option<&AssetId>,
        assets_max: u32,
    ) -> PortResult<Vec<AssetId>> {
        budgets::waiting(&mut self.tx, after, assets_max).await
    }

    async fn add_assets(&mut self, rows: &mut [AssetRow]) -> PortResult<()> {
        ingest::insert(&mut self.tx, self.time, rows).await
    }

    async fn queue_ends(
        &mut self,
        queues: &BTreeSet<ProducerQueue>,
    ) -> PortResult<BTreeMap<ProducerQueue, u64>> {
        queue_position::ends(&mut self.tx, self.time, queues).await
    }

    async fn move_queue_ends(&mut self, ends: &BTreeMap<ProducerQueue, u64>) -> PortResult<()> {
        queue_position::move_ends(&mut self.tx, self.time, ends).await
    }

    async fn count_deliveries(&mut self, deliveries: &[EventDelivery<'_>]) -> PortResult<()> {
        ingest::count_events(&mut self.tx, self.work.now_ms, deliveries).await
    }

    async fn advance(&mut self, checkpoint: &Checkpoint) -> PortResult<()> {
        shards::advance(&mut self.tx, checkpoint).await
    }

    async fn keep_refused(&mut self, refused: &[RefusedEvent]) -> PortResult<()> {
        scans_and_refused_events::write_refused(&mut self.tx, self.work.now_ms, refused).await
    }

    async fn keep_deletions(&mut self, deletions: &[Deletion]) -> PortResult<()> {
        late_events::write(&mut self.tx, self.work.now_ms, deletions).await
    }

    async fn deletions_of(&mut self, keys: &BTreeSet<String>) -> PortResult<Vec<Deletion>> {
        late_events::of_keys(&mut self.tx, keys).await
    }

    async fn keep_scans(&mut self, scans: &[ExternalScanEvent]) -> PortResult<Vec<String>> {
        scans_and_refused_events::write_scans(&mut self.tx, self.work.now_ms, scans).await
    }

    async fn keep_unlinked(&mut self, scans: &[ExternalScanEvent]) -> PortResult<()> {
        late_events::keep_unlinked(&mut self.tx, self.work.now_ms, scans).await
    }

    async fn take_unlinked(&mut self, assets: &[AssetId]) -> PortResult<Vec<ExternalScanEvent>> {
        late_events::take_unlinked(&mut self.tx, assets).await
    }

    async fn expired_leases(&mut self, _: Option<u64>, leases_max: u32) -> PortResult<Vec<LostLease>> {
        leases::expired(&mut self.tx, self.time.now_ms, leases_max).await
    }

    async fn leases_of(&mut self, node: &NodeId, leases_max: u32) -> PortResult<Vec<LostLease>> {
        leases::of_node(&mut self.tx, node, leases_max).await
    }

    async fn expired_releases(&mut self, assets_max: u32) -> PortResult<Vec<AssetId>> {
        decisions::expired_releases(&mut self.tx, self.work.now_ms, assets_max).await
    }

    async fn unreviewed(&mut self, until_ms: u64, assets_max: u32) -> PortResult<Vec<AssetId>> {
        decisions::unreviewed(&mut self.tx, until_ms, assets_max).await
    }

    async fn keep_reminders(&mut self, assets: &[AssetId]) -> PortResult<()> {
        let mut arrivals = Vec::with_capacity(assets.len());
        for id in assets {
            arrivals.push(self.work.at(id)?.row.arrival);
        }
        decisions::write_reminders(&mut self.tx, self.work.now_ms, &arrivals).await
    }

    async fn proposal_of(&mut self, asset: &AssetId) -> PortResult<Option<Proposal>> {
        proposals::of_asset(&mut *self.tx, asset).await
    }

    async fn two_people_rule(&mut self) -> PortResult<bool> {
        proposals::rule(&mut self.tx).await
    }

    async fn keep_two_people_rule(&mut self, is_on: bool, line: &HistoryRecord) -> PortResult<()> {
        proposals::keep_rule(&mut self.tx, is_on, line).await
    }

    async fn remove_notices(
        &mut self,
        receiver: &ReceiverName,
        ids: &[NoticeId],
    ) -> PortResult<Vec<RemovedNotice>> {
        outbox::remove(&mut self.tx, receiver, ids).await
    }

    async fn add_history(&mut self, lines: Vec<(AssetId, HistoryRecord)>) -> PortResult<()> {
        let assets: Vec<AssetId> = lines.iter().map(|(asset, _)| asset.clone()).collect();
        load_rows(&mut self.tx, &mut self.work, self.time, &assets).await?;
        lines.into_iter().try_for_each(|(asset, line)| self.work.note(&asset, line))
    }

    async fn take_unsealed(&mut self, entries_max: u32) -> PortResult<(u64, Vec<(String, HistoryRecord)>)> {
        audit::take_unsealed(&mut self.tx, entries_max).await
    }

    async fn audit_head(&mut self) -> PortResult<Option<AuditRecord>> {
        audit::head(&mut *self.tx).await
    }

    async fn append_audit(&mut self, records: &[AuditRecord]) -> PortResult<()> {
        audit::append(&mut self.tx, records).await
    }

    async fn first_unannounced(&mut self) -> PortResult<Option<AuditRecord>> {
        audit::first_unannounced(&mut self.tx).await
    }

    async fn announce_seal(&mut self, seal: &Seal, notice: &NoticeRecord) -> PortResult<()> {
        audit::keep_announced(&mut self.tx, seal, self.work.now_ms).await?;
        outbox::put(&mut self.tx, std::slice::from_ref(notice), self.time).await
    }

    async fn keep_closed(&mut self, day: u32) -> PortResult<bool> {
        ledger::keep_closed(&mut self.tx, day, self.work.now_ms).await
    }

    async fn keep_shares(&mut self, shares: &[ShareRecord]) -> PortResult<()> {
        shares::write(&mut self.tx, shares).await
    }

    async fn put_notices(&mut self, notices: &[NoticeRecord]) -> PortResult<()> {
        outbox::put(&mut self.tx, notices, self.time).await
    }
}
