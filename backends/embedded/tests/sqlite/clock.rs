//! Somebody sets the clock of the machine while tasks run: nothing runs twice and nothing waits for longer.

use std::sync::Arc;

use reelgate_conformance::ManualClock;
use reelgate_conformance::samples::event;
use reelgate_embedded::sqlite::SqliteStore;
use reelgate_flow::ids::{AssetId, NodeId, ReceiverName};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::Lane;
use reelgate_ports::clock::Clock;
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{
    AttemptCost, Claim, Ending, Success, TaskReport, UsageRecord, WithdrawalRecord,
};
use reelgate_ports::store::{Intake, Outbox, Queries, Queue};

use super::TempDatabase;
use super::damage::run;

const HOUR_MS: u64 = 3_600_000;
const LEASE_MS: u64 = 30_000;

struct SetClockFixture {
    home: TempDatabase,
    clock: Arc<ManualClock>,
    store: SqliteStore,
}

impl SetClockFixture {
    async fn new() -> Self {
        let (home, clock) = (TempDatabase::new(), Arc::new(ManualClock::default()));
        let store = SqliteStore::open(&home.file(), clock.clone()).await.unwrap();
        Self { home, clock, store }
    }

    async fn upload(&self, key: &str) -> AssetId {
        self.store.ingest(&EventBatch::of([event(key, 1)])).await.unwrap().remove(0).asset
    }

    async fn claim(&self) -> Vec<Claim> {
        self.store.claim(&node(), Lane::Light, 10, LEASE_MS).await.unwrap()
    }

    async fn end(&self, claim: &Claim, ending: Ending) {
        let usage = UsageRecord { wall_ms: 1, cpu_ms: 1, memory_bytes_max: 1 };
        let fence = claim.fence.clone();
        let report = TaskReport {
            fence,
            node: node(),
            sha256: None,
            facts: None,
            metadata: None,
            ending,
            usage,
            cost: AttemptCost::default(),
        };
        self.store.complete(&[report]).await.unwrap();
    }

    /// Ends with a fault that is tried again.
    async fn fail(&self, claim: &Claim) {
        self.end(claim, Ending::Fault(Fault::new(Code::StoreUnavailable, ""))).await;
    }

    async fn due_in_ms(&self) -> Option<u64> {
        self.store.next_due_ms().await.unwrap()
    }
}

fn node() -> NodeId {
    NodeId::new("node")
}

fn withdrawn() -> Success {
    Success::Withdrawn {
        source_location: "rejected:a".into(),
        withdrawal_record: WithdrawalRecord::default(),
    }
}

/// The time of day an hour later and an hour earlier.
fn jumps(clock: &ManualClock) -> [u64; 2] {
    [clock.now_ms() + HOUR_MS, clock.now_ms() - HOUR_MS]
}

#[tokio::test]
async fn a_lease_lasts_as_long_as_it_was_meant_to() {
    for jump in [0, 1] {
        let fixture = SetClockFixture::new().await;
        fixture.upload("a").await;
        let claims = fixture.claim().await;
        fixture.clock.set_ms(jumps(&fixture.clock)[jump]);
        assert_eq!(fixture.store.reap().await.unwrap(), 0, "its node is at work");
        assert_eq!(fixture.store.backlog().await.unwrap().leased, [(Lane::Light, 1)]);
        assert_eq!(fixture.due_in_ms().await, Some(LEASE_MS));
        fixture.clock.advance_ms(LEASE_MS / 2);
        let fences = [claims[0].fence.clone()];
        assert_eq!(fixture.store.heartbeat(&node(), &fences, LEASE_MS).await.unwrap(), []);
        fixture.clock.advance_ms(LEASE_MS - 1);
        assert_eq!(fixture.store.reap().await.unwrap(), 0);
        fixture.clock.advance_ms(1);
        assert_eq!(fixture.store.reap().await.unwrap(), 1, "its node has not renewed it");
    }
}

#[tokio::test]
async fn a_retry_waits_as_long_as_it_was_meant_to() {
    for jump in [0, 1] {
        let fixture = SetClockFixture::new().await;
        fixture.upload("a").await;
        let claims = fixture.claim().await;
        fixture.fail(&claims[0]).await;
        let delay_ms = fixture.due_in_ms().await.unwrap();
        assert!(delay_ms > 0 && delay_ms < HOUR_MS, "{delay_ms}");
        fixture.clock.set_ms(jumps(&fixture.clock)[jump]);
        assert_eq!(fixture.due_in_ms().await, Some(delay_ms));
        assert_eq!(fixture.claim().await, []);
        fixture.clock.advance_ms(delay_ms);
        assert_eq!(fixture.claim().await.len(), 1);
        // And what begins after the clock was set is due at once, as before.
        fixture.upload("b").await;
        assert_eq!(fixture.claim().await.len(), 1);
    }
}

#[tokio::test]
async fn a_notice_waits_as_long_as_it_was_meant_to() {
    for jump in [0, 1] {
        let fixture = SetClockFixture::new().await;
        fixture.upload("a").await;
        fixture.end(&fixture.claim().await[0], Ending::Fault(Fault::new(Code::NotMedia, ""))).await;
        fixture.end(&fixture.claim().await[0], Ending::Success(withdrawn())).await;
        let receiver = ReceiverName::new("webhook");
        let notice = fixture.store.outbox(1, 0).await.unwrap().remove(0);
        fixture.store.address_notices(&[(notice.id.clone(), vec![receiver.clone()])]).await.unwrap();
        assert_eq!(
            fixture.store.deliveries(&receiver, 1, LEASE_MS).await.unwrap(),
            std::slice::from_ref(&notice)
        );
        fixture.clock.set_ms(jumps(&fixture.clock)[jump]);
        let due = fixture.store.deliveries(&receiver, 1, LEASE_MS).await.unwrap();
        assert_eq!(due, [], "another process delivers it");
        fixture.store.notice_deferred(&receiver, &notice.id, 5_000).await.unwrap();
        assert_eq!(fixture.due_in_ms().await, Some(5_000));
        fixture.clock.set_ms(jumps(&fixture.clock)[1 - jump]);
        assert_eq!(fixture.due_in_ms().await, Some(5_000));
    }
}

#[tokio::test]
async fn uploads_queue_in_the_order_in_which_they_came() {
    let fixture = SetClockFixture::new().await;
    let first = fixture.upload("a").await;
    fixture.clock.set_ms(fixture.clock.now_ms() - HOUR_MS);
    fixture.clock.advance_ms(1);
    let second = fixture.upload("b").await;
    let order: Vec<AssetId> = fixture.claim().await.into_iter().map(|claim| claim.fence.asset).collect();
    assert_eq!(order, [first, second]);
}

#[tokio::test]
async fn history_has_the_time_of_day() {
    let fixture = SetClockFixture::new().await;
    let asset = fixture.upload("a").await;
    let earlier = fixture.clock.now_ms() - HOUR_MS;
    fixture.clock.set_ms(earlier);
    fixture.claim().await;
    assert_eq!(fixture.store.history(&asset).await.unwrap().pop().unwrap().at_ms, earlier);
}

#[tokio::test]
async fn a_process_that_starts_after_the_clock_was_set_agrees_with_one_that_runs() {
    for jump in [0, 1] {
        let fixture = SetClockFixture::new().await;
        fixture.upload("a").await;
        fixture.claim().await;
        fixture.clock.set_ms(jumps(&fixture.clock)[jump]);
        let verb = SqliteStore::open(&fixture.home.file(), fixture.clock.clone()).await.unwrap();
        assert_eq!(verb.next_due_ms().await.unwrap(), Some(LEASE_MS));
        assert_eq!(verb.reap().await.unwrap(), 0);
        verb.ingest(&EventBatch::of([event("b", 1)])).await.unwrap();
        assert_eq!(fixture.claim().await.len(), 1, "what another process brings is due at once");
    }
}

#[tokio::test]
async fn after_a_start_of_the_machine_nothing_waits_for_a_clock_that_was_ahead() {
    let fixture = SetClockFixture::new().await;
    fixture.upload("leased").await;
    fixture.claim().await;
    fixture.upload("waiting").await;
    let claims = fixture.claim().await;
    fixture.fail(&claims[0]).await;
    run(&fixture.home, "UPDATE queue_clock SET boot = 'the start before'").await;
    let clock = Arc::new(ManualClock::default());
    clock.set_ms(fixture.clock.now_ms() - HOUR_MS);
    let store = SqliteStore::open(&fixture.home.file(), clock).await.unwrap();
    assert_eq!(store.reap().await.unwrap(), 1, "no process of the start before is alive");
    assert_eq!(store.claim(&node(), Lane::Light, 10, LEASE_MS).await.unwrap().len(), 1);
}
