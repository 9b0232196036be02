//! Services that are away: nothing fails because of them, nothing is given up, and work goes on by itself.

use std::time::Duration;

use actix::Actor;
use reelgate_conformance::fault_plan::FaultPlan;
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::TaskKey;
use reelgate_ports::store::Queries as _;

use super::fixture::{Fixture, in_virtual_time, until};
use super::log::Log;
use crate::supervisor::Supervisor;

/// Longer than a person needs to wake up.
const OUTAGE: Duration = Duration::from_secs(6 * 3_600);

async fn phases(fixture: &Fixture, assets: &[AssetId]) -> Vec<Phase> {
    let mut phases = Vec::new();
    for asset in assets {
        phases.push(fixture.store.asset(asset).await.unwrap().asset.phase);
    }
    phases
}

/// Begins an outage while one asset is withdrawn and others are new, ends it after hours, and expects all of them withdrawn.
fn survives(begin: fn(&FaultPlan), end: fn(&FaultPlan), answers: bool) {
    in_virtual_time(async {
        let fixture = Fixture::new();
        let (log, _guard) = Log::start();
        let withdrawing = fixture.upload("withdrawing").await;
        fixture.refuse().await;
        let mut assets = vec![withdrawing.clone()];
        for number in 0..60 {
            assets.push(fixture.upload(&format!("new {number}")).await);
        }
        begin(&fixture.object_faults);
        let _supervisor = Supervisor::new(fixture.context.clone()).start();
        tokio::time::sleep(OUTAGE).await;
        let during = phases(&fixture, &assets).await;
        assert_eq!(during[0], Phase::Withdrawing);
        assert!(during[1..].iter().all(|phase| *phase == Phase::Received), "{during:?}");
        if answers {
            assert!(fixture.attempts(&withdrawing, TaskKey::Withdraw).await > 100, "it was not given up");
            let calls = fixture.object_faults.calls("open") + fixture.object_faults.calls("withdraw");
            assert!(calls < OUTAGE.as_secs() / 5, "{calls} calls of a service that is away");
            let reason = fixture.context.breaker.reason().expect("it says what is away");
            assert!(reason.starts_with("objects: "), "{reason}");
            let errors = log.lines("ERROR");
            let delayed = errors.iter().filter(|line| line.contains("asset not withdrawn yet")).count();
            assert!(delayed > 0 && delayed as u64 <= OUTAGE.as_secs() / 60 + 1, "{delayed} lines: thinned");
            assert!(fixture.counted("reelgate_withdrawals_delayed_total", None) > 100);
        }
        end(&fixture.object_faults);
        until("everything is withdrawn", async || {
            phases(&fixture, &assets).await.iter().all(|phase| *phase == Phase::Rejected)
        })
        .await;
        assert_eq!(fixture.context.breaker.reason(), None);
    });
}

#[test]
fn an_object_store_that_refuses_for_hours_fails_nothing_and_no_withdrawal_gives_up() {
    survives(|plan| plan.set_down(true), |plan| plan.set_down(false), true);
}

#[test]
fn an_object_store_that_hangs_for_hours_fails_nothing_and_no_withdrawal_gives_up() {
    survives(|plan| plan.set_frozen(true), |plan| plan.set_frozen(false), false);
}
