//! Money: what validation asks for is reserved before the work can be claimed, and what it cost is booked when it ends.

use reelgate_cost::cap::{CapScope, Caps};
use reelgate_cost::charge::{Charge, Method};
use reelgate_cost::estimate::Estimate;
use reelgate_cost::money::NanoUsd;
use reelgate_cost::prices::Price;
use reelgate_cost::resource::Resource;
use reelgate_flow::asset::{NoticeKind, Phase, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::Code;
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::identity::key_sha256;
use reelgate_ports::records::{
    AccountSums, Asked, AttemptCost, Claim, Decided, EstimateRow, TaskReport, accounts,
};

use super::StoreHome;
use super::fixture::{StoreFixture, validated, well};
use crate::samples::decision;

const DAY_MS: u64 = 86_400_000;

fn usd(nanos: i64) -> NanoUsd {
    NanoUsd::new(nanos)
}

/// At most 100 in a day.
fn daily() -> Caps {
    Caps { day: Some(usd(100)), ..Caps::default() }
}

/// A report with so many nano-dollars of node time.
fn charged(report: TaskReport, nanos: u64) -> TaskReport {
    let price = Price { usd: usd(1), per: 1, date: "2026-08-01".into(), verified: true };
    let charge = Charge::new(Resource::NodeTime, nanos, &price, Method::Measured).unwrap();
    let cost = AttemptCost { node_type: "node".into(), charges: vec![charge], ..report.cost };
    TaskReport { cost, ..report }
}

/// A validation that cost 10 and asks for a rest of at most `p90`.
fn asking(claim: &Claim, p90: i64, caps: &Caps) -> TaskReport {
    let rest = Estimate { p50: usd(p90 / 2), p90: usd(p90) };
    let mut report = charged(validated(claim, &key_sha256(claim.fence.asset.as_str())), 10);
    report.cost.asked = Some(Box::new(Asked { rest, caps: caps.clone() }));
    report
}

impl StoreFixture {
    /// Uploads a file and validates it.
    async fn ask(&self, key: &str, p90: i64, caps: &Caps) -> AssetId {
        let asset = self.upload(key, 1).await;
        let claim = self.claim_one(TaskKey::Validate).await;
        self.store.complete(&[asking(&claim, p90, caps)]).await.unwrap();
        asset
    }

    /// Does all due work; each attempt of an encode costs this much.
    async fn work(&self, nanos: u64) {
        loop {
            let claims = self.claim_all().await;
            if claims.is_empty() {
                return;
            }
            for claim in claims {
                let report = well(&claim, Severity::None);
                let is_encode = claim.fence.task == TaskKey::Video { chunk: 0 };
                let report = if is_encode { charged(report, nanos) } else { report };
                self.store.complete(&[report]).await.unwrap();
            }
        }
    }

    /// Spent and reserved in the account of a scope that counts now.
    async fn sums(&self, scope: CapScope, prefix: &str) -> (i64, i64) {
        let now_ms = reelgate_ports::clock::Clock::now_ms(&*self.clock);
        let named = accounts(now_ms, prefix).into_iter().find(|(of, _)| *of == scope).unwrap().1;
        let sums = self.store.account_sums(std::slice::from_ref(&named)).await.unwrap();
        let AccountSums { spent, reserved } = sums.get(&named).copied().unwrap_or_default();
        (spent.nanos(), reserved.nanos())
    }

    async fn reason(&self, asset: &AssetId) -> Option<(Code, String)> {
        let reason = self.store.asset(asset).await.unwrap().asset.reason;
        reason.map(|fault| (fault.code, fault.detail))
    }
}

pub async fn money_is_reserved_with_the_work_and_booked_when_it_ends(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.ask("shows/a", 60, &daily()).await;
    // What the validation cost is not booked yet.
    for (scope, prefix) in [(CapScope::Day, ""), (CapScope::Month, ""), (CapScope::Prefix, "shows")] {
        assert_eq!(fixture.sums(scope, prefix).await, (0, 70), "{scope:?}");
    }
    assert!(fixture.store.estimates(None, 9).await.unwrap().is_empty());
    fixture.work(40).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Published);
    for (scope, prefix) in [(CapScope::Day, ""), (CapScope::Month, ""), (CapScope::Prefix, "shows")] {
        assert_eq!(fixture.sums(scope, prefix).await, (50, 0), "{scope:?}");
    }
    let estimated = Estimate { p50: usd(40), p90: usd(70) };
    let size_bytes = fixture.store.asset(&asset).await.unwrap().asset.source.size_bytes;
    let row =
        EstimateRow { asset: asset.clone(), key: "shows/a".into(), size_bytes, estimated, cost: usd(50) };
    assert_eq!(fixture.store.estimates(None, 9).await.unwrap(), [row]);
    assert!(fixture.store.estimates(Some(&asset), 9).await.unwrap().is_empty());
}

pub async fn work_without_money_is_parked_and_goes_on_when_there_is_some(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.ask("a", 60, &daily()).await;
    let parked = fixture.ask("b", 60, &daily()).await;
    assert_eq!(fixture.phase(&parked).await, Phase::Failed);
    let (code, detail) = fixture.reason(&parked).await.unwrap();
    assert_eq!(code, Code::BudgetExceeded);
    assert!(
        detail.starts_with("the cap of the day is $0.0000001; $0.00 is spent, $0.00000007 is reserved"),
        "{detail}"
    );
    assert_eq!(fixture.details(&parked, "over_budget").await, [format!("budget_exceeded: {detail}")]);
    let notices = fixture.store.outbox(9, 0).await.unwrap();
    assert!(notices.iter().any(|notice| notice.asset == parked && notice.kind == NoticeKind::Failed));
    // Its validation is booked, and nothing is reserved for it.
    assert_eq!(fixture.sums(CapScope::Day, "").await, (10, 70));
    let heavy = fixture.claim(Lane::Heavy, 9).await;
    assert!(heavy.iter().all(|claim| claim.fence.asset != parked), "{heavy:?}");
    assert_eq!(fixture.store.admit(&daily()).await.unwrap(), 0, "nothing has changed");
    for claim in heavy {
        fixture.store.complete(&[well(&claim, Severity::None)]).await.unwrap();
    }
    fixture.work(0).await;
    // The first one has cost less than was reserved, so there is room.
    assert_eq!(fixture.sums(CapScope::Day, "").await, (20, 0));
    assert_eq!(fixture.store.admit(&daily()).await.unwrap(), 1);
    assert_eq!(fixture.sums(CapScope::Day, "").await, (20, 60));
    fixture.work(5).await;
    assert_eq!((fixture.phase(&parked).await, fixture.reason(&parked).await), (Phase::Published, None));
    assert_eq!(fixture.sums(CapScope::Day, "").await, (25, 0));
}

pub async fn a_new_day_and_a_raised_cap_let_work_go_on_and_a_clock_set_back_forgets_nothing(
    home: &dyn StoreHome,
) {
    let fixture = StoreFixture::new(home).await;
    fixture.ask("a", 90, &daily()).await;
    fixture.work(90).await;
    assert_eq!(fixture.sums(CapScope::Day, "").await, (100, 0));
    let parked = fixture.ask("b", 30, &daily()).await;
    assert_eq!(fixture.store.admit(&daily()).await.unwrap(), 0);
    fixture.clock.advance_ms(DAY_MS);
    assert_eq!(fixture.store.admit(&daily()).await.unwrap(), 1);
    assert_eq!(fixture.phase(&parked).await, Phase::Processing);
    fixture.clock.set_ms(reelgate_ports::clock::Clock::now_ms(&*fixture.clock) - DAY_MS);
    let other = fixture.ask("c", 1, &daily()).await;
    assert_eq!(fixture.phase(&other).await, Phase::Failed, "the day of the first one is still spent");
    let raised = Caps { day: Some(usd(1_000)), ..Caps::default() };
    assert_eq!(fixture.store.admit(&raised).await.unwrap(), 1);
    fixture.work(1).await;
    assert_eq!(fixture.phase(&other).await, Phase::Published);
}

pub async fn a_cap_of_one_asset_or_prefix_holds_for_no_other(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let caps =
        Caps { asset: Some(usd(100)), prefixes: [("shows".to_owned(), usd(120))].into(), ..Caps::default() };
    let dear = fixture.ask("clips/a", 95, &caps).await;
    let (_, detail) = fixture.reason(&dear).await.unwrap();
    assert!(
        detail.starts_with("the cap of the asset is") && detail.contains("more than the cap alone"),
        "{detail}"
    );
    let mut phases = Vec::new();
    for key in ["shows/a", "shows/b", "clips/b"] {
        let asset = fixture.ask(key, 60, &caps).await;
        phases.push(fixture.phase(&asset).await);
    }
    assert_eq!(phases, [Phase::Processing, Phase::Failed, Phase::Processing]);
}

pub async fn an_operator_may_spend_above_a_cap_and_it_is_booked(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let parked = fixture.ask("a", 200, &daily()).await;
    fixture.store.redrive(&parked).await.unwrap();
    assert_eq!(fixture.phase(&parked).await, Phase::Processing);
    assert_eq!(fixture.sums(CapScope::Day, "").await, (10, 200));
    let other = fixture.ask("b", 1, &daily()).await;
    assert_eq!(fixture.phase(&other).await, Phase::Failed);
    fixture.work(150).await;
    assert_eq!(fixture.sums(CapScope::Day, "").await, (170, 0));
}

pub async fn what_is_parked_can_be_quarantined_and_erased_without_money(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let parked = fixture.ask("a", 200, &daily()).await;
    fixture.store.decide(&parked, &decision(Decided::Quarantine)).await.unwrap();
    fixture.work(0).await;
    assert_eq!(fixture.phase(&parked).await, Phase::Quarantined);
    assert_eq!(fixture.store.admit(&Caps::default()).await.unwrap(), 0, "it waits for nothing any more");
    fixture.store.decide(&parked, &decision(Decided::Erase)).await.unwrap();
    fixture.work(0).await;
    assert_eq!(fixture.phase(&parked).await, Phase::Erased);
    assert_eq!(fixture.sums(CapScope::Day, "").await, (10, 0));
}

pub async fn a_report_that_comes_after_the_end_is_booked_too(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.ask("a", 60, &daily()).await;
    let late = fixture.claim(Lane::Heavy, 9).await;
    fixture.store.decide(&asset, &decision(Decided::Quarantine)).await.unwrap();
    fixture.work(0).await;
    assert_eq!(fixture.sums(CapScope::Day, "").await, (10, 0));
    let late = charged(well(&late[0], Severity::None), 7);
    for _ in 0..2 {
        fixture.store.complete(std::slice::from_ref(&late)).await.unwrap();
    }
    assert_eq!(fixture.sums(CapScope::Day, "").await, (17, 0));
}
