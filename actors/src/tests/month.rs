//! A month of a small fleet against its bill: the ledger adds up to what a provider would charge for the uptime of the nodes and the
//! requests that they sent.

use std::sync::Arc;

use reelgate_conformance::ManualClock;
use reelgate_conformance::samples::{event, node_report, report};
use reelgate_cost::charge::{Method, amount};
use reelgate_cost::line::DAY_MS;
use reelgate_cost::money::NanoUsd;
use reelgate_cost::node::{NodeKind, Purchase};
use reelgate_cost::prices::Prices;
use reelgate_cost::resource::Resource;
use reelgate_cost::sums::{Dimension, Sums};
use reelgate_flow::ids::NodeId;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::clock::Clock;
use reelgate_ports::events::EventBatch;
use reelgate_ports::meter::Meter;
use reelgate_ports::records::{Claim, Ending, NodeReport, Success, TaskReport, WithdrawalRecord};
use reelgate_ports::store::{Intake as _, LedgerFilter, Nodes as _, Queue as _};
use reelgate_store::memory::MemoryStore;

use crate::ledger::each_line;
use crate::profiles::Profiles;
use crate::rates::Rates;
use crate::work::cost_days::close_days;

const PRICES: &str = include_str!("../../../deploy/prices/us-east-1.toml");
const MINUTE_MS: u64 = 60_000;
const DAYS: u64 = 30;
/// Nodes are up for this part of each day, in minutes, and no longer.
const UP_MINUTES: std::ops::Range<u64> = 7 * 60..19 * 60;

/// A sequence of numbers that looks random and is the same in every run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % bound
    }
}

/// What a provider would charge.
#[derive(Default)]
struct Bill {
    up_ms: [u64; 2],
    puts: u64,
    gets: u64,
}

/// A node of each type.
struct Nodes {
    kinds: [NodeKind; 2],
    rates: [Rates; 2],
}

impl Nodes {
    fn new(prices: &Prices) -> Self {
        let kind =
            |node_type: &str, purchase, vcpus| NodeKind { node_type: node_type.into(), purchase, vcpus };
        let kinds = [kind("t3a-small", Purchase::OnDemand, 2), kind("c6a-xlarge", Purchase::Spot, 4)];
        let rates = [&kinds[0], &kinds[1]].map(|kind| Rates::new(kind, prices.clone()).unwrap());
        Self { kinds, rates }
    }

    fn report(&self, at: usize) -> NodeReport {
        let rate = self.rates[at].node().cloned();
        NodeReport { process: "p".into(), rate, ..node_report(["light", "heavy"][at]) }
    }
}

/// A month in which uploads come at chance moments, each is worked on by some attempts, and one attempt of ten is lost with what it counted.
async fn month(seed: u64) -> (NanoUsd, NanoUsd, NanoUsd, u64) {
    let prices = Prices::parse(PRICES).unwrap();
    let (clock, nodes) = (Arc::new(ManualClock::default()), Nodes::new(&prices));
    clock.set_ms(clock.now_ms() / DAY_MS * DAY_MS);
    let store = MemoryStore::new(clock.clone());
    let mut random = Chance(seed);
    let (mut bill, mut running, mut uploads, mut lost): (Bill, Vec<(u64, Claim)>, u64, u64) =
        (Bill::default(), Vec::new(), 0, 0);
    for minute in 0..DAYS * 24 * 60 {
        let now_ms = clock.now_ms();
        if UP_MINUTES.contains(&(minute % (24 * 60))) {
            for at in 0..2 {
                store.node_seen(&nodes.report(at)).await.unwrap();
                store.node_up(&nodes.report(at)).await.unwrap();
                bill.up_ms[at] += MINUTE_MS;
            }
            if random.below(30) == 0 {
                uploads += 1;
                store.ingest(&EventBatch::of([event(&format!("show/{uploads}"), 1)])).await.unwrap();
            }
            let node = NodeId::new("light");
            for claim in store.claim(&node, Lane::Light, 4, u64::MAX / 4).await.unwrap() {
                running.push((now_ms + MINUTE_MS * (1 + random.below(39)), claim));
            }
        }
        let ended: Vec<(u64, Claim)> = running.extract_if(.., |(until_ms, _)| *until_ms <= now_ms).collect();
        for (_, claim) in ended {
            let (puts, gets, cpu_ms) = (random.below(40), random.below(20), random.below(30 * MINUTE_MS));
            (bill.puts, bill.gets) = (bill.puts + puts, bill.gets + gets);
            if random.below(10) == 0 {
                // Its node dies with what it counted; the lease of its successor is ended at once.
                lost += 1;
                store.heartbeat(&NodeId::new("light"), std::slice::from_ref(&claim.fence), 1).await.unwrap();
                clock.advance_ms(2);
                store.reap().await.unwrap();
                continue;
            }
            let meter = Meter::default();
            meter.add(Resource::S3Put, puts);
            meter.add(Resource::S3Get, gets);
            let withdrawal_record = WithdrawalRecord { looked_at: 1, ..WithdrawalRecord::default() };
            let ending = match claim.fence.task {
                TaskKey::Validate => Ending::Fault(Fault::new(Code::Truncated, "in a test")),
                _ => Ending::Success(Success::Withdrawn { source_location: "x".into(), withdrawal_record }),
            };
            let cost = nodes.rates[1].charge(cpu_ms, &meter, None);
            let report = TaskReport { cost, ..report(&claim.fence, &NodeId::new("light"), ending) };
            store.complete(&[report]).await.unwrap();
        }
        clock.advance_ms(MINUTE_MS);
        if minute % (24 * 60) == 30 {
            close_days(&store, &Profiles::default(), |_| {}).await.unwrap();
        }
    }
    clock.advance_ms(MINUTE_MS * 11);
    close_days(&store, &Profiles::default(), |_| {}).await.unwrap();

    let hours = |at: usize| {
        let price = prices
            .named(&nodes.kinds[at].price_name(), reelgate_cost::resource::Measure::Milliseconds)
            .unwrap();
        amount(bill.up_ms[at], price.usd, price.per).unwrap()
    };
    let requests = |resource, count| {
        let price = prices.of(resource).unwrap();
        amount(count, price.usd, price.per).unwrap()
    };
    let billed =
        [hours(0), hours(1), requests(Resource::S3Put, bill.puts), requests(Resource::S3Get, bill.gets)];
    let mut sums = Dimension::ALL.map(Sums::new);
    let mut estimated = NanoUsd::ZERO;
    each_line(&store, LedgerFilter::default(), |row| {
        let line = row.line(&Profiles::default());
        if line.charge.method == Method::Estimated {
            estimated = estimated.plus(line.charge.amount).unwrap();
        }
        sums.iter_mut().for_each(|sums| sums.add(&line).unwrap());
        Ok::<(), reelgate_ports::error::PortError>(())
    })
    .await
    .unwrap();
    let total = sums[0].total().total;
    for sums in &sums {
        let groups = NanoUsd::sum(sums.groups().map(|(_, sum)| sum.total)).unwrap();
        assert_eq!((groups, sums.total().total), (total, total));
    }
    (total, NanoUsd::sum(billed).unwrap(), estimated, lost)
}

#[tokio::test]
async fn the_ledger_of_a_month_is_within_two_percent_of_a_counted_bill() {
    for seed in 0..5 {
        let (total, billed, estimated, lost) = month(seed).await;
        let permille = total.nanos().abs_diff(billed.nanos()) * 1_000 / billed.nanos().unsigned_abs();
        println!("seed {seed}: ledger {total}, bill {billed}, estimated {estimated}, lost attempts {lost}");
        assert!(lost > 20 && estimated > NanoUsd::ZERO, "{lost} lost attempts, {estimated}");
        assert!(permille <= 20, "seed {seed}: the ledger says {total}, the bill {billed}");
    }
}
