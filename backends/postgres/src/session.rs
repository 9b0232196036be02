//! One transaction on PostgreSQL, as the service drives it: every method is one statement, or one for each of a few tables.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::ids::{AssetId, NodeId, NoticeId, ReceiverName};
use reelgate_ports::audit::Seal;
use reelgate_ports::events::RefusedEvent;
use reelgate_ports::records::{
    AccountSums, AuditRecord, ExternalScanEvent, FindingRecord, HistoryRecord, NoticeRecord, Proposal,
    ShareRecord,
};
use reelgate_ports::shards::Checkpoint;
use reelgate_store::session::{EventDelivery, LostLease, Money, ProducerQueue, RemovedNotice, Session};
use reelgate_store::work::{AssetRow, Deletion, UnitOfWork};
use sqlx::PgConnection;

use crate::error::{DbError, DbResult};
use crate::locks::hash;
use crate::time::number;
use crate::unit::Unit;
use crate::write::{self, Written};
use crate::{
    audit, budgets, decisions, ingest, late_events, leases, ledger, outbox, products, proposals,
    scans_and_refused_events, shards, shares,
};

/// A transaction that has begun and taken its locks.
pub(crate) struct PgSession<'c> {
    pub conn: &'c mut PgConnection,
    pub unit: Unit,
}

impl PgSession<'_> {
    /// Writes everything that changed.
    pub(crate) async fn write(self) -> DbResult<Written> {
        write::write(self.conn, self.unit).await
    }

    fn now_ms(&self) -> i64 {
        number(self.unit.work.now_ms)
    }

    fn arrivals(&self, assets: &[AssetId]) -> Vec<i64> {
        assets.iter().filter_map(|id| Some(self.unit.work.loaded.get(id)?.row.arrival)).collect()
    }
}

fn hashes(sha256: &BTreeSet<String>) -> Vec<i64> {
    sha256.iter().map(|sha256| hash(sha256)).collect()
}

impl Session for PgSession<'_> {
    type Error = DbError;

    fn work(&mut self) -> &mut UnitOfWork {
        &mut self.unit.work
    }

    async fn load(&mut self, ids: &[AssetId]) -> DbResult<()> {
        self.unit.load(self.conn, ids).await
    }

    async fn load_versions(&mut self, keys: &BTreeSet<String>) -> DbResult<()> {
        self.unit.load_versions(self.conn, &hashes(keys)).await
    }

    async fn load_families(&mut self, families: &BTreeSet<String>) -> DbResult<()> {
        self.unit.load_families(self.conn, &hashes(families)).await
    }

    async fn load_shareable(&mut self, contents: &BTreeSet<String>) -> DbResult<()> {
        self.unit.load_shareable(self.conn, &hashes(contents)).await
    }

    async fn load_duplicates(&mut self, of: &BTreeSet<AssetId>) -> DbResult<()> {
        let of: Vec<String> = of.iter().map(|id| id.as_str().to_owned()).collect();
        self.unit.load_duplicates(self.conn, &of).await
    }

    async fn load_same_content(&mut self, contents: &BTreeSet<String>) -> DbResult<()> {
        self.unit.load_same_content(self.conn, &hashes(contents)).await
    }

    async fn findings_of(
        &mut self,
        assets: &BTreeSet<AssetId>,
    ) -> DbResult<BTreeMap<AssetId, Vec<FindingRecord>>> {
        products::findings_of(self.conn, assets).await
    }

    async fn covered_by_releases(
        &mut self,
        assets: &BTreeSet<AssetId>,
    ) -> DbResult<BTreeMap<AssetId, serde_json::Value>> {
        products::covered_by_releases(self.conn, assets).await
    }

    async fn money_of(&mut self, assets: &BTreeSet<AssetId>) -> DbResult<BTreeMap<AssetId, Money>> {
        budgets::money(self.conn, &mut self.unit.work, assets).await
    }

    async fn account_sums(&mut self, names: &BTreeSet<String>) -> DbResult<BTreeMap<String, AccountSums>> {
        budgets::sums(&mut *self.conn, &names.iter().cloned().collect::<Vec<_>>()).await
    }

    async fn waiting_for_money(
        &mut self,
        after: Option<&AssetId>,
        assets_max: u32,
    ) -> DbResult<Vec<AssetId>> {
        budgets::waiting(self.conn, after, assets_max).await
    }

    async fn add_assets(&mut self, rows: &mut [AssetRow]) -> DbResult<()> {
        ingest::assign_arrivals(self.conn, rows).await?;
        self.unit.fresh.extend(rows.iter().map(|row| row.id.clone()));
        Ok(())
    }

    async fn queue_ends(
        &mut self,
        queues: &BTreeSet<ProducerQueue>,
    ) -> DbResult<BTreeMap<ProducerQueue, u64>> {
        ingest::queue_ends(self.conn, queues).await
    }

    async fn move_queue_ends(&mut self, ends: &BTreeMap<ProducerQueue, u64>) -> DbResult<()> {
        ingest::move_queue_ends(self.conn, ends).await
    }

    /// Only of uploads that were known before; a new one's row begins with one.
    async fn count_deliveries(&mut self, deliveries: &[EventDelivery<'_>]) -> DbResult<()> {
        let known = deliveries.iter().map(|delivery| delivery.asset);
        let known: Vec<AssetId> = known.filter(|id| !self.unit.fresh.contains(*id)).cloned().collect();
        if known.is_empty() {
            return Ok(());
        }
        let arrivals = self.arrivals(&known);
        ingest::count_again(self.conn, &arrivals).await
    }

    async fn advance(&mut self, checkpoint: &Checkpoint) -> DbResult<()> {
        shards::advance(self.conn, checkpoint).await
    }

    async fn keep_refused(&mut self, refused: &[RefusedEvent]) -> DbResult<()> {
        scans_and_refused_events::write_refused(self.conn, self.unit.work.now_ms, refused).await
    }

    async fn keep_deletions(&mut self, deletions: &[Deletion]) -> DbResult<()> {
        late_events::write(self.conn, self.unit.work.now_ms, deletions).await
    }

    async fn deletions_of(&mut self, keys: &BTreeSet<String>) -> DbResult<Vec<Deletion>> {
        late_events::of_keys(self.conn, &keys.iter().cloned().collect::<Vec<_>>()).await
    }

    async fn keep_scans(&mut self, scans: &[ExternalScanEvent]) -> DbResult<Vec<String>> {
        scans_and_refused_events::write_scans(self.conn, self.unit.work.now_ms, scans).await
    }

    async fn keep_unlinked(&mut self, scans: &[ExternalScanEvent]) -> DbResult<()> {
        late_events::keep_unlinked(self.conn, self.unit.work.now_ms, scans).await
    }

    async fn take_unlinked(&mut self, assets: &[AssetId]) -> DbResult<Vec<ExternalScanEvent>> {
        late_events::take_unlinked(self.conn, assets).await
    }

    async fn expired_leases(&mut self, after_ms: Option<u64>, leases_max: u32) -> DbResult<Vec<LostLease>> {
        let from = after_ms.map_or(i64::MIN, number);
        let now_ms = self.now_ms();
        leases::expired(self.conn, from, now_ms, leases_max).await
    }

    async fn leases_of(&mut self, node: &NodeId, leases_max: u32) -> DbResult<Vec<LostLease>> {
        leases::of_node(self.conn, node, leases_max).await
    }

    async fn expired_releases(&mut self, assets_max: u32) -> DbResult<Vec<AssetId>> {
        let now_ms = self.now_ms();
        decisions::expired_releases(self.conn, now_ms, assets_max).await
    }

    async fn unreviewed(&mut self, until_ms: u64, assets_max: u32) -> DbResult<Vec<AssetId>> {
        decisions::unreviewed(self.conn, number(until_ms), assets_max).await
    }

    async fn keep_reminders(&mut self, assets: &[AssetId]) -> DbResult<()> {
        let (now_ms, arrivals) = (self.now_ms(), self.arrivals(assets));
        decisions::write_reminders(self.conn, now_ms, &arrivals).await
    }

    async fn proposal_of(&mut self, asset: &AssetId) -> DbResult<Option<Proposal>> {
        proposals::of_asset(&mut *self.conn, asset).await
    }

    async fn two_people_rule(&mut self) -> DbResult<bool> {
        proposals::rule(self.conn).await
    }

    async fn keep_two_people_rule(&mut self, is_on: bool, line: &HistoryRecord) -> DbResult<()> {
        proposals::keep_rule(self.conn, is_on, line).await
    }

    async fn remove_notices(
        &mut self,
        receiver: &ReceiverName,
        ids: &[NoticeId],
    ) -> DbResult<Vec<RemovedNotice>> {
        outbox::remove(self.conn, receiver, ids).await
    }

    async fn add_history(&mut self, lines: Vec<(AssetId, HistoryRecord)>) -> DbResult<()> {
        outbox::add_history(self.conn, &lines).await
    }

    async fn take_unsealed(&mut self, entries_max: u32) -> DbResult<(u64, Vec<(String, HistoryRecord)>)> {
        audit::take_unsealed(self.conn, entries_max).await
    }

    async fn audit_head(&mut self) -> DbResult<Option<AuditRecord>> {
        audit::head(&mut *self.conn).await
    }

    async fn append_audit(&mut self, records: &[AuditRecord]) -> DbResult<()> {
        audit::append(self.conn, records).await
    }

    async fn first_unannounced(&mut self) -> DbResult<Option<AuditRecord>> {
        audit::first_unannounced(self.conn).await
    }

    async fn announce_seal(&mut self, seal: &Seal, notice: &NoticeRecord) -> DbResult<()> {
        let now_ms = self.now_ms();
        audit::announce(self.conn, now_ms, seal, notice).await
    }

    async fn keep_closed(&mut self, day: u32) -> DbResult<bool> {
        let now_ms = self.now_ms();
        ledger::keep_closed(self.conn, now_ms, day).await
    }

    async fn keep_shares(&mut self, shares: &[ShareRecord]) -> DbResult<()> {
        shares::write(self.conn, shares).await
    }

    async fn put_notices(&mut self, notices: &[NoticeRecord]) -> DbResult<()> {
        let now_ms = self.now_ms();
        outbox::put(self.conn, now_ms, notices).await
    }
}
