//! Converts nanoseconds to ticks and back, rounded to the nearest, without overflow.

const SECOND_NS: u128 = 1_000_000_000;

/// Ticks nearest to `ns`, at `timescale` ticks per second.
pub fn from_ns(ns: u64, timescale: u32) -> u64 {
    let ticks = (u128::from(ns) * u128::from(timescale) + SECOND_NS / 2) / SECOND_NS;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// Nanoseconds nearest to `ticks`; [`from_ns`] is its inverse for any timescale below half a billion.
pub fn to_ns(ticks: u64, timescale: u32) -> u64 {
    let timescale = u128::from(timescale.max(1));
    let ns = (u128::from(ticks) * SECOND_NS + timescale / 2) / timescale;
    u64::try_from(ns).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_survive_the_conversion_to_nanoseconds_and_back() {
        for timescale in [1_000, 24_000, 30_000, 44_100, 48_000, 60_000, 90_000, 1_000_000] {
            for ticks in (0..5_000_000_u64).step_by(997).chain([u64::from(u32::MAX) * 7]) {
                assert_eq!(from_ns(to_ns(ticks, timescale), timescale), ticks, "at {timescale}");
            }
        }
    }

    #[test]
    fn extremes_saturate() {
        assert_eq!(from_ns(u64::MAX, u32::MAX), u64::MAX);
        assert_eq!(to_ns(u64::MAX, 0), u64::MAX);
        assert_eq!(from_ns(33_366_667, 30_000), 1_001);
    }
}
