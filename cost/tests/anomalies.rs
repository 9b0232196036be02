//! How often a doubled cost is found, and how often a clean month raises an alarm, over seeded months.

use reelgate_cost::anomaly::judge;
use reelgate_cost::money::NanoUsd;

const SERIES: u64 = 1_000;
/// Days of a series: four weeks to learn from, then a month.
const DAYS: usize = 28 + 30;
/// Cost per GB of an ordinary day, nano-dollars.
const ORDINARY: i64 = 20_000_000;

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

    /// About normal with a standard deviation of a tenth of the ordinary cost: the mean of twelve even numbers.
    fn day(&mut self) -> NanoUsd {
        let spread = ORDINARY / 10;
        let sum: i64 = (0..12).map(|_| (self.next() % 1_000) as i64).sum::<i64>() - 5_994;
        NanoUsd::new(ORDINARY + spread * sum / 1_000)
    }
}

fn series(seed: u64) -> Vec<NanoUsd> {
    let mut noise = Noise(seed);
    (0..DAYS).map(|_| noise.day()).collect()
}

#[test]
fn a_doubled_day_is_found_and_clean_months_are_quiet() {
    let (mut found, mut false_alarms) = (0, 0);
    for seed in 0..SERIES {
        let days = series(seed);
        let alarms = (28..DAYS).filter(|day| judge(&days[..*day], days[*day]).is_some()).count();
        false_alarms += alarms;
        let planted = NanoUsd::new(days[40].nanos() * 2);
        found += u64::from(judge(&days[..40], planted).is_some());
    }
    assert!(
        found * 100 >= SERIES * 95,
        "expected 95 % of planted days to be found, found {found} of {SERIES}"
    );
    assert!(
        false_alarms <= SERIES as usize,
        "expected at most one false alarm a month, found {false_alarms}"
    );
}
