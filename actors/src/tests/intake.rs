//! Intake: ingest, then acknowledge; never the other way round.

use std::time::Duration;

use actix::{Actor, Addr};
use reelgate_conformance::fault_plan::CallFault;
use reelgate_pipelines::recipes::settings::Settings;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::events::EventBatch;
use reelgate_ports::order::Priority;
use reelgate_ports::store::Queries as _;
use tokio::time::Instant;

use super::fixture::{Fixture, POLL_MS, drain, event, in_virtual_time, until};
use crate::availability::DrainReason;
use crate::intake::Intake;
use crate::messages::Role;
use crate::profiles::{Profile, Profiles};

fn start(fixture: &Fixture) -> Addr<Intake> {
    let persister = fixture.recorder().recipient();
    let (context, events) = (fixture.context.clone(), fixture.events.clone());
    Intake::new(context, events, persister, fixture.guard(Role::Intake)).start()
}

async fn assets(fixture: &Fixture) -> usize {
    fixture
        .store
        .assets(&reelgate_ports::store::AssetFilter { limit: 100, ..Default::default() })
        .await
        .unwrap()
        .len()
}

#[test]
fn a_batch_is_in_the_store_before_its_events_are_acknowledged() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.events.offer(EventBatch::of([event("a"), event("b")]));
        fixture.events.offer(EventBatch::of([event("c")]));
        let _intake = start(&fixture);
        until("both batches are acknowledged", async || fixture.events.calls().len() == 2).await;
        assert_eq!(
            fixture.events.calls(),
            ["acknowledge 2 events, 2 known", "acknowledge 1 events, 1 known"]
        );
        until("the persister is notified", async || fixture.received.look().uploads_ingested == 2).await;
    });
}

#[test]
fn an_upload_has_the_priority_of_its_profile() {
    in_virtual_time(async {
        let fixture = Fixture::with(|context| {
            context.profiles = Profiles::new(vec![Profile {
                name: "urgent".into(),
                prefixes: vec!["urgent/".into()],
                priority: Some(Priority::High),
                settings: Settings::default(),
            }]);
        });
        fixture.events.offer(EventBatch::of([event("urgent/a"), event("other/b")]));
        let _intake = start(&fixture);
        until("the batch is acknowledged", async || fixture.events.calls().len() == 1).await;
        let rows = fixture.store.queue(10).await.unwrap();
        let mut found: Vec<_> = rows.iter().map(|row| (row.prefix.as_str(), row.priority)).collect();
        found.sort();
        assert_eq!(found, [("other", Priority::Normal), ("urgent", Priority::High)]);
    });
}

#[test]
fn a_batch_that_the_store_refuses_for_now_is_acknowledged_only_once_it_is_ingested() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.events.offer(EventBatch::of([event("a")]));
        fixture.store_faults.at("ingest", 1, CallFault::Fail(ErrorKind::Unavailable));
        fixture.store_faults.at("ingest", 2, CallFault::Fail(ErrorKind::Unavailable));
        let since = Instant::now();
        let _intake = start(&fixture);
        until("the batch is acknowledged", async || fixture.events.calls().len() == 2).await;
        assert_eq!(fixture.events.calls(), ["keep 1 events", "acknowledge 1 events, 1 known"]);
        assert_eq!(fixture.store_faults.calls("ingest"), 3);
        assert!(
            since.elapsed() >= Duration::from_millis(2 * POLL_MS),
            "a store that fails is not called in a loop"
        );
        assert_eq!(fixture.counted("reelgate_store_failures_total", Some("ingest")), 2);
    });
}

#[test]
fn a_batch_whose_answer_is_lost_is_ingested_again_and_makes_no_second_asset() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.events.offer(EventBatch::of([event("a")]));
        fixture.store_faults.next("ingest", CallFault::LoseAnswer);
        let _intake = start(&fixture);
        until("the batch is acknowledged", async || fixture.events.calls().len() == 2).await;
        assert_eq!(fixture.store_faults.calls("ingest"), 2);
        assert_eq!(assets(&fixture).await, 1);
        assert_eq!(fixture.counted("reelgate_uploads_total", Some("new")), 0);
        assert_eq!(fixture.counted("reelgate_uploads_total", Some("again")), 1);
    });
}

#[test]
fn while_the_store_is_away_one_batch_is_kept_and_no_other_is_received() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.events.offer(EventBatch::of([event("a")]));
        fixture.events.offer(EventBatch::of([event("b")]));
        let (outage, begun) = (Duration::from_secs(600), Instant::now());
        for number in 1..=outage.as_secs() * 1_000 / POLL_MS {
            fixture.store_faults.at("ingest", number, CallFault::Fail(ErrorKind::Unavailable));
        }
        let _intake = start(&fixture);
        until("the store is back", async || assets(&fixture).await == 2).await;
        assert!(begun.elapsed() >= outage, "{:?}", begun.elapsed());
        assert_eq!(fixture.events.deliveries(), 2, "each batch was received once");
        let calls = fixture.events.calls();
        let kept = calls.iter().filter(|call| *call == "keep 1 events").count();
        assert!((20..=21).contains(&kept), "kept every half minute: {kept}");
        until("both are acknowledged", async || fixture.events.calls().len() == kept + 2).await;
    });
}

#[test]
fn a_kept_batch_is_given_back_when_the_node_takes_no_work() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.events.offer(EventBatch::of([event("a")]));
        for number in 1..=1_000 {
            fixture.store_faults.at("ingest", number, CallFault::Fail(ErrorKind::Unavailable));
        }
        let intake = start(&fixture);
        until("the batch is kept", async || fixture.events.calls().len() == 1).await;
        intake.send(drain(Duration::from_secs(1))).await.unwrap();
        until("intake has ended", async || !intake.connected()).await;
        assert_eq!(fixture.events.calls(), ["keep 1 events", "abandon 1 events", "stop"]);
    });
}

#[test]
fn a_batch_of_a_shard_that_another_node_owns_is_abandoned_and_not_acknowledged() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.events.offer(EventBatch::of([event("a")]));
        fixture.store_faults.next("ingest", CallFault::Fail(ErrorKind::Conflict));
        let _intake = start(&fixture);
        until("the batch is abandoned", async || !fixture.events.calls().is_empty()).await;
        tokio::time::sleep(Duration::from_millis(5 * POLL_MS)).await;
        assert_eq!(fixture.events.calls(), ["abandon 1 events"]);
        assert_eq!(fixture.counted("reelgate_batches_fenced_total", None), 1);
    });
}

#[test]
fn a_node_that_takes_no_work_releases_its_shards_and_polls_again_afterwards() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.context.availability.hold(DrainReason::Ordered, "by an operator");
        let _intake = start(&fixture);
        fixture.events.offer(EventBatch::of([event("a")]));
        tokio::time::sleep(Duration::from_millis(10 * POLL_MS)).await;
        assert_eq!(fixture.events.calls(), ["stop"], "released once, and nothing was polled");
        assert_eq!(assets(&fixture).await, 0);
        fixture.context.availability.release(DrainReason::Ordered);
        until("the upload is ingested", async || assets(&fixture).await == 1).await;
    });
}

#[test]
fn a_drain_releases_the_shards_and_ends_the_polling() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let intake = start(&fixture);
        intake.send(drain(Duration::from_secs(1))).await.unwrap();
        fixture.events.offer(EventBatch::of([event("a")]));
        tokio::time::sleep(Duration::from_millis(10 * POLL_MS)).await;
        assert_eq!(fixture.events.calls(), ["stop"]);
        assert_eq!(assets(&fixture).await, 0);
        assert!(!intake.connected(), "it has ended");
    });
}

#[test]
fn a_batch_that_is_being_ingested_when_a_drain_begins_is_acknowledged_before_the_shards_are_released() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.events.offer(EventBatch::of([event("a")]));
        fixture.store_faults.next("ingest", CallFault::Delay(Duration::from_secs(2)));
        let intake = start(&fixture);
        until("the ingest has begun", async || fixture.store_faults.calls("ingest") == 1).await;
        intake.send(drain(Duration::from_secs(1))).await.unwrap();
        until("intake has ended", async || !intake.connected()).await;
        assert_eq!(fixture.events.calls(), ["acknowledge 1 events, 1 known", "stop"]);
    });
}

#[test]
fn a_drain_that_begins_while_the_shards_are_being_released_waits_for_that() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.context.availability.hold(DrainReason::Ordered, "by an operator");
        fixture.events.slow_stops(Duration::from_secs(3));
        let intake = start(&fixture);
        tokio::time::sleep(Duration::from_secs(1)).await;
        intake.send(drain(Duration::from_secs(1))).await.unwrap();
        until("intake has ended", async || !intake.connected()).await;
        assert_eq!(fixture.events.calls(), ["stop"]);
    });
}
