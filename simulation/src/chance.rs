//! Random numbers that depend on their purpose, not on when they are drawn: the same upload costs the same in every scenario.

use std::f64::consts::TAU;

/// Mixes a word so that every input bit affects every output bit: the finaliser of SplitMix64 (Steele, Lea, Flood: "Fast
/// splittable pseudorandom number generators", 2014).
fn stir(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// The random numbers for one purpose, identified by two numbers.
pub(crate) fn of(seed: u64, what: u64, which: u64) -> fastrand::Rng {
    fastrand::Rng::with_seed(stir(stir(seed ^ what.rotate_left(32)).wrapping_add(which)))
}

/// A value whose logarithm is normally distributed around the logarithm of `median`, by Box and Muller's method.
pub(crate) fn log_normal(rng: &mut fastrand::Rng, median: f64, sigma: f64) -> f64 {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    median * (sigma * radius * (TAU * rng.f64()).cos()).exp()
}

/// Nanoseconds until the next of random events with an average of `per_s` events per second.
pub(crate) fn wait_ns(rng: &mut fastrand::Rng, per_s: f64) -> u64 {
    (-(1.0 - rng.f64()).ln() / per_s * 1e9) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_spread_are_as_asked() {
        let mut rng = of(1, 2, 3);
        let mut drawn: Vec<f64> = (0..20_001).map(|_| log_normal(&mut rng, 30.0, 0.8)).collect();
        drawn.sort_by(f64::total_cmp);
        assert!((drawn[10_000] / 30.0 - 1.0).abs() < 0.05, "median {}", drawn[10_000]);
        // One sigma above the median lie 84.1 %.
        assert!((drawn[16_826] / (30.0 * 0.8_f64.exp()) - 1.0).abs() < 0.05, "{}", drawn[16_826]);
    }

    #[test]
    fn chances_differ_by_what_they_are_for_and_repeat() {
        assert_eq!(of(1, 2, 3).u64(..), of(1, 2, 3).u64(..));
        assert_ne!(of(1, 2, 3).u64(..), of(1, 2, 4).u64(..));
        assert_ne!(of(1, 2, 3).u64(..), of(1, 3, 2).u64(..));
        assert_ne!(of(1, 2, 3).u64(..), of(2, 2, 3).u64(..));
    }
}
