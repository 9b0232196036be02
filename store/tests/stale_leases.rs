//! Leases are listed before their assets are locked, so a listed lease may have been renewed meanwhile.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reelgate_conformance::ManualClock;
use reelgate_flow::ids::{AssetId, NodeId, NoticeId, ReceiverName, Sequencer, SourceId};
use reelgate_flow::task::Lane;
use reelgate_ports::audit::Seal;
use reelgate_ports::events::{EventBatch, RefusedEvent};
use reelgate_ports::order::Priority;
use reelgate_ports::records::{
    AccountSums, AuditRecord, Claim, EventKind, ExternalScanEvent, FindingRecord, HistoryRecord, MediaEvent,
    NoticeRecord, Proposal, ShareRecord,
};
use reelgate_ports::shards::Checkpoint;
use reelgate_ports::store::{Intake, Queue};
use reelgate_store::memory::MemoryStore;
use reelgate_store::service::{Reap, Reaped, Transact, WriteCall};
use reelgate_store::session::{
    Answer, EventDelivery, LostLease, Money, ProducerQueue, RemovedNotice, Session,
};
use reelgate_store::work::{AssetRow, Deletion, UnitOfWork};

const LEASE_MS: u64 = 30_000;

/// A session that lists these leases, as another node saw them earlier.
struct EarlierList<'a, S> {
    session: &'a mut S,
    leases: Vec<LostLease>,
}

macro_rules! pass_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $output:ty;)*) => {
        $(async fn $name(&mut self, $($argument: $type),*) -> Answer<$output, Self> {
            self.session.$name($($argument),*).await
        })*
    };
}

impl<S: Session> Session for EarlierList<'_, S> {
    type Error = S::Error;

    fn work(&mut self) -> &mut UnitOfWork {
        self.session.work()
    }

    async fn expired_leases(&mut self, _: Option<u64>, _: u32) -> Answer<Vec<LostLease>, Self> {
        Ok(self.leases.clone())
    }

    pass_on! {
        load(ids: &[AssetId]) -> ();
        load_versions(keys: &BTreeSet<String>) -> ();
        load_families(families: &BTreeSet<String>) -> ();
        load_shareable(contents: &BTreeSet<String>) -> ();
        load_duplicates(of: &BTreeSet<AssetId>) -> ();
        load_same_content(contents: &BTreeSet<String>) -> ();
        findings_of(assets: &BTreeSet<AssetId>) -> BTreeMap<AssetId, Vec<FindingRecord>>;
        covered_by_releases(assets: &BTreeSet<AssetId>) -> BTreeMap<AssetId, serde_json::Value>;
        money_of(assets: &BTreeSet<AssetId>) -> BTreeMap<AssetId, Money>;
        account_sums(names: &BTreeSet<String>) -> BTreeMap<String, AccountSums>;
        waiting_for_money(after: Option<&AssetId>, assets_max: u32) -> Vec<AssetId>;
        add_assets(rows: &mut [AssetRow]) -> ();
        queue_ends(queues: &BTreeSet<ProducerQueue>) -> BTreeMap<ProducerQueue, u64>;
        move_queue_ends(ends: &BTreeMap<ProducerQueue, u64>) -> ();
        count_deliveries(deliveries: &[EventDelivery<'_>]) -> ();
        advance(checkpoint: &Checkpoint) -> ();
        keep_refused(refused: &[RefusedEvent]) -> ();
        keep_deletions(deletions: &[Deletion]) -> ();
        deletions_of(keys: &BTreeSet<String>) -> Vec<Deletion>;
        keep_scans(scans: &[ExternalScanEvent]) -> Vec<String>;
        keep_unlinked(scans: &[ExternalScanEvent]) -> ();
        take_unlinked(assets: &[AssetId]) -> Vec<ExternalScanEvent>;
        leases_of(node: &NodeId, leases_max: u32) -> Vec<LostLease>;
        expired_releases(assets_max: u32) -> Vec<AssetId>;
        unreviewed(until_ms: u64, assets_max: u32) -> Vec<AssetId>;
        keep_reminders(assets: &[AssetId]) -> ();
        proposal_of(asset: &AssetId) -> Option<Proposal>;
        two_people_rule() -> bool;
        keep_two_people_rule(is_on: bool, line: &HistoryRecord) -> ();
        remove_notices(receiver: &ReceiverName, ids: &[NoticeId]) -> Vec<RemovedNotice>;
        add_history(lines: Vec<(AssetId, HistoryRecord)>) -> ();
        take_unsealed(entries_max: u32) -> (u64, Vec<(String, HistoryRecord)>);
        audit_head() -> Option<AuditRecord>;
        append_audit(records: &[AuditRecord]) -> ();
        first_unannounced() -> Option<AuditRecord>;
        announce_seal(seal: &Seal, notice: &NoticeRecord) -> ();
        keep_closed(day: u32) -> bool;
        keep_shares(shares: &[ShareRecord]) -> ();
        put_notices(notices: &[NoticeRecord]) -> ();
    }
}

/// Ends these leases as a reap does that listed them earlier.
struct LateReap(Vec<LostLease>);

impl WriteCall for LateReap {
    type Output = Reaped;

    const OPERATION: &'static str = Reap::OPERATION;

    async fn run<S: Session>(&self, session: &mut S) -> Answer<Reaped, S> {
        Reap { after_ms: None }.run(&mut EarlierList { session, leases: self.0.clone() }).await
    }
}

fn node() -> NodeId {
    NodeId::new("node-a")
}

async fn claimed(store: &MemoryStore) -> Claim {
    let upload = MediaEvent {
        kind: EventKind::Created,
        priority: Priority::Normal,
        source: SourceId { bucket: "ingest".into(), key: "a".into(), version: "1".into() },
        sequencer: Sequencer::from_nanos(1),
        size_bytes: 1,
        location: "ingest/a".into(),
        force: false,
    };
    store.ingest(&EventBatch::of([upload])).await.unwrap();
    store.claim(&node(), Lane::Light, 1, LEASE_MS).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_lease_that_was_renewed_after_it_was_listed_is_not_ended() {
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::new(clock.clone());
    let fence = claimed(&store).await.fence;
    let listed =
        LateReap(vec![LostLease { fence: fence.clone(), node: node(), claimed_ms: 0, node_report: None }]);
    clock.advance_ms(LEASE_MS);
    store.heartbeat(&node(), std::slice::from_ref(&fence), LEASE_MS).await.unwrap();
    assert_eq!(store.transact(&listed).await.unwrap().ended, 0);
    let held = store.heartbeat(&node(), &[fence], LEASE_MS).await.unwrap();
    assert_eq!(held, [], "its node still works on it");
    clock.advance_ms(LEASE_MS);
    assert_eq!(store.transact(&listed).await.unwrap().ended, 1, "it has expired now");
    assert_eq!(store.transact(&listed).await.unwrap().ended, 0, "it was ended meanwhile");
}
