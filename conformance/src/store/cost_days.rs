//! Days of the ledger: each is closed once, with one notice for each finding.

use reelgate_cost::anomaly::Anomaly;
use reelgate_cost::charge::{Charge, Method};
use reelgate_cost::daily::{Finding, Scope};
use reelgate_cost::line::{DAY_MS, day_of};
use reelgate_cost::money::NanoUsd;
use reelgate_cost::node::NodeRate;
use reelgate_cost::prices::Price;
use reelgate_cost::resource::Resource;
use reelgate_flow::asset::{NoticeKind, Phase, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_ports::clock::Clock;
use reelgate_ports::identity::{cost_notice_id, key_sha256};
use reelgate_ports::records::{
    CostDays, DayClosing, Decided, NodeReport, NoticeRecord, ShareRecord, ShareRow,
};
use reelgate_ports::store::ShareFilter;
use serde_json::json;

use super::StoreHome;
use super::fixture::StoreFixture;
use crate::samples::{decision, node_report};

const TEN_MINUTES_MS: u64 = 600_000;

/// Sets the clock to this long after the beginning of a day; returns that day.
fn into_day(fixture: &StoreFixture, days_ahead: u64, ms: u64) -> u32 {
    let day = day_of(fixture.clock.now_ms() + days_ahead * DAY_MS);
    fixture.clock.set_ms(u64::from(day) * DAY_MS + ms);
    day
}

fn finding(scope: Scope, name: &str, day: u32) -> Finding {
    let usd = NanoUsd::new;
    let anomaly = Anomaly { found: usd(900), usual: usd(300), limit: usd(435) };
    Finding { scope, name: name.into(), day, amount: usd(1_800), bytes: 2 << 30, anomaly }
}

fn closing(day: u32, findings: &[Finding]) -> DayClosing {
    DayClosing { day, findings: findings.to_vec(), shares: Vec::new() }
}

impl StoreFixture {
    async fn close(&self, day: u32, findings: &[Finding]) -> bool {
        self.store.close_day(&closing(day, findings)).await.unwrap()
    }

    async fn cost_notices(&self) -> Vec<NoticeRecord> {
        let notices = self.store.outbox(100, 0).await.unwrap();
        notices.into_iter().filter(|notice| notice.kind == NoticeKind::CostAnomaly).collect()
    }
}

pub async fn a_day_is_closed_once_and_only_after_it_is_over(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let today = into_day(&fixture, 1, TEN_MINUTES_MS - 1);
    let days = |closed, finished| CostDays { closed, finished };
    assert_eq!(fixture.store.cost_days().await.unwrap(), days(None, today - 2), "late lines are waited for");
    assert!(!fixture.close(today - 1, &[]).await);
    fixture.clock.advance_ms(1);
    assert_eq!(fixture.store.cost_days().await.unwrap(), days(None, today - 1));
    assert!(!fixture.close(today, &[]).await);
    assert!(fixture.close(today - 1, &[]).await);
    assert!(!fixture.close(today - 1, &[]).await);
    assert_eq!(fixture.store.cost_days().await.unwrap(), days(Some(today - 1), today - 1));
    let again = home.open(fixture.clock.clone()).await;
    assert_eq!(again.cost_days().await.unwrap(), days(Some(today - 1), today - 1));
}

pub async fn what_was_unusual_goes_out_in_one_notice_that_names_no_prefix(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let day = into_day(&fixture, 1, TEN_MINUTES_MS) - 1;
    let findings = [finding(Scope::Prefix, "secret-show", day), finding(Scope::Profile, "web", day)];
    assert!(!fixture.close(day + 1, &findings).await);
    assert_eq!(fixture.cost_notices().await, [], "a day that goes on says nothing");
    assert!(fixture.close(day, &findings).await);
    let notices = fixture.cost_notices().await;
    assert_eq!(notices.len(), 2, "{notices:?}");
    for (notice, finding) in notices.iter().zip(&findings) {
        assert_eq!((&notice.id, notice.asset.as_str()), (&cost_notice_id(finding), ""));
        assert!(!notice.body.to_string().contains("secret"), "{}", notice.body);
    }
    assert_eq!(
        notices[0].body["cost"],
        json!({
            "scope": "prefix", "prefix_sha256": key_sha256("secret-show"), "day_begin_ms": u64::from(day) * DAY_MS,
            "amount_nanos": 1_800, "bytes": 2_147_483_648u64,
            "nanos_per_gb": 900, "usual_nanos_per_gb": 300, "limit_nanos_per_gb": 435,
        })
    );
    assert_eq!(
        (&notices[1].body["cost"]["profile"], &notices[1].body["kind"]),
        (&json!("web"), &json!("cost_anomaly"))
    );
    let other = [finding(Scope::Prefix, "another", day)];
    assert!(!fixture.close(day, &other).await);
    assert_eq!(fixture.cost_notices().await, notices, "the day was closed before");
}

pub async fn a_clock_that_was_ahead_or_is_set_back_closes_no_day_twice(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let day = into_day(&fixture, 1, TEN_MINUTES_MS) - 1;
    assert!(fixture.close(day, &[]).await);
    let ahead = into_day(&fixture, 300, TEN_MINUTES_MS) - 1;
    assert!(fixture.close(ahead, &[]).await);
    fixture.clock.set_ms(u64::from(day + 2) * DAY_MS + TEN_MINUTES_MS);
    let days = fixture.store.cost_days().await.unwrap();
    assert_eq!(days, CostDays { closed: Some(day), finished: day + 1 }, "the days of now go on");
    fixture.clock.set_ms(u64::from(day) * DAY_MS + TEN_MINUTES_MS);
    let days = fixture.store.cost_days().await.unwrap();
    assert_eq!(days, CostDays { closed: None, finished: day - 1 });
    assert!(!fixture.close(day, &[finding(Scope::Profile, "web", day)]).await);
    assert_eq!(fixture.cost_notices().await, []);
}

fn rate() -> NodeRate {
    let price = Price { usd: NanoUsd::new(1_000), per: 7, date: "2026-08-01".into(), verified: true };
    NodeRate { node_type: "c6a-xlarge".into(), vcpus: 4, price }
}

fn share(day: u32, asset: Option<&AssetId>, node_type: &str, amount: i64) -> ShareRecord {
    let whole = Charge::new(Resource::NodeTime, 70, &rate().price, Method::Allocated).unwrap();
    let charge = Charge { amount: NanoUsd::new(amount), ..whole };
    ShareRecord { day, asset: asset.cloned(), node_type: node_type.into(), charge }
}

/// Closes the last day that is over, with a share of this asset.
pub(super) async fn close_yesterday(fixture: &StoreFixture, asset: &AssetId) {
    let day = fixture.store.cost_days().await.unwrap().finished;
    let shares = vec![share(day, Some(asset), "spot", 3)];
    assert!(fixture.store.close_day(&DayClosing { day, findings: Vec::new(), shares }).await.unwrap());
}

impl StoreFixture {
    async fn shares(&self, filter: ShareFilter) -> Vec<ShareRow> {
        self.store.shares(&ShareFilter { lines_max: 100, ..filter }).await.unwrap()
    }
}

pub async fn shares_are_kept_with_the_day_and_read_in_pages_by_asset_and_by_day(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let (first, second) = (fixture.upload("show/a", 1).await, fixture.upload("show/b", 1).await);
    fixture.run(Severity::High).await;
    let day = into_day(&fixture, 2, TEN_MINUTES_MS) - 1;
    let kept = [
        share(day - 1, None, "spot", 5),
        share(day, Some(&first), "other", 2),
        share(day, Some(&first), "spot", 3),
        share(day, Some(&second), "spot", 1),
    ];
    for (of_day, shares) in [(day - 1, &kept[..1]), (day, &kept[1..])] {
        let closing = DayClosing { day: of_day, findings: Vec::new(), shares: shares.to_vec() };
        assert!(fixture.store.close_day(&closing).await.unwrap());
        let again = DayClosing { shares: vec![share(of_day, Some(&second), "later", 9)], ..closing };
        assert!(!fixture.store.close_day(&again).await.unwrap());
    }
    let whole = fixture.shares(ShareFilter::default()).await;
    assert_eq!(whole.iter().map(|row| row.record.clone()).collect::<Vec<_>>(), kept);
    assert_eq!(
        whole.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(),
        ["", "show/a", "show/a", "show/b"]
    );
    for lines_max in 1..=4 {
        let mut filter = ShareFilter { lines_max, ..ShareFilter::default() };
        let mut read = Vec::new();
        loop {
            let page = fixture.store.shares(&filter).await.unwrap();
            assert!(page.len() <= lines_max as usize);
            let Some(last) = page.last() else { break };
            filter.after = Some(last.record.clone());
            read.extend(page);
        }
        assert_eq!(read, whole, "pages of {lines_max}");
    }
    let of_first = ShareFilter { asset: Some(first.clone()), ..ShareFilter::default() };
    assert_eq!(fixture.shares(of_first.clone()).await, whole[1..3]);
    let before = ShareFilter { until_day: Some(day), ..ShareFilter::default() };
    assert_eq!(fixture.shares(before).await, whole[..1]);
    let since = ShareFilter { from_day: Some(day), ..ShareFilter::default() };
    assert_eq!(fixture.shares(since).await, whole[1..]);
    // An erased asset keeps its shares without its key.
    fixture.store.decide(&first, &decision(Decided::Erase)).await.unwrap();
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&first).await, Phase::Erased);
    let erased = fixture.shares(of_first).await;
    assert_eq!((erased.len(), erased[0].key.as_str(), &erased[0].record), (2, "", &kept[1]));
}

pub async fn a_node_is_up_from_its_first_call_of_a_day_to_its_last(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let report = |node: &str, process: &str, rate: Option<NodeRate>| NodeReport {
        process: process.into(),
        rate,
        ..node_report(node)
    };
    let up = async |report: &NodeReport| fixture.store.node_up(report).await.unwrap();
    let day = into_day(&fixture, 1, DAY_MS - 100_000);
    let (one, again, other) =
        (report("a", "p1", Some(rate())), report("a", "p2", Some(rate())), report("b", "p1", Some(rate())));
    up(&one).await;
    up(&report("free", "p1", None)).await;
    fixture.clock.advance_ms(60_000);
    up(&one).await;
    up(&again).await;
    fixture.clock.advance_ms(30_000);
    up(&again).await;
    // The clock is set back within the day: nobody was up for less.
    fixture.clock.set_ms(u64::from(day) * DAY_MS + DAY_MS - 50_000);
    up(&one).await;
    fixture.clock.set_ms(u64::from(day + 1) * DAY_MS + 5_000);
    up(&one).await;
    up(&other).await;
    fixture.clock.advance_ms(1_000);
    up(&other).await;
    let uptimes = async |day: u32| fixture.store.uptimes(day).await.unwrap();
    assert_eq!(uptimes(day).await, [(rate(), 60_000), (rate(), 30_000)]);
    assert_eq!(uptimes(day + 1).await, [(rate(), 0), (rate(), 1_000)]);
    assert_eq!(uptimes(day - 1).await, []);
}
