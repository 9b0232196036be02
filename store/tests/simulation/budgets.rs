//! Seeded schedules of admissions: 64 uploads ask for money under caps, while nodes die, reports come twice, and the clock jumps. An
//! upload is admitted exactly while it fits, every cost is booked once, and nothing stays reserved.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reelgate_conformance::ManualClock;
use reelgate_conformance::samples::{decision, event, report};
use reelgate_cost::cap::{CapScope, Caps};
use reelgate_cost::charge::{Charge, Method};
use reelgate_cost::estimate::Estimate;
use reelgate_cost::money::NanoUsd;
use reelgate_cost::prices::Price;
use reelgate_cost::resource::Resource;
use reelgate_flow::asset::{Phase, Screening, Severity};
use reelgate_flow::ids::{AssetId, NodeId};
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::clock::Clock;
use reelgate_ports::events::EventBatch;
use reelgate_ports::identity::key_sha256;
use reelgate_ports::order::prefix_of;
use reelgate_ports::records::{
    AccountSums, Asked, AttemptCost, Claim, Decided, Ending, Success, TaskReport, WithdrawalRecord, accounts,
};
use reelgate_ports::store::{AssetFilter, Decisions, Intake, LedgerFilter, Maintenance, Queries, Queue};
use reelgate_store::memory::{MemoryStore, now};

use crate::rng::Rng;

const SCHEDULES: u64 = 1_000;
const UPLOADS: usize = 64;
const STEPS: usize = 600;
const LEASE_MS: u64 = 30_000;
const DAY_MS: u64 = 86_400_000;

struct Admissions {
    rng: Rng,
    store: MemoryStore,
    clock: Arc<ManualClock>,
    caps: Caps,
    claims: Vec<Claim>,
    uploaded: usize,
    /// Every account that was ever used.
    names: BTreeSet<String>,
    admitted: u64,
    parked: u64,
}

fn call<T>(future: impl Future<Output = T>) -> T {
    now(future).expect("a call without a concurrent one is ready at once")
}

fn usd(nanos: u64) -> NanoUsd {
    NanoUsd::new(i64::try_from(nanos).unwrap())
}

fn charged(report: TaskReport, nanos: u64) -> TaskReport {
    let price = Price { usd: usd(1), per: 1, date: String::new(), verified: true };
    let charge = Charge::new(Resource::NodeTime, nanos, &price, Method::Measured).unwrap();
    TaskReport { cost: AttemptCost { charges: vec![charge], ..report.cost }, ..report }
}

fn success(claim: &Claim) -> Success {
    match claim.fence.task {
        TaskKey::Validate => Success::Validated {
            priority: None,
            video_chunks: 2,
            audio: true,
            captions: false,
            plan: serde_json::json!({}),
            jobs: Vec::new(),
        },
        TaskKey::Screen => Success::Screened {
            screening: Screening::of(Severity::None),
            findings: Vec::new(),
            redaction: None,
            shared: false,
            result: None,
        },
        TaskKey::Package => Success::Packaged {
            result: serde_json::json!({}),
            renditions: Vec::new(),
            left_out: Vec::new(),
            outputs: Vec::new(),
        },
        TaskKey::Publish => Success::Published { location: "published".into() },
        TaskKey::Withdraw => Success::Withdrawn {
            source_location: "quarantine".into(),
            withdrawal_record: WithdrawalRecord::default(),
        },
        _ => Success::Produced { result: serde_json::json!({}), outputs: Vec::new() },
    }
}

impl Admissions {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut cap = |most: usize| (most > 0).then(|| usd(1 + rng.below(most) as u64));
        let caps = Caps {
            asset: cap(1_200),
            day: cap(10_000),
            month: cap(30_000),
            prefixes: [("p0".to_owned(), usd(3_000))].into(),
        };
        let clock = Arc::new(ManualClock::default());
        let store = MemoryStore::new(clock.clone());
        Self {
            rng,
            store,
            clock,
            caps,
            claims: Vec::new(),
            uploaded: 0,
            names: BTreeSet::new(),
            admitted: 0,
            parked: 0,
        }
    }

    fn sums(&self, names: &[String]) -> BTreeMap<String, AccountSums> {
        call(self.store.account_sums(names)).unwrap()
    }

    fn phase(&self, asset: &AssetId) -> Phase {
        call(self.store.asset(asset)).unwrap().asset.phase
    }

    /// The names of the accounts in which an upload counts now, each with its cap.
    fn named(&mut self, key: &str) -> Vec<(String, Option<NanoUsd>)> {
        let prefix = prefix_of(key);
        let named = accounts(self.clock.now_ms(), prefix);
        self.names.extend(named.iter().map(|(_, name)| name.clone()));
        named.into_iter().map(|(scope, name)| (name, self.caps.limit(scope, prefix))).collect()
    }

    fn step(&mut self) {
        self.note_accounts();
        match self.rng.below(100) {
            0..15 if self.uploaded < UPLOADS => {
                let key = format!("p{}/{}", self.rng.below(4), self.uploaded);
                self.uploaded += 1;
                call(self.store.ingest(&EventBatch::of([event(&key, 1)]))).unwrap();
            }
            0..45 => {
                let lane = self.rng.pick(&[Lane::Light, Lane::Heavy]);
                let claims = call(self.store.claim(&NodeId::new("node-a"), lane, 2, LEASE_MS)).unwrap();
                self.claims.extend(claims);
            }
            45..88 => self.report(),
            88..91 => {
                // The node dies: what it worked on is done again.
                self.claims.clear();
                self.clock.advance_ms(LEASE_MS + 1);
                call(self.store.reap()).unwrap();
            }
            91..94 => self.admit(),
            94..96 => self.clock.advance_ms(DAY_MS / 3),
            96 => self.clock.set_ms(self.clock.now_ms() - DAY_MS / 2),
            97 => {
                let filter = AssetFilter { limit: u32::MAX, ..AssetFilter::default() };
                let assets = call(self.store.assets(&filter)).unwrap();
                if !assets.is_empty() && self.rng.percent(20) {
                    let asset = &assets[self.rng.below(assets.len())].id;
                    // An upload that was quarantined before cannot be again.
                    let _ = call(self.store.decide(asset, &decision(Decided::Quarantine)));
                }
            }
            _ => self.raise(),
        }
    }

    fn note_accounts(&mut self) {
        (0..4).for_each(|prefix| drop(self.named(&format!("p{prefix}/x"))));
    }

    /// An operator changes a cap.
    fn raise(&mut self) {
        self.caps.day = Some(usd(1 + self.rng.below(10_000) as u64));
    }

    fn report(&mut self) {
        if self.claims.is_empty() {
            return;
        }
        let claim = self.claims.swap_remove(self.rng.below(self.claims.len()));
        let cost = self.rng.below(200) as u64;
        let ending = match self.rng.below(20) {
            0 => Ending::GivenBack,
            1 if claim.fence.task.lane() == Lane::Heavy => {
                Ending::Fault(Fault::new(Code::DecoderCrashed, ""))
            }
            _ => Ending::Success(success(&claim)),
        };
        let validates = claim.fence.task == TaskKey::Validate && matches!(ending, Ending::Success(_));
        let mut report = charged(report(&claim.fence, &NodeId::new("node-a"), ending), cost);
        if !validates {
            return self.deliver(&report);
        }
        report.sha256 = Some(key_sha256(claim.fence.asset.as_str()));
        let p90 = usd(self.rng.below(1_500) as u64 + 1);
        let rest = Estimate { p50: p90, p90 };
        report.cost.asked = Some(Box::new(Asked { rest, caps: self.caps.clone() }));
        self.validate(&claim, &report, p90);
    }

    fn deliver(&mut self, report: &TaskReport) {
        let times = if self.rng.percent(10) { 2 } else { 1 };
        for _ in 0..times {
            call(self.store.complete(std::slice::from_ref(report))).unwrap();
        }
    }

    /// An upload is admitted if it fits into every account and into what one asset may cost, and otherwise parked.
    fn validate(&mut self, claim: &Claim, report: &TaskReport, p90: NanoUsd) {
        let asset = &claim.fence.asset;
        let named = self.named(&claim.source.id.key);
        let names: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
        let before = self.sums(&names);
        let was_received = self.phase(asset) == Phase::Received;
        self.deliver(report);
        let filter =
            LedgerFilter { asset: Some(asset.clone()), lines_max: u32::MAX, ..LedgerFilter::default() };
        let ledger = call(self.store.ledger(&filter)).unwrap();
        let cost = NanoUsd::sum(ledger.iter().map(|row| row.record.charge.amount)).unwrap();
        let needed = cost.plus(p90).unwrap();
        let fits = |limit: NanoUsd, sums: AccountSums| {
            sums.spent.plus(sums.reserved).and_then(|used| used.plus(needed)).unwrap() <= limit
        };
        let of = |name: &String| before.get(name).copied().unwrap_or_default();
        let expected = self.caps.asset.is_none_or(|limit| needed <= limit)
            && named.iter().all(|(name, limit)| limit.is_none_or(|limit| fits(limit, of(name))));
        match self.phase(asset) {
            Phase::Processing if was_received => {
                assert!(expected, "admitted though it does not fit: {needed} into {named:?}, {before:?}");
                self.admitted += 1;
            }
            Phase::Failed if was_received => {
                assert!(!expected, "parked though it fits: {needed} into {named:?}, {before:?}");
                self.parked += 1;
            }
            // The attempt was not the current one any more.
            _ => {}
        }
    }

    /// Afterwards no account in which money was reserved is above its cap, and nothing that waits fits.
    fn admit(&mut self) {
        let all: Vec<String> =
            (0..4).flat_map(|prefix| self.named(&format!("p{prefix}/x"))).map(|(name, _)| name).collect();
        let before = self.sums(&all);
        let admitted = call(self.store.admit(&self.caps)).unwrap();
        let after = self.sums(&all);
        for prefix in (0..4).map(|prefix| format!("p{prefix}")) {
            for (scope, name) in accounts(self.clock.now_ms(), &prefix) {
                let of = |sums: &BTreeMap<String, AccountSums>| sums.get(&name).copied().unwrap_or_default();
                let (before, after) = (of(&before), of(&after));
                let limit = self.caps.limit(scope, &prefix);
                let used = after.spent.plus(after.reserved).unwrap();
                let grew = after.reserved > before.reserved;
                assert!(
                    !grew || limit.is_none_or(|limit| used <= limit),
                    "{scope:?}: {used} above {limit:?}"
                );
                assert!(!grew || admitted > 0);
            }
        }
        assert_eq!(call(self.store.admit(&self.caps)).unwrap(), 0, "what fits was admitted at once");
    }

    /// Everything ends; with money for all if `rich`.
    fn come_to_rest(&mut self, rich: bool) {
        self.claims.clear();
        if rich {
            self.caps = Caps::default();
        }
        // A clock that was set back leaves delays and leases that end days later.
        let mut idle = 0;
        for _ in 0..2_000 {
            self.clock.advance_ms(LEASE_MS + 60_000);
            self.note_accounts();
            call(self.store.reap()).unwrap();
            let admitted = call(self.store.admit(&self.caps)).unwrap();
            let lanes = [Lane::Light, Lane::Heavy];
            let claim = |lane| call(self.store.claim(&NodeId::new("node-a"), lane, 64, LEASE_MS)).unwrap();
            let claims: Vec<Claim> = lanes.into_iter().flat_map(claim).collect();
            if claims.is_empty() && admitted == 0 {
                idle += 1;
                self.clock.advance_ms(3 * DAY_MS);
            }
            if idle == 4 {
                return;
            }
            for claim in claims {
                let ending = Ending::Success(success(&claim));
                let mut report = charged(report(&claim.fence, &NodeId::new("node-a"), ending), 3);
                report.sha256 =
                    (claim.fence.task == TaskKey::Validate).then(|| key_sha256(claim.fence.asset.as_str()));
                call(self.store.complete(&[report])).unwrap();
            }
        }
        panic!("nothing comes to rest");
    }

    /// What is spent in all days is what the ledger says, and nothing is reserved.
    fn check_rest(&self) {
        let filter = LedgerFilter { lines_max: u32::MAX, ..LedgerFilter::default() };
        let ledger = call(self.store.ledger(&filter)).unwrap();
        let cost = NanoUsd::sum(ledger.iter().map(|row| row.record.charge.amount)).unwrap();
        let names: Vec<String> = self.names.iter().cloned().collect();
        let sums = self.sums(&names);
        assert!(sums.values().all(|sums| sums.reserved == NanoUsd::ZERO), "{sums:?}");
        for scope in [CapScope::Day, CapScope::Month, CapScope::Prefix] {
            let of_scope = sums.iter().filter(|(name, _)| name.starts_with(scope.as_str()));
            assert_eq!(NanoUsd::sum(of_scope.map(|(_, sums)| sums.spent)).unwrap(), cost, "{scope:?}");
        }
        assert!(self.store.violations().is_empty(), "{:?}", self.store.violations());
    }
}

#[test]
fn work_is_admitted_exactly_while_it_fits_and_every_cost_is_booked_once() {
    let (mut admitted, mut parked) = (0, 0);
    for seed in 0..SCHEDULES {
        let mut run = Admissions::new(seed);
        for _ in 0..STEPS {
            run.step();
        }
        run.come_to_rest(false);
        run.check_rest();
        run.come_to_rest(true);
        run.check_rest();
        let filter = AssetFilter { phases: vec![Phase::Failed], limit: 9, ..AssetFilter::default() };
        let left = call(run.store.assets(&filter)).unwrap();
        let waits = left
            .iter()
            .any(|asset| asset.reason.as_ref().is_some_and(|fault| fault.code == Code::BudgetExceeded));
        assert!(!waits, "seed {seed}: with money for all, nothing waits for it: {left:?}");
        admitted += run.admitted;
        parked += run.parked;
    }
    println!("{SCHEDULES} schedules: {admitted} admitted, {parked} parked");
    assert!(admitted > SCHEDULES && parked > SCHEDULES, "{admitted} admitted, {parked} parked");
}
