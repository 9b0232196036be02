//! One transaction in memory. Writes are deferred until the call has run, so that a call which fails changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reelgate_cost::money::NanoUsd;
use reelgate_flow::asset::{Original, Phase};
use reelgate_flow::ids::{AssetId, NodeId, NoticeId, ReceiverName};
use reelgate_flow::policy::Policy;
use reelgate_flow::reason::Code;
use reelgate_flow::task::TaskKey;
use reelgate_ports::audit::Seal;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::events::RefusedEvent;
use reelgate_ports::records::{
    AccountSums, AuditRecord, ExternalScanEvent, Fence, FindingRecord, HistoryRecord, NoticeRecord, Proposal,
    ShareRecord,
};
use reelgate_ports::shards::Checkpoint;
use tokio::sync::MutexGuard;

use super::state::{State, Stored};
use super::write;
use crate::session::{EventDelivery, LostLease, Money, ProducerQueue, RemovedNotice, Session};
use crate::work::{AssetRow, Deletion, UnitOfWork};

/// Maximum number of assets with the same content that are considered as the original.
const SHAREABLE_MAX: usize = 8;

type Write = Box<dyn FnOnce(&mut State) + Send>;

/// A running transaction.
pub(super) struct MemorySession<'s> {
    state: MutexGuard<'s, State>,
    work: UnitOfWork,
    writes: Vec<Write>,
}

impl<'s> MemorySession<'s> {
    pub(super) fn new(state: MutexGuard<'s, State>, now_ms: u64, policy: Arc<Policy>) -> Self {
        Self { state, work: UnitOfWork::new(now_ms, policy), writes: Vec::new() }
    }

    /// Writes everything; returns the ids of violated invariants.
    pub(super) fn commit(mut self) -> Vec<String> {
        for write in self.writes {
            write(&mut self.state);
        }
        write::write(&mut self.state, self.work)
    }

    fn later(&mut self, write: impl FnOnce(&mut State) + Send + 'static) {
        self.writes.push(Box::new(write));
    }

    fn add(&mut self, arrivals: impl IntoIterator<Item = i64>) -> PortResult<()> {
        for arrival in arrivals {
            let Some(stored) = self.state.at(arrival) else { continue };
            if self.work.loaded.contains_key(&stored.row.id) {
                continue;
            }
            let Stored { row, extras, .. } = stored;
            self.work.add(row.clone());
            self.work.at(&row.id)?.extras = extras.clone();
        }
        Ok(())
    }
}

/// The numbers of assets that an index has for these keys.
fn numbers<K: Ord>(index: &BTreeMap<K, BTreeSet<i64>>, keys: &BTreeSet<K>) -> BTreeSet<i64> {
    keys.iter().filter_map(|key| index.get(key)).flatten().copied().collect()
}

impl Session for MemorySession<'_> {
    type Error = PortError;

    fn work(&mut self) -> &mut UnitOfWork {
        &mut self.work
    }

    async fn load(&mut self, ids: &[AssetId]) -> PortResult<()> {
        let found: BTreeSet<i64> = ids.iter().filter_map(|id| self.state.arrivals.get(id)).copied().collect();
        self.add(found)
    }

    async fn load_versions(&mut self, keys: &BTreeSet<String>) -> PortResult<()> {
        let found = numbers(&self.state.by_key, keys);
        self.add(found)
    }

    async fn load_families(&mut self, families: &BTreeSet<String>) -> PortResult<()> {
        let found = numbers(&self.state.by_family, families);
        self.add(found)
    }

    async fn load_shareable(&mut self, contents: &BTreeSet<String>) -> PortResult<()> {
        let mut found = BTreeSet::new();
        for content in contents {
            let same = self.state.by_content.get(content).into_iter().flatten().copied();
            let shareable = same.filter(|arrival| self.state.at(*arrival).is_some_and(is_shareable));
            found.extend(shareable.take(SHAREABLE_MAX));
        }
        self.add(found)
    }

    async fn load_duplicates(&mut self, of: &BTreeSet<AssetId>) -> PortResult<()> {
        let waits = |arrival: &i64| {
            let phase = self.state.at(*arrival).map(|stored| stored.row.core.phase);
            matches!(phase, Some(Phase::Linked | Phase::Screened))
        };
        let found: Vec<i64> = numbers(&self.state.by_link, of).into_iter().filter(waits).collect();
        self.add(found)
    }

    async fn load_same_content(&mut self, contents: &BTreeSet<String>) -> PortResult<()> {
        let found = numbers(&self.state.by_content, contents);
        self.add(found)
    }

    async fn findings_of(
        &mut self,
        assets: &BTreeSet<AssetId>,
    ) -> PortResult<BTreeMap<AssetId, Vec<FindingRecord>>> {
        let findings = |id: &AssetId| Some((id.clone(), self.state.find(id)?.findings.clone()));
        Ok(assets.iter().filter_map(findings).collect())
    }

    async fn covered_by_releases(
        &mut self,
        assets: &BTreeSet<AssetId>,
    ) -> PortResult<BTreeMap<AssetId, serde_json::Value>> {
        let covered = |id: &AssetId| {
            Some((id.clone(), self.state.find(id)?.products.get(&TaskKey::Restore)?.result.clone()))
        };
        Ok(assets.iter().filter_map(covered).collect())
    }

    async fn money_of(&mut self, assets: &BTreeSet<AssetId>) -> PortResult<BTreeMap<AssetId, Money>> {
        let money = |id: &AssetId| {
            let arrival = self.state.arrivals.get(id).copied()?;
            let stored =
                self.state.ledger.range((arrival, String::new(), 0, "")..(arrival + 1, String::new(), 0, ""));
            let new = self.work.ledger.iter().filter(|record| record.asset == *id);
            let mut lines: BTreeMap<_, NanoUsd> = BTreeMap::new();
            for record in stored.map(|(_, record)| record).chain(new) {
                let position = (record.task, record.attempt, record.charge.resource);
                lines.entry(position).or_insert(record.charge.amount);
            }
            let cost = NanoUsd::sum(lines.into_values()).ok()?;
            let budget = self.state.budgets.get(&arrival).cloned().unwrap_or_default();
            Some((id.clone(), Money { cost, budget }))
        };
        Ok(assets.iter().filter_map(money).collect())
    }

    async fn account_sums(&mut self, names: &BTreeSet<String>) -> PortResult<BTreeMap<String, AccountSums>> {
        let sums = |name: &String| Some((name.clone(), *self.state.accounts.get(name)?));
        Ok(names.iter().filter_map(sums).collect())
    }

    async fn waiting_for_money(
        &mut self,
        after: Option<&AssetId>,
        assets_max: u32,
    ) -> PortResult<Vec<AssetId>> {
        let after = after.and_then(|id| self.state.arrivals.get(id)).copied().unwrap_or(0);
        let waits = |stored: &&Stored| {
            let reason = stored.row.core.reason.as_ref();
            let is_parked = reason.is_some_and(|fault| fault.code == Code::BudgetExceeded);
            is_parked && stored.row.core.phase == Phase::Failed && stored.row.arrival > after
        };
        Ok(ids(self.state.assets.iter().filter(waits), assets_max))
    }

    async fn add_assets(&mut self, rows: &mut [AssetRow]) -> PortResult<()> {
        let known = self.state.assets.len();
        for (number, row) in (1..).zip(rows.iter_mut()) {
            row.arrival = i64::try_from(known + number).unwrap_or(i64::MAX);
        }
        let rows = rows.to_vec();
        self.later(move |state| rows.into_iter().for_each(|row| write::insert(state, row)));
        Ok(())
    }

    async fn queue_ends(
        &mut self,
        queues: &BTreeSet<ProducerQueue>,
    ) -> PortResult<BTreeMap<ProducerQueue, u64>> {
        let end = |queue: &ProducerQueue| Some((queue.clone(), *self.state.queue_ends.get(queue)?));
        Ok(queues.iter().filter_map(end).collect())
    }

    async fn move_queue_ends(&mut self, ends: &BTreeMap<ProducerQueue, u64>) -> PortResult<()> {
        let ends = ends.clone();
        self.later(move |state| state.queue_ends.extend(ends));
        Ok(())
    }

    /// No query of this store returns the number of deliveries.
    async fn count_deliveries(&mut self, _: &[EventDelivery<'_>]) -> PortResult<()> {
        Ok(())
    }

    async fn advance(&mut self, checkpoint: &Checkpoint) -> PortResult<()> {
        let Checkpoint { lease, from, to } = checkpoint.clone();
        if self.state.held(&lease).is_none_or(|row| row.position != from) {
            let detail = "expected to own the shard's lease and to find its checkpoint unmoved; another node reads the shard";
            return Err(PortError::new(Port::Store, ErrorKind::Conflict, "move a checkpoint", detail));
        }
        self.later(move |state| {
            if let Some(row) = state.held(&lease) {
                row.position = to;
            }
        });
        Ok(())
    }

    async fn keep_refused(&mut self, refused: &[RefusedEvent]) -> PortResult<()> {
        let (refused, now_ms) = (refused.to_vec(), self.work.now_ms);
        self.later(move |state| write::refuse(state, now_ms, refused));
        Ok(())
    }

    async fn keep_deletions(&mut self, deletions: &[Deletion]) -> PortResult<()> {
        let (deletions, now_ms) = (deletions.to_vec(), self.work.now_ms);
        self.later(move |state| write::keep_deletions(state, now_ms, deletions));
        Ok(())
    }

    async fn deletions_of(&mut self, keys: &BTreeSet<String>) -> PortResult<Vec<Deletion>> {
        let of_keys = self.state.deletions.iter().filter(|((_, key, _), _)| keys.contains(key));
        Ok(of_keys.map(|(_, (deletion, _))| deletion.clone()).collect())
    }

    async fn keep_scans(&mut self, scans: &[ExternalScanEvent]) -> PortResult<Vec<String>> {
        let mut fresh: Vec<ExternalScanEvent> = Vec::new();
        for scan in scans {
            let known = self.state.scans.contains_key(&scan.id) || fresh.iter().any(|one| one.id == scan.id);
            fresh.extend((!known).then(|| scan.clone()));
        }
        let ids = fresh.iter().map(|scan| scan.id.clone()).collect();
        let now_ms = self.work.now_ms;
        let kept = move |scan: ExternalScanEvent| (scan.id.clone(), (scan, now_ms));
        self.later(move |state| state.scans.extend(fresh.into_iter().map(kept)));
        Ok(ids)
    }

    async fn keep_unlinked(&mut self, scans: &[ExternalScanEvent]) -> PortResult<()> {
        let (scans, now_ms) = (scans.to_vec(), self.work.now_ms);
        self.later(move |state| {
            state.unlinked.extend(scans.into_iter().map(|scan| (scan.id.clone(), (scan, now_ms))));
        });
        Ok(())
    }

    async fn take_unlinked(&mut self, assets: &[AssetId]) -> PortResult<Vec<ExternalScanEvent>> {
        let scans = self.state.unlinked.values().map(|(scan, _)| scan);
        let wanted = |scan: &&ExternalScanEvent| scan.asset.as_ref().is_some_and(|id| assets.contains(id));
        let taken: Vec<ExternalScanEvent> = scans.filter(wanted).cloned().collect();
        let ids: BTreeSet<String> = taken.iter().map(|scan| scan.id.clone()).collect();
        self.later(move |state| state.unlinked.retain(|id, _| !ids.contains(id)));
        Ok(taken)
    }

    async fn expired_leases(&mut self, _: Option<u64>, leases_max: u32) -> PortResult<Vec<LostLease>> {
        let now_ms = self.work.now_ms;
        let over = self.state.leased.iter().take_while(|(until_ms, ..)| *until_ms <= now_ms);
        Ok(lost(&self.state, over, leases_max, |_| true))
    }

    async fn leases_of(&mut self, node: &NodeId, leases_max: u32) -> PortResult<Vec<LostLease>> {
        Ok(lost(&self.state, self.state.leased.iter(), leases_max, |lease| lease.node == *node))
    }

    async fn expired_releases(&mut self, assets_max: u32) -> PortResult<Vec<AssetId>> {
        let now_ms = self.work.now_ms;
        let is_over = |stored: &&Stored| {
            let core = &stored.row.core;
            let expires = write::latest_release(stored).and_then(|release| release.expires_ms);
            core.phase == Phase::Published && core.flags.cleared && expires.is_some_and(|ms| ms <= now_ms)
        };
        Ok(ids(self.state.assets.iter().filter(is_over), assets_max))
    }

    async fn unreviewed(&mut self, until_ms: u64, assets_max: u32) -> PortResult<Vec<AssetId>> {
        let is_due = |stored: &&Stored| {
            let ended = stored.row.ended_ms.is_some_and(|ms| ms <= until_ms);
            stored.row.core.phase == Phase::Quarantined && ended && stored.reminded_ms <= until_ms
        };
        Ok(ids(self.state.assets.iter().filter(is_due), assets_max))
    }

    async fn keep_reminders(&mut self, assets: &[AssetId]) -> PortResult<()> {
        let (assets, now_ms) = (assets.to_vec(), self.work.now_ms);
        self.later(move |state| {
            for id in assets {
                let arrival = state.arrivals.get(&id).copied().unwrap_or_default();
                if let Some(stored) = state.at_mut(arrival) {
                    stored.reminded_ms = now_ms;
                }
            }
        });
        Ok(())
    }

    async fn proposal_of(&mut self, asset: &AssetId) -> PortResult<Option<Proposal>> {
        Ok(self.state.find(asset).and_then(|stored| stored.proposal.clone()))
    }

    async fn two_people_rule(&mut self) -> PortResult<bool> {
        Ok(self.state.two_people)
    }

    async fn keep_two_people_rule(&mut self, is_on: bool, line: &HistoryRecord) -> PortResult<()> {
        let line = line.clone();
        self.later(move |state| {
            state.two_people = is_on;
            state.unsealed.push_back((String::new(), line));
        });
        Ok(())
    }

    async fn remove_notices(
        &mut self,
        receiver: &ReceiverName,
        ids: &[NoticeId],
    ) -> PortResult<Vec<RemovedNotice>> {
        let gone = self.state.outbox.iter().filter(|(_, owed)| ids.iter().any(|id| owed.is(receiver, id)));
        let gone: Vec<u64> = gone.map(|(number, _)| *number).collect();
        let notices = gone.iter().filter_map(|number| self.state.outbox.get(number));
        let removed = notices.map(|owed| RemovedNotice {
            id: owed.notice.id.clone(),
            asset: owed.notice.asset.clone(),
            kind: owed.notice.kind.as_str().to_owned(),
            tries: owed.notice.tries,
        });
        let removed = removed.collect();
        self.later(move |state| state.outbox.retain(|number, _| !gone.contains(number)));
        Ok(removed)
    }

    async fn add_history(&mut self, lines: Vec<(AssetId, HistoryRecord)>) -> PortResult<()> {
        let assets: Vec<AssetId> = lines.iter().map(|(asset, _)| asset.clone()).collect();
        self.load(&assets).await?;
        lines.into_iter().try_for_each(|(asset, line)| self.work.note(&asset, line))
    }

    async fn take_unsealed(&mut self, entries_max: u32) -> PortResult<(u64, Vec<(String, HistoryRecord)>)> {
        let taken = self.state.unsealed.len().min(entries_max as usize);
        let lines = self.state.unsealed.iter().take(taken).cloned().collect();
        self.later(move |state| {
            state.unsealed.drain(..taken);
        });
        Ok((taken as u64, lines))
    }

    async fn audit_head(&mut self) -> PortResult<Option<AuditRecord>> {
        Ok(self.state.audit.last().cloned())
    }

    async fn append_audit(&mut self, records: &[AuditRecord]) -> PortResult<()> {
        let records = records.to_vec();
        self.later(move |state| state.audit.extend(records));
        Ok(())
    }

    async fn first_unannounced(&mut self) -> PortResult<Option<AuditRecord>> {
        let announced = usize::try_from(self.state.announced_records).unwrap_or(usize::MAX);
        Ok(self.state.audit.get(announced).cloned())
    }

    async fn announce_seal(&mut self, seal: &Seal, notice: &NoticeRecord) -> PortResult<()> {
        let (records, notice, now_ms) = (seal.records, notice.clone(), self.work.now_ms);
        self.later(move |state| {
            state.announced_records = records;
            write::put(state, notice, now_ms);
        });
        Ok(())
    }

    async fn keep_closed(&mut self, day: u32) -> PortResult<bool> {
        let is_new = !self.state.closed_days.contains(&day);
        self.later(move |state| {
            state.closed_days.insert(day);
        });
        Ok(is_new)
    }

    async fn keep_shares(&mut self, shares: &[ShareRecord]) -> PortResult<()> {
        let shares = shares.to_vec();
        self.later(move |state| {
            for share in shares {
                if let Some(key) = state.share_key(&share) {
                    state.shares.entry(key).or_insert(share);
                }
            }
        });
        Ok(())
    }

    async fn put_notices(&mut self, notices: &[NoticeRecord]) -> PortResult<()> {
        let (notices, now_ms) = (notices.to_vec(), self.work.now_ms);
        self.later(move |state| notices.into_iter().for_each(|notice| write::put(state, notice, now_ms)));
        Ok(())
    }
}

fn ids<'a>(found: impl Iterator<Item = &'a Stored>, assets_max: u32) -> Vec<AssetId> {
    found.take(assets_max as usize).map(|stored| stored.row.id.clone()).collect()
}

fn is_shareable(stored: &Stored) -> bool {
    stored.row.core.as_original() != Original::None
}

fn lost<'a>(
    state: &State,
    leased: impl Iterator<Item = &'a (u64, i64, reelgate_flow::task::TaskKey)>,
    leases_max: u32,
    wanted: impl Fn(&LostLease) -> bool,
) -> Vec<LostLease> {
    let read = |(_, arrival, task): &(u64, i64, reelgate_flow::task::TaskKey)| {
        let stored = state.at(*arrival)?;
        let attempt = stored.row.core.tasks.get(task)?.attempts;
        let owner = &stored.extras.get(task)?.lease.as_ref()?.owner;
        let fence = Fence { asset: stored.row.id.clone(), task: *task, attempt };
        let node = NodeId::new(owner.clone());
        let node_report = state.nodes.get(&node).map(|known| known.report.clone());
        Some(LostLease { fence, node, claimed_ms: *stored.claimed_ms.get(task)?, node_report })
    };
    leased.filter_map(read).filter(wanted).take(leases_max as usize).collect()
}
