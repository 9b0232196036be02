//! Days of the ledger: one node judges each of them once, whatever is lost on the way.

use std::time::Duration;

use actix::{Actor, Addr};
use reelgate_conformance::fault_plan::CallFault;
use reelgate_cost::charge::{Charge, Method};
use reelgate_cost::money::NanoUsd;
use reelgate_cost::prices::Price;
use reelgate_cost::resource::Resource;
use reelgate_flow::asset::NoticeKind;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::Lane;
use reelgate_ports::error::ErrorKind;
use reelgate_ports::records::{AttemptCost, Ending, NoticeRecord, TaskReport, UsageRecord};
use reelgate_ports::store::{Outbox as _, Queue as _};

use super::fixture::{Fixture, LEASE_MS, in_virtual_time, node};
use crate::messages::Role;
use crate::node_maintenance::NodeMaintenance;

const DAY: Duration = Duration::from_secs(86_400);

/// An upload of this key that costs so much.
async fn spend(fixture: &Fixture, key: &str, nanos: i64) {
    fixture.upload(key).await;
    let claim = fixture.store.claim(&node(), Lane::Light, 1, LEASE_MS).await.unwrap().remove(0);
    let price = Price { usd: NanoUsd::new(nanos), per: 1, date: "2026-08-01".into(), verified: true };
    let charge = Charge::new(Resource::NodeTime, 1, &price, Method::Measured).unwrap();
    let report = TaskReport {
        fence: claim.fence,
        node: node(),
        sha256: None,
        facts: None,
        metadata: None,
        ending: Ending::Fault(Fault::new(Code::Truncated, "in a test")),
        usage: UsageRecord::default(),
        cost: AttemptCost { node_type: "node".into(), charges: vec![charge], ..AttemptCost::default() },
    };
    fixture.store.complete(&[report]).await.unwrap();
}

/// Ten days on which an upload of `show` costs the same, but for the last, which costs so much; and some time of the day after them.
async fn ten_days(fixture: &Fixture, last_nanos: i64) {
    for day in 0..10 {
        let nanos = if day == 9 { last_nanos } else { 1_000 };
        spend(fixture, &format!("show/{day}"), nanos).await;
        tokio::time::sleep(DAY).await;
        // What waits for a withdrawal must not be claimed for the next upload.
        while !fixture.store.claim(&node(), Lane::Light, 1, u64::MAX / 4).await.unwrap().is_empty() {}
    }
}

fn start(fixture: &Fixture) -> Addr<NodeMaintenance> {
    NodeMaintenance::new(fixture.context.clone(), fixture.guard(Role::NodeMaintenance)).start()
}

async fn told(fixture: &Fixture) -> Vec<NoticeRecord> {
    let notices = fixture.store.outbox(100, 0).await.unwrap();
    notices.into_iter().filter(|notice| notice.kind == NoticeKind::CostAnomaly).collect()
}

fn counted(fixture: &Fixture) -> u64 {
    fixture.counted("reelgate_cost_anomalies_total", Some("prefix"))
}

#[test]
fn a_doubled_day_is_told_once_by_the_node_that_reports_about_the_fleet() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        ten_days(&fixture, 2_000).await;
        let _maintenance = start(&fixture);
        tokio::time::sleep(Duration::from_secs(1_300)).await;
        let notices = told(&fixture).await;
        assert_eq!((notices.len(), counted(&fixture)), (1, 1), "{notices:?}");
        assert_eq!(notices[0].body["cost"]["scope"], "prefix");
        let _another = start(&fixture);
        tokio::time::sleep(Duration::from_secs(7_200)).await;
        assert_eq!((told(&fixture).await, counted(&fixture)), (notices, 1));
    });
}

#[test]
fn a_usual_day_and_days_without_uploads_are_told_to_nobody() {
    in_virtual_time(async {
        let fixture = Fixture::new();
        ten_days(&fixture, 1_100).await;
        let _maintenance = start(&fixture);
        tokio::time::sleep(Duration::from_secs(5 * 3_600)).await;
        assert_eq!((told(&fixture).await.len(), counted(&fixture)), (0, 0));
        assert!(fixture.store_faults.calls("close_day") >= 2, "each day was closed");
    });
}

#[test]
fn a_day_whose_closing_fails_is_closed_later_and_one_whose_answer_is_lost_is_told_once() {
    for fault in [CallFault::Fail(ErrorKind::Unavailable), CallFault::LoseAnswer] {
        in_virtual_time(async {
            let fixture = Fixture::new();
            ten_days(&fixture, 2_000).await;
            fixture.store_faults.at("close_day", 1, fault);
            let _maintenance = start(&fixture);
            tokio::time::sleep(Duration::from_secs(7_200)).await;
            assert_eq!(told(&fixture).await.len(), 1, "{fault:?}");
            assert_eq!(fixture.counted("reelgate_store_failures_total", Some("close days")), 1);
        });
    }
}
