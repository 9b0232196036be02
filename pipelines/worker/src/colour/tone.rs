//! How high dynamic range and wide gamuts become what a BT.709 screen shows.
//!
//! Light is measured in parts of reference white, which is 203 cd/m² in high dynamic range (ITU-R BT.2408) and the brightest
//! white in standard range. Highlights above it are rolled off by the EETF of ITU-R BT.2390 (5.4.1), applied to the largest
//! of the three components so that hues stay as they are. Everything below about 90 cd/m² keeps its brightness.
//!
//! Powers and logarithms come from a crate in plain Rust: those of the C library may differ in their last digit between
//! processors, and the same chunk must become the same bytes on each.

/// The light of reference white in high dynamic range, cd/m² (BT.2408, 2.2).
const WHITE: f64 = 203.0;
/// The brightest light that is shown, cd/m²: that of HLG's nominal display, and of most PQ masters. More is clipped.
const PEAK: f64 = 1_000.0;
/// The gamma of screens for standard range (ITU-R BT.1886).
const SDR_GAMMA: f64 = 2.4;

/// How code values mean light.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Curve {
    /// SMPTE ST 2084.
    Pq,
    /// ITU-R BT.2100 hybrid log-gamma.
    Hlg,
    /// Standard range: BT.1886.
    Sdr,
}

/// Linear conversion between primaries, row by row.
pub type Matrix3 = [[f64; 3]; 3];

/// ITU-R BT.2087, 4: the inverse of the matrix in BT.2087, 3.
pub const BT2020_TO_BT709: Matrix3 = [
    [1.660_491_002, -0.587_641_139, -0.072_849_863],
    [-0.124_550_475, 1.132_899_897, -0.008_349_422],
    [-0.018_150_763, -0.100_578_898, 1.118_729_661],
];
/// Display P3 (SMPTE EG 432-1) and BT.709 have the same white, so no adaptation is part of it.
pub const P3_TO_BT709: Matrix3 = [
    [1.224_940_176, -0.224_940_176, 0.0],
    [-0.042_056_955, 1.042_056_955, 0.0],
    [-0.019_637_555, -0.078_636_046, 1.098_273_600],
];
/// The same primaries.
pub const SAME: Matrix3 = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// Steps of the tables of light. Between them light is nearly linear.
const STEPS: usize = 4_096;

/// The conversion of one source.
pub struct ToneMapper {
    curve: Curve,
    primaries: &'static Matrix3,
    /// Light of a component by its code: parts of white, or HLG's light of the scene.
    light: Vec<f64>,
    roll_off: RollOff,
}

impl ToneMapper {
    pub fn new(curve: Curve, primaries: &'static Matrix3) -> Self {
        let of = |value: f64| match curve {
            Curve::Pq => pq_to_light(value) / WHITE,
            Curve::Hlg => hlg_to_scene(value),
            Curve::Sdr => libm::pow(value, SDR_GAMMA),
        };
        let light = (0..=STEPS + 1).map(|step| of((step as f64 / STEPS as f64).min(1.0))).collect();
        Self { curve, primaries, light, roll_off: RollOff::new() }
    }

    /// R'G'B' of the source, 0 to 1, as R'G'B' of BT.709, 0 to 1.
    pub fn to_bt709(&self, coded: [f64; 3]) -> [f64; 3] {
        let light = self.to_light(coded);
        let row = |row: &[f64; 3]| (row[0] * light[0] + row[1] * light[1] + row[2] * light[2]).max(0.0);
        let mut light = [row(&self.primaries[0]), row(&self.primaries[1]), row(&self.primaries[2])];
        let brightest = light[0].max(light[1]).max(light[2]);
        if self.curve != Curve::Sdr && brightest > 0.0 {
            let factor = self.roll_off.apply(brightest) / brightest;
            light = light.map(|value| value * factor);
        }
        light.map(|value| match value {
            ..=0.0 => 0.0,
            1.0.. => 1.0,
            value => libm::pow(value, 1.0 / SDR_GAMMA),
        })
    }

    /// Light of a display, in parts of reference white.
    fn to_light(&self, coded: [f64; 3]) -> [f64; 3] {
        let light = coded.map(|value| {
            let at = value.clamp(0.0, 1.0) * STEPS as f64;
            let step = at as usize; // at most STEPS, and the table is longer
            self.light[step] + (self.light[step + 1] - self.light[step]) * (at - step as f64)
        });
        if self.curve != Curve::Hlg {
            return light;
        }
        // The OOTF of a display of 1,000 cd/m², whose system gamma is 1.2 (BT.2100, table 5).
        let luminance = 0.2627 * light[0] + 0.6780 * light[1] + 0.0593 * light[2];
        let factor = if luminance > 0.0 { PEAK * libm::pow(luminance, 0.2) / WHITE } else { 0.0 };
        light.map(|value| value * factor)
    }
}

/// The inverse OETF of HLG (BT.2100, table 5).
fn hlg_to_scene(value: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 0.284_668_92;
    const C: f64 = 0.559_910_73;
    if value <= 0.5 { value * value / 3.0 } else { (libm::exp((value - C) / A) + B) / 12.0 }
}

const M1: f64 = 2_610.0 / 16_384.0;
const M2: f64 = 2_523.0 / 4_096.0 * 128.0;
const C1: f64 = 3_424.0 / 4_096.0;
const C2: f64 = 2_413.0 / 4_096.0 * 32.0;
const C3: f64 = 2_392.0 / 4_096.0 * 32.0;

/// The EOTF of PQ: cd/m² (SMPTE ST 2084, BT.2100 table 4).
fn pq_to_light(value: f64) -> f64 {
    let power = libm::pow(value, 1.0 / M2);
    10_000.0 * libm::pow((power - C1).max(0.0) / (C2 - C3 * power), 1.0 / M1)
}

/// The inverse of [`pq_to_light`].
fn light_to_pq(light: f64) -> f64 {
    let power = libm::pow((light / 10_000.0).clamp(0.0, 1.0), M1);
    libm::pow((C1 + C2 * power) / (1.0 + C3 * power), M2)
}

/// The EETF of BT.2390 (5.4.1) from [`PEAK`] to [`WHITE`], with black at 0.
struct RollOff {
    /// [`PEAK`] in PQ.
    peak: f64,
    /// [`WHITE`] in PQ, in parts of the peak.
    most: f64,
    /// Where it begins, in PQ and in parts of the peak.
    knee: f64,
    /// Where it begins, in parts of white.
    knee_light: f64,
}

impl RollOff {
    fn new() -> Self {
        let peak = light_to_pq(PEAK);
        let most = light_to_pq(WHITE) / peak;
        let knee = 1.5 * most - 0.5;
        Self { peak, most, knee, knee_light: pq_to_light(knee * peak) / WHITE }
    }

    /// In and out are parts of reference white.
    fn apply(&self, light: f64) -> f64 {
        if light <= self.knee_light {
            return light;
        }
        let (knee, most) = (self.knee, self.most);
        let value = (light_to_pq(light * WHITE) / self.peak).min(1.0);
        let t = (value - knee) / (1.0 - knee);
        let (t2, t3) = (t * t, t * t * t);
        let value = (2.0 * t3 - 3.0 * t2 + 1.0) * knee
            + (t3 - 2.0 * t2 + t) * (1.0 - knee)
            + (-2.0 * t3 + 3.0 * t2) * most;
        pq_to_light(value * self.peak) / WHITE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_values_mean_the_light_that_the_standards_name() {
        // BT.2408, table 1: reference white is 58 % of PQ and 75 % of HLG.
        let [white, ..] = ToneMapper::new(Curve::Pq, &SAME).to_light([0.58; 3]);
        assert!((white * WHITE - 203.0).abs() < 3.0, "{white}");
        let [peak, ..] = ToneMapper::new(Curve::Pq, &SAME).to_light([1.0; 3]);
        assert!((peak * WHITE - 10_000.0).abs() < 1e-6);
        assert!((light_to_pq(pq_to_light(0.4)) - 0.4).abs() < 1e-9);
        let hlg = ToneMapper::new(Curve::Hlg, &SAME);
        let [white, ..] = hlg.to_light([0.75; 3]);
        assert!((white * WHITE - 203.0).abs() < 1.0, "{white}");
        let [peak, ..] = hlg.to_light([1.0; 3]);
        assert!((peak * WHITE - 1_000.0).abs() < 0.1, "{peak}");
    }

    #[test]
    fn the_roll_off_keeps_the_dark_half_rises_everywhere_and_ends_at_white() {
        let roll_off = RollOff::new();
        assert!((roll_off.apply(0.3) - 0.3).abs() < 1e-12);
        let curve: Vec<f64> = (0..=500).map(|step| roll_off.apply(f64::from(step) / 100.0)).collect();
        assert!(curve.windows(2).all(|pair| pair[1] >= pair[0] && pair[1] - pair[0] < 0.011));
        assert!((curve[500] - 1.0).abs() < 1e-6 && curve.iter().all(|light| *light <= 1.0 + 1e-9));
    }

    #[test]
    fn grey_stays_grey() {
        for (curve, primaries) in
            [(Curve::Pq, &BT2020_TO_BT709), (Curve::Hlg, &BT2020_TO_BT709), (Curve::Sdr, &P3_TO_BT709)]
        {
            let [red, green, blue] = ToneMapper::new(curve, primaries).to_bt709([0.4; 3]);
            assert!((red - green).abs() < 1e-6 && (blue - green).abs() < 1e-6, "{red} {green} {blue}");
        }
        let [grey, ..] = ToneMapper::new(Curve::Sdr, &BT2020_TO_BT709).to_bt709([0.4; 3]);
        assert!((grey - 0.4).abs() < 1e-6, "{grey}");
    }
}
