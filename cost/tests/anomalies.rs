//! How often a doubled cost is found, and how often a clean month raises an alarm, over seeded months of uploads.

use reelgate_cost::charge::{Charge, Method};
use reelgate_cost::daily::{DailyCosts, Scope};
use reelgate_cost::line::{Line, Owner, is_weekend};
use reelgate_cost::money::NanoUsd;
use reelgate_cost::prices::Price;
use reelgate_cost::resource::Resource;

/// Months of each kind of producer.
const MONTHS: u64 = 1_000;
/// Four weeks to learn from, then a month.
const LEARNED: u32 = 28;
const DAYS: u32 = LEARNED + 30;
/// Cost of a GB, nano-dollars.
const ORDINARY: f64 = 20_000_000.0;
const GIB: f64 = 1_073_741_824.0;

/// A producer: how many uploads, how unlike they are, and how a weekend differs.
struct Producer {
    name: &'static str,
    /// Fewest and most uploads of a working day, and of a day of a weekend.
    uploads: [(u64, u64); 2],
    /// Standard deviation of the logarithm of what a GB of one upload costs.
    spread: f64,
    /// What a GB costs on weekends, as a share.
    weekend: f64,
    /// The least share of doubled days to be found.
    found: f64,
}

const PRODUCERS: [Producer; 6] = [
    Producer { name: "ten a day", uploads: [(6, 14), (2, 5)], spread: 0.25, weekend: 0.9, found: 0.95 },
    Producer { name: "cheap weekends", uploads: [(6, 14), (2, 5)], spread: 0.25, weekend: 0.7, found: 0.95 },
    Producer { name: "dear weekends", uploads: [(6, 14), (2, 5)], spread: 0.25, weekend: 2.0, found: 0.95 },
    Producer { name: "unlike uploads", uploads: [(6, 14), (2, 5)], spread: 0.35, weekend: 0.9, found: 0.95 },
    Producer { name: "five a day", uploads: [(4, 7), (1, 3)], spread: 0.25, weekend: 0.9, found: 0.95 },
    // A day with one upload is hardly told from a doubled one.
    Producer { name: "three a day", uploads: [(2, 5), (0, 2)], spread: 0.25, weekend: 0.9, found: 0.9 },
];

/// A sequence of numbers that looks random and is the same in every run (SplitMix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn between(&mut self, (least, most): (u64, u64)) -> u64 {
        least + self.next() % (most - least + 1)
    }

    /// Log-normal with a median of 1: the sum of twelve even numbers is about normal.
    fn log_normal(&mut self, sigma: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.next() as f64 / u64::MAX as f64).sum();
        ((sum - 6.0) * sigma).exp()
    }
}

/// Day, bytes and cost of each upload. One day of twenty has none.
fn uploads(producer: &Producer, seed: u64) -> Vec<(u32, u64, f64)> {
    let mut noise = Noise(seed);
    let mut uploads = Vec::new();
    for day in 0..DAYS {
        let weekend = is_weekend(day);
        let is_quiet = noise.next().is_multiple_of(20);
        let count = if is_quiet { 0 } else { noise.between(producer.uploads[usize::from(weekend)]) };
        for _ in 0..count {
            let gb = 0.5 * noise.log_normal(0.6);
            let share = if weekend { producer.weekend } else { 1.0 };
            uploads.push((day, (gb * GIB) as u64, gb * ORDINARY * share * noise.log_normal(producer.spread)));
        }
    }
    uploads
}

fn costs(uploads: &[(u32, u64, f64)], doubled: Option<u32>) -> DailyCosts {
    let mut costs = DailyCosts::default();
    for (number, (day, bytes, nanos)) in uploads.iter().enumerate() {
        let nanos = if doubled == Some(*day) { nanos * 2.0 } else { *nanos };
        let price =
            Price { usd: NanoUsd::new(nanos as i64), per: 1, date: "2026-08-01".into(), verified: true };
        let owner = Owner {
            asset: number.to_string(),
            prefix: "show".into(),
            profile: "web".into(),
            stage: "transcode".into(),
            part: "video-00000".into(),
        };
        let charge = Charge::new(Resource::NodeTime, 1, &price, Method::Measured).unwrap();
        let line = Line { owner: Some(owner), day: *day, node_type: String::new(), charge, waste: false };
        costs.add(&line, *bytes).unwrap();
    }
    costs
}

#[test]
fn a_doubled_day_is_found_and_clean_months_are_quiet() {
    for producer in &PRODUCERS {
        let (mut found, mut false_alarms) = (0, 0);
        for seed in 0..MONTHS {
            let uploads = uploads(producer, seed);
            let clean = costs(&uploads, None);
            false_alarms +=
                (LEARNED..DAYS).map(|day| clean.findings(day).len() / Scope::ALL.len()).sum::<usize>();
            // The first day with uploads from a day on that the seed chooses.
            let from = LEARNED + (seed % 25) as u32;
            let planted = uploads.iter().map(|(day, ..)| *day).find(|day| *day >= from).unwrap();
            found += u64::from(costs(&uploads, Some(planted)).findings(planted).len() == Scope::ALL.len());
        }
        let (found, false_alarms) = (found as f64 / MONTHS as f64, false_alarms as f64 / MONTHS as f64);
        let Producer { name, .. } = producer;
        println!("{name}: {found:.3} of the doubled days found, {false_alarms:.3} false alarms a month");
        assert!(found >= producer.found, "{name}: found {found}");
        assert!(false_alarms <= 1.0, "{name}: {false_alarms} false alarms a month");
    }
}
