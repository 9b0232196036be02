//! Supervisor: actors that die are built again, and their work is done.

use std::time::Duration;

use actix::{Actor, Addr};
use reelgate_conformance::fault_plan::CallFault;
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::events::EventBatch;
use reelgate_ports::store::{Nodes as _, Queries as _};
use tokio::time::Instant;

use super::fixture::{Fixture, drain, event, in_virtual_time, until};
use super::log::Log;
use crate::availability::STOPPED;
use crate::panics;
use crate::supervisor::Supervisor;

/// Every actor, with stages that work: every source has changed, so every upload is rejected and withdrawn.
fn start(fixture: &Fixture) -> Addr<Supervisor> {
    Supervisor::new(fixture.context.clone()).start()
}

async fn rejected(fixture: &Fixture, asset: &AssetId) {
    until("the asset is rejected", async || {
        fixture.store.asset(asset).await.is_ok_and(|detail| detail.asset.phase == Phase::Rejected)
    })
    .await;
}

fn exits(fixture: &Fixture, actor: &str) -> u64 {
    fixture.counted("reelgate_actor_exits_total", Some(actor))
}

#[test]
fn an_upload_passes_all_actors_to_its_end() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.events.offer(EventBatch::of([event("a")]));
        let _supervisor = start(&fixture);
        rejected(&fixture, &reelgate_ports::identity::asset_id(&event("a").source)).await;
        until("its notice is removed", async || fixture.store.backlog().await.unwrap().outbox == 0).await;
        assert_eq!(fixture.counted("reelgate_actor_exits_total", None), 0);
    });
}

#[test]
fn a_persister_that_panics_is_built_again_and_the_work_goes_on() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let asset = fixture.upload("a").await;
        fixture.store_faults.at("complete", 1, CallFault::PanicBefore);
        let _supervisor = start(&fixture);
        rejected(&fixture, &asset).await;
        assert_eq!(exits(&fixture, "persister"), 1);
        assert_eq!(fixture.attempts(&asset, TaskKey::Validate).await, 2, "the uncommitted attempt was lost");
    });
}

#[test]
fn a_stage_that_panics_is_built_again_and_its_task_is_retried() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let asset = fixture.upload("a").await;
        fixture.object_faults.at("open", 1, CallFault::PanicBefore);
        let _supervisor = start(&fixture);
        rejected(&fixture, &asset).await;
        assert_eq!(exits(&fixture, "validator"), 1);
        assert_eq!(fixture.attempts(&asset, TaskKey::Validate).await, 2);
    });
}

#[test]
fn intake_that_panics_is_built_again_and_ingests_the_batch() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.events.offer(EventBatch::of([event("a")]));
        fixture.store_faults.at("ingest", 1, CallFault::PanicAfter);
        let _supervisor = start(&fixture);
        rejected(&fixture, &reelgate_ports::identity::asset_id(&event("a").source)).await;
        until("the batch is acknowledged", async || fixture.events.calls().len() == 1).await;
        assert_eq!(exits(&fixture, "intake"), 1);
    });
}

#[test]
fn an_actor_that_keeps_dying_waits_longer_each_time_until_the_engine_gives_up() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        for nth in 1..=11 {
            fixture.store_faults.at("outbox", nth, CallFault::PanicBefore);
        }
        let since = Instant::now();
        let _supervisor = start(&fixture);
        until("the engine gives up", async || fixture.context.progress_board.dead().is_some()).await;
        assert_eq!(exits(&fixture, "notifier"), 11);
        assert_eq!(fixture.store_faults.unmet(), []);
        // 50 ms, doubled until it is 5 s: 50 + 100 + 200 + 400 + 800 + 1,600 + 3,200 + 3 × 5,000 ms.
        assert!(since.elapsed() >= Duration::from_millis(21_350), "{:?}", since.elapsed());
        assert!(since.elapsed() < Duration::from_secs(25), "{:?}", since.elapsed());
    });
}

#[test]
fn deaths_that_are_far_apart_do_not_add_up() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let _supervisor = start(&fixture);
        for death in 1..=12 {
            tokio::time::sleep(Duration::from_secs(61)).await;
            fixture.store_faults.next("outbox", CallFault::PanicBefore);
            until("the notifier has died", async || exits(&fixture, "notifier") == death).await;
        }
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert_eq!(fixture.context.progress_board.dead(), None);
    });
}

#[test]
fn a_drain_ends_the_reading_of_events_and_the_claims() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let supervisor = start(&fixture);
        until("the engine claims", async || fixture.store_faults.calls("claim") > 0).await;
        supervisor.send(drain(Duration::from_secs(1))).await.unwrap();
        until("the drain is complete", async || fixture.context.progress_board.is_drained()).await;
        fixture.upload("a").await;
        let before = fixture.store_faults.calls("claim");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(fixture.store_faults.calls("claim"), before);
        assert_eq!(fixture.events.calls(), ["stop"]);
    });
}

#[test]
fn a_drain_ends_after_the_shards_are_released_and_after_the_last_call_of_the_store() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let asset = fixture.upload("a").await;
        fixture.events.slow_stops(Duration::from_secs(3));
        let supervisor = start(&fixture);
        rejected(&fixture, &asset).await;
        supervisor.send(drain(Duration::from_secs(1))).await.unwrap();
        let left = fixture.context.progress_board.draining().unwrap();
        assert!(
            ["intake", "notifier", "node_maintenance"].iter().all(|actor| left.contains(actor)),
            "{left:?}"
        );
        until("the drain is complete", async || fixture.context.progress_board.is_drained()).await;
        assert_eq!(fixture.events.calls(), ["stop"], "the shards are released by then");
        assert_eq!(fixture.store.nodes().await.unwrap()[0].report.state, STOPPED);
        let before = fixture.store_faults.calls_in_all();
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(fixture.store_faults.calls_in_all(), before, "the store may be closed by then");
    });
}

#[test]
fn the_message_of_a_panic_is_in_no_log_history_or_notice() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let (log, _guard) = Log::start();
        panics::hide_messages(|line| panic!("the log is on, and yet this was said: {line}"));
        let asset = fixture.upload("a").await;
        // Its message is "planned panic before open"; the task is retried until its attempts are used up.
        for nth in 1..=8 {
            fixture.object_faults.at("open", nth, CallFault::PanicBefore);
        }
        let _supervisor = start(&fixture);
        until("its failure is noticed", async || !fixture.notices.delivered().is_empty()).await;
        drop(std::panic::take_hook());
        let errors = log.lines("ERROR");
        assert!(
            errors.iter().any(|line| line.contains("faulty.rs:")),
            "the line of code is logged: {errors:#?}"
        );
        let history = fixture.store.history(&asset).await.unwrap();
        let left =
            format!("{errors:?} {:?} {history:?} {:?}", log.lines("WARN"), fixture.notices.delivered());
        assert!(!left.contains("planned panic"), "{left}");
    });
}

#[test]
fn an_actor_that_panics_in_a_drain_is_built_again_to_finish() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.upload("a").await;
        fixture.object_faults.next("open", CallFault::Delay(Duration::from_secs(2)));
        fixture.store_faults.next("complete", CallFault::PanicBefore);
        let supervisor = start(&fixture);
        until("the task runs", async || fixture.object_faults.calls("open") == 1).await;
        supervisor.send(drain(Duration::from_secs(10))).await.unwrap();
        until("the drain is complete", async || fixture.context.progress_board.is_drained()).await;
        assert_eq!(exits(&fixture, "persister"), 1);
        let backlog = fixture.store.backlog().await.unwrap();
        assert_eq!(
            (backlog.ready, backlog.leased),
            (vec![(Lane::Light, 1)], vec![]),
            "the lost task was given back"
        );
    });
}
