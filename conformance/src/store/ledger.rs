//! The ledger: what attempts used, and what it cost.

use reelgate_cost::charge::{Charge, Method};
use reelgate_cost::money::NanoUsd;
use reelgate_cost::node::NodeRate;
use reelgate_cost::prices::Price;
use reelgate_cost::resource::Resource;
use reelgate_flow::asset::{Phase, Severity};
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::records::{
    Applied, AttemptCost, AttemptWork, Claim, Decided, Ending, LedgerRow, NodeReport, TaskReport, WorkSample,
};
use reelgate_ports::store::LedgerFilter;

use super::StoreHome;
use super::fixture::{LEASE_MS, SHA256, StoreFixture, node, report, validated, well};
use crate::samples::{decision, event, node_report};
use reelgate_ports::events::EventBatch;

/// A price whose unit does not divide most quantities.
fn price() -> Price {
    Price { usd: NanoUsd::new(1_000), per: 7, date: "2026-08-01".into(), verified: true }
}

fn used(resource: Resource, quantity: u64) -> Charge {
    Charge::new(resource, quantity, &price(), Method::Measured).unwrap()
}

/// Five milliseconds and three PUTs.
fn cost() -> AttemptCost {
    let charges = vec![used(Resource::NodeTime, 5), used(Resource::S3Put, 3)];
    let work = Some(AttemptWork { part: "720p veryfast".into(), units: 40, files: 2 });
    AttemptCost { node_type: "c6a-xlarge".into(), charges, work, asked: None }
}

fn with_cost(report: TaskReport) -> TaskReport {
    TaskReport { cost: cost(), ..report }
}

/// An attempt that failed, with what it used.
pub fn failed(claim: &Claim) -> TaskReport {
    with_cost(report(claim, Ending::Fault(Fault::new(Code::StoreUnavailable, "found 0"))))
}

impl StoreFixture {
    async fn ledger(&self, asset: Option<&AssetId>) -> Vec<LedgerRow> {
        let filter = LedgerFilter { asset: asset.cloned(), lines_max: 1_000, ..LedgerFilter::default() };
        self.store.ledger(&filter).await.unwrap()
    }

    async fn complete_one(&self, report: TaskReport) -> Applied {
        self.store.complete(&[report]).await.unwrap()[0]
    }
}

/// Attempt, resource, quantity, amount, method, and whether it is waste.
type Line = (u32, Resource, u64, i64, Method, bool);

fn lines(rows: &[LedgerRow]) -> Vec<Line> {
    let line = |row: &LedgerRow| {
        let (record, charge) = (&row.record, &row.record.charge);
        let amount = charge.amount.nanos();
        (record.attempt, charge.resource, charge.quantity, amount, charge.method, record.waste)
    };
    rows.iter().map(line).collect()
}

const TIME: Line = (1, Resource::NodeTime, 5, 714, Method::Measured, false);
const PUTS: Line = (1, Resource::S3Put, 3, 429, Method::Measured, false);

fn wasted(line: Line) -> Line {
    let (attempt, resource, quantity, amount, method, _) = line;
    (attempt, resource, quantity, amount, method, true)
}

pub async fn what_an_attempt_used_is_written_with_its_commit(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("show/a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    fixture.clock.advance_ms(1_234);
    assert!(fixture.ledger(None).await.is_empty());
    fixture.complete_one(with_cost(validated(&claim, SHA256))).await;
    let rows = fixture.ledger(Some(&asset)).await;
    assert_eq!(lines(&rows), [TIME, PUTS]);
    let received_ms = fixture.store.asset(&asset).await.unwrap().asset.received_ms;
    for row in &rows {
        let record = &row.record;
        assert_eq!((row.key.as_str(), &record.asset, record.task), ("show/a", &asset, TaskKey::Validate));
        assert_eq!((record.at_ms, record.node_type.as_str()), (received_ms + 1_234, "c6a-xlarge"));
        let charge = &record.charge;
        assert_eq!(
            (charge.unit_price, charge.unit, charge.price_date.as_str()),
            (price().usd, 7, "2026-08-01")
        );
    }
}

pub async fn a_report_that_is_delivered_twice_is_charged_once(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    let twice = [with_cost(validated(&claim, SHA256)), with_cost(validated(&claim, SHA256))];
    fixture.store.complete(&twice).await.unwrap();
    fixture.store.complete(&twice).await.unwrap();
    assert_eq!(lines(&fixture.ledger(Some(&asset)).await), [TIME, PUTS]);
}

pub async fn an_attempt_that_fails_or_is_given_back_is_waste(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let given_back = fixture.claim_one(TaskKey::Validate).await;
    fixture.complete_one(with_cost(report(&given_back, Ending::GivenBack))).await;
    fixture.complete_one(failed(&fixture.claim_one(TaskKey::Validate).await)).await;
    let expected: Vec<Line> = (1..=2)
        .flat_map(|attempt| [wasted(TIME), wasted(PUTS)].map(|(_, a, b, c, d, e)| (attempt, a, b, c, d, e)))
        .collect();
    assert_eq!(lines(&fixture.ledger(Some(&asset)).await), expected);
}

/// A node with four virtual CPUs and two slots for heavy work.
fn priced_node() -> NodeReport {
    let rate = NodeRate { node_type: "c6a-xlarge-spot".into(), vcpus: 4, price: price() };
    NodeReport {
        capacity: vec![(Lane::Light, 8), (Lane::Heavy, 2)],
        rate: Some(rate),
        ..node_report(node().as_str())
    }
}

pub async fn a_lost_attempt_is_charged_its_slot_from_its_claim_until_its_lease_is_ended(
    home: &dyn StoreHome,
) {
    let fixture = StoreFixture::new(home).await;
    fixture.store.node_seen(&priced_node()).await.unwrap();
    let asset = fixture.upload("a", 1).await;
    fixture.validate(&asset).await;
    let claim = fixture.claim_one(TaskKey::Enrich).await;
    fixture.clock.advance_ms(LEASE_MS + 1_001);
    fixture.store.reap().await.unwrap();
    // 31,001 ms on half of four virtual CPUs, in sevenths of 1,000 nano-dollars.
    let lost = (1, Resource::NodeTime, 62_002, 8_857_429, Method::Estimated, true);
    let rows = fixture.ledger(Some(&asset)).await;
    assert_eq!(lines(&rows), [lost]);
    assert_eq!(rows[0].record.node_type, "c6a-xlarge-spot");
    // Its late report adds what was not charged yet.
    assert_eq!(fixture.complete_one(with_cost(well(&claim, Severity::None))).await, Applied::Stale);
    assert_eq!(lines(&fixture.ledger(Some(&asset)).await), [lost, wasted(PUTS)]);
}

pub async fn a_lost_attempt_of_an_unknown_node_costs_nothing_and_is_there(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    fixture.claim_one(TaskKey::Validate).await;
    fixture.clock.advance_ms(10);
    assert_eq!(fixture.store.reclaim(&node()).await.unwrap(), 1);
    let expected = (1, Resource::NodeTime, 10, 0, Method::Estimated, true);
    assert_eq!(lines(&fixture.ledger(Some(&asset)).await), [expected]);
}

pub async fn a_report_that_comes_too_late_is_waste(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    // A newer version replaces the asset while the attempt runs.
    fixture.store.ingest(&EventBatch::of([event("a", 2)])).await.unwrap();
    assert_eq!(fixture.complete_one(with_cost(validated(&claim, SHA256))).await, Applied::Stale);
    assert_eq!(lines(&fixture.ledger(Some(&asset)).await), [wasted(TIME), wasted(PUTS)]);
}

pub async fn an_attempt_that_never_was_is_not_charged(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    for (task, attempt) in [(TaskKey::Validate, 0), (TaskKey::Validate, 2), (TaskKey::Screen, 1)] {
        let mut report = with_cost(validated(&claim, SHA256));
        (report.fence.task, report.fence.attempt) = (task, attempt);
        assert_eq!(fixture.complete_one(report).await, Applied::Stale);
    }
    let mut report = with_cost(validated(&claim, SHA256));
    report.fence.asset = AssetId::new("aaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_eq!(fixture.complete_one(report).await, Applied::Stale);
    assert!(fixture.ledger(None).await.is_empty());
}

pub async fn the_ledger_is_read_in_pages_by_asset_and_by_time(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let assets = [fixture.upload("a", 1).await, fixture.upload("b", 1).await, fixture.upload("c", 1).await];
    let mut times = Vec::new();
    for claim in fixture.claim(Lane::Light, 3).await {
        fixture.clock.advance_ms(1_000);
        fixture.complete_one(failed(&claim)).await;
        times.push(fixture.ledger(Some(&claim.fence.asset)).await[0].record.at_ms);
    }
    let whole = fixture.ledger(None).await;
    assert_eq!(whole.len(), 6);
    for lines_max in 1..=4 {
        let mut filter = LedgerFilter { lines_max, ..LedgerFilter::default() };
        let mut read = Vec::new();
        loop {
            let page = fixture.store.ledger(&filter).await.unwrap();
            assert!(page.len() <= lines_max as usize);
            let Some(last) = page.last() else { break };
            filter.after = Some(last.record.position());
            read.extend(page);
        }
        assert_eq!(read, whole, "pages of {lines_max}");
    }
    let of_second = fixture.ledger(Some(&assets[1])).await;
    assert_eq!(of_second, whole[2..4]);
    let (from_ms, until_ms) = (Some(times[1]), Some(times[2]));
    let filter = LedgerFilter { from_ms, until_ms, lines_max: 9, ..LedgerFilter::default() };
    assert_eq!(fixture.store.ledger(&filter).await.unwrap(), of_second);
}

pub async fn recent_work_is_what_succeeded_last_and_how_much_it_was(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    fixture.upload("a", 1).await;
    fixture.upload("b", 1).await;
    for claim in fixture.claim(Lane::Light, 2).await {
        fixture.complete_one(failed(&claim)).await;
    }
    assert!(fixture.store.recent_work(9).await.unwrap().is_empty(), "failed attempts teach nothing");
    fixture.clock.advance_ms(60_000);
    let claims = fixture.claim(Lane::Light, 2).await;
    let mut bare = with_cost(validated(&claims[0], SHA256));
    bare.cost.work = None;
    fixture.complete_one(bare).await;
    fixture.complete_one(with_cost(validated(&claims[1], SHA256))).await;
    let sample = |resource, quantity, units| WorkSample {
        task: TaskKey::Validate,
        part: "720p veryfast".into(),
        node_type: "c6a-xlarge".into(),
        resource,
        quantity,
        units,
    };
    let both = [sample(Resource::NodeTime, 5, 40), sample(Resource::S3Put, 3, 2)];
    assert_eq!(fixture.store.recent_work(9).await.unwrap(), both);
    assert_eq!(fixture.store.recent_work(1).await.unwrap(), both[1..]);
}

pub async fn an_erased_asset_keeps_its_costs_without_its_key(home: &dyn StoreHome) {
    let fixture = StoreFixture::new(home).await;
    let asset = fixture.upload("secret/name", 1).await;
    let claim = fixture.claim_one(TaskKey::Validate).await;
    fixture.complete_one(with_cost(validated(&claim, SHA256))).await;
    fixture.run(Severity::High).await;
    fixture.store.decide(&asset, &decision(Decided::Erase)).await.unwrap();
    fixture.run(Severity::None).await;
    assert_eq!(fixture.phase(&asset).await, Phase::Erased);
    let rows = fixture.ledger(Some(&asset)).await;
    assert_eq!(lines(&rows), [TIME, PUTS]);
    assert!(rows.iter().all(|row| row.key.is_empty()));
}
