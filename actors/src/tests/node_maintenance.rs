//! Node maintenance: orders, the machine's end, the self-test, sweeps, history and the audit log.

use std::time::Duration;

use actix::{Actor, Addr};
use reelgate_conformance::fault_plan::CallFault;
use reelgate_flow::task::Lane;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::store::{Nodes as _, Queries as _};
use tokio::time::Instant;

use super::fixture::{Fixture, event, in_virtual_time, node, until};
use super::log::Log;
use crate::availability::{DrainReason, STOPPED};
use crate::messages::{NodeSuspected, Role, WorkEnded};
use crate::node_maintenance::NodeMaintenance;
use crate::supervisor::Supervisor;

fn start(fixture: &Fixture) -> Addr<NodeMaintenance> {
    NodeMaintenance::new(fixture.context.clone(), fixture.guard(Role::NodeMaintenance)).start()
}

#[test]
fn an_order_to_drain_stops_the_node_until_it_is_withdrawn() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let availability = &fixture.context.availability;
        let _maintenance = start(&fixture);
        until("the node is known", async || !fixture.store.nodes().await.unwrap().is_empty()).await;
        assert!(availability.is_on());
        fixture.store.order_drain(&node(), true).await.unwrap();
        until("the node takes no work", async || availability.reason(DrainReason::Ordered).is_some()).await;
        until("its report says so", async || {
            fixture.store.nodes().await.unwrap()[0].report.state == "draining"
        })
        .await;
        fixture.store.order_drain(&node(), false).await.unwrap();
        until("the node takes work", async || availability.is_on()).await;
    });
}

#[test]
fn a_report_that_fails_neither_stops_the_node_nor_the_next_report() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.store_faults.at("node_seen", 1, CallFault::Fail(ErrorKind::Unavailable));
        let _maintenance = start(&fixture);
        until("the node is known", async || !fixture.store.nodes().await.unwrap().is_empty()).await;
        assert!(fixture.context.availability.is_on());
        assert_eq!(fixture.counted("reelgate_store_failures_total", Some("node_seen")), 1);
    });
}

#[test]
fn the_last_report_of_a_node_says_that_it_has_stopped() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.store_faults.next("node_seen", CallFault::Delay(Duration::from_secs(2)));
        let maintenance = start(&fixture);
        until("the first report is under way", async || fixture.store_faults.calls("node_seen") == 1).await;
        maintenance.send(WorkEnded).await.unwrap();
        until("node maintenance has ended", async || !maintenance.connected()).await;
        assert_eq!(fixture.store.nodes().await.unwrap()[0].report.state, STOPPED);
    });
}

#[test]
fn two_processes_with_one_name_say_so_and_a_process_after_another_does_not() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let reason = async || fixture.store.nodes().await.unwrap()[0].report.reason.clone();
        let first = start(&fixture);
        tokio::time::sleep(Duration::from_secs(60)).await;
        first.send(WorkEnded).await.unwrap();
        until("the first has ended", async || !first.connected()).await;
        let second = start(&fixture);
        // Not a multiple of the time between reports: the third process reports at other times.
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert_eq!(reason().await, "");
        let third = start(&fixture);
        until("it is reported", async || reason().await.contains("own node.name")).await;
        third.send(WorkEnded).await.unwrap();
        until("the third has ended", async || !third.connected()).await;
        until("it is no longer reported", async || reason().await.is_empty()).await;
        assert!(second.connected());
    });
}

#[test]
fn the_age_of_the_last_answer_shows_that_a_store_hangs() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.upload("a").await;
        let known = fixture.context.signals.store();
        assert_eq!((known.last_answer(), known.backlog()), (None, None));
        let _maintenance = start(&fixture);
        let age = || known.last_answer().unwrap_or(Duration::MAX);
        until("the store answers", async || age() < Duration::from_secs(4)).await;
        until("the work is counted", async || {
            known.backlog().is_some_and(|backlog| backlog.assets[0].1 == 1)
        })
        .await;
        fixture.store_faults.set_frozen(true);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(age() >= Duration::from_secs(56), "{:?}", age());
        assert!(known.backlog().is_some(), "the last count is kept");
        fixture.store_faults.set_frozen(false);
        until("the store answers again", async || age() < Duration::from_secs(4)).await;
    });
}

#[test]
fn an_outage_of_the_store_is_one_warning_a_minute_and_one_at_its_end() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let (log, _guard) = Log::start();
        let _supervisor = Supervisor::new(fixture.context.clone()).start();
        until("the store answers", async || fixture.context.signals.store().last_answer().is_some()).await;
        fixture.store_faults.set_down(true);
        tokio::time::sleep(Duration::from_secs(150)).await;
        fixture.store_faults.set_down(false);
        tokio::time::sleep(Duration::from_secs(150)).await;
        let warnings = log.lines("WARN");
        let count = |text: &str| warnings.iter().filter(|line| line.contains(text)).count();
        assert_eq!((count("store away"), count("store answers again")), (3, 1), "{warnings:#?}");
        assert_eq!(warnings.len(), 4, "{warnings:#?}");
    });
}

#[test]
fn a_machine_that_will_be_ended_takes_no_more_work_within_five_seconds() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let _maintenance = start(&fixture);
        until("the machine is unprotected", async || {
            *fixture.machine.protected.lock().unwrap() == Some(false)
        })
        .await;
        *fixture.machine.leaving.lock().unwrap() = Some("spot interruption".into());
        let since = Instant::now();
        let reason = || fixture.context.availability.reason(DrainReason::Leaving);
        until("the node takes no work", async || reason().is_some()).await;
        assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
        assert_eq!(reason().as_deref(), Some("spot interruption"));
    });
}

#[test]
fn a_suspected_node_that_fails_its_self_test_takes_no_work_and_tests_itself_again() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let maintenance = start(&fixture);
        let since = Instant::now();
        // There is no media worker, so the self-test cannot pass.
        maintenance.send(NodeSuspected).await.unwrap();
        let failed = || fixture.counted("reelgate_self_tests_total", Some("failed"));
        until("the self-test has failed", async || failed() == 1).await;
        assert!(fixture.context.availability.reason(DrainReason::Unfit).is_some());
        until("the self-test has failed again", async || failed() == 2).await;
        assert!(since.elapsed() >= Duration::from_secs(30));
        assert!(!fixture.context.availability.is_on());
    });
}

#[test]
fn an_upload_whose_event_was_lost_is_ingested_when_the_source_asks_for_a_sweep() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.upload("known").await;
        *fixture.objects.listed.lock().unwrap() = vec![event("known"), event("lost")];
        let _maintenance = start(&fixture);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(fixture.object_faults.calls("list"), 0, "nobody asked for a sweep");
        // The first sweep fails; the request stays until one succeeds.
        fixture.store_faults.next("known", CallFault::Fail(ErrorKind::Unavailable));
        fixture.events.want_sweep();
        until("the upload is ingested", async || fixture.store.backlog().await.unwrap().assets[0].1 == 2)
            .await;
        assert_eq!(fixture.object_faults.calls("list"), 2);
        assert_eq!(fixture.counted("reelgate_swept_total", Some("listed")), 2);
        assert_eq!(fixture.counted("reelgate_swept_total", Some("found")), 1);
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(fixture.object_faults.calls("list"), 2, "one sweep answers one request");
    });
}

#[test]
fn a_sweep_waits_while_the_node_takes_no_work() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.context.availability.hold(DrainReason::Ordered, "by an operator");
        // Otherwise the report withdraws the order.
        fixture.store_faults.set_down(true);
        fixture.events.want_sweep();
        let _maintenance = start(&fixture);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(fixture.object_faults.calls("list"), 0);
        fixture.store_faults.set_down(false);
        until("the sweep has run", async || fixture.object_faults.calls("list") == 1).await;
    });
}

#[test]
fn new_history_is_sealed_into_the_audit_log_even_if_a_seal_fails() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.upload("a").await;
        fixture.store_faults.at("seal", 1, CallFault::Fail(ErrorKind::Unavailable));
        let _maintenance = start(&fixture);
        until("the lines are sealed", async || !fixture.store.audit(0, 100).await.unwrap().is_empty()).await;
        until("the seal is kept", async || fixture.context.seals.kept().await.unwrap().is_some()).await;
        assert!(fixture.store_faults.calls("seal") >= 2);
        assert!(fixture.store_faults.calls("review") >= 2);
    });
}

#[test]
fn a_removal_of_old_history_that_fails_is_tried_again_and_one_that_succeeds_is_not() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        fixture.store_faults.at("retain", 1, CallFault::Fail(ErrorKind::Unavailable));
        let _maintenance = start(&fixture);
        let calls = || fixture.store_faults.calls("retain");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(calls(), 1);
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(calls(), 2);
        tokio::time::sleep(Duration::from_secs(2 * 3_600)).await;
        assert_eq!(calls(), 2);
    });
}

#[test]
fn the_remaining_work_is_measured_and_reported_to_the_machine() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        for key in ["a", "b", "c", "d"] {
            fixture.upload(key).await;
        }
        let _maintenance = start(&fixture);
        until("the fleet is reported", async || !fixture.machine.reported.lock().unwrap().is_empty()).await;
        let reported = fixture.machine.reported.lock().unwrap().clone();
        let left = |lane: Lane| {
            let of = Some(("Lane", lane.as_str()));
            let found =
                reported.iter().find(|one| one.metric == "SecondsOfWorkLeftPerNode" && one.dimension == of);
            found.map(|one| one.value)
        };
        assert_eq!(left(Lane::Light), Some(10.0), "{reported:?}");
    });
}
