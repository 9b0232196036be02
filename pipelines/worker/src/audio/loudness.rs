//! Loudness by EBU R 128 and ITU-R BS.1770-4, and the gain that a target needs.

use ebur128::{EbuR128, Mode};
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::Loudness;

/// Highest true peak after a gain, dBTP: EBU R 128 allows no more in production.
const TRUE_PEAK_MAX_DBTP: f64 = -1.0;

/// Measures sound while it passes.
pub struct Meter {
    meter: EbuR128,
    samples: Vec<f32>,
}

/// What a meter has measured. Silence has levels of minus infinity.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Levels {
    integrated_lufs: f64,
    range_lu: f64,
    true_peak_dbtp: f64,
}

impl Meter {
    pub fn new(channels: u8, sample_rate: u32) -> Result<Self, Fault> {
        let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK;
        let meter = EbuR128::new(channels.into(), sample_rate, mode).map_err(failed)?;
        Ok(Self { meter, samples: Vec::new() })
    }

    /// Adds interleaved 32-bit floats. Values that are no numbers count as silence.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let samples = bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four));
        self.samples.clear();
        self.samples.extend(samples.map(|sample| if sample.is_finite() { sample } else { 0.0 }));
        self.meter.add_frames_f32(&self.samples).map_err(failed)
    }

    pub fn levels(&self) -> Result<Levels, Fault> {
        let peaks = (0..self.meter.channels()).map(|channel| self.meter.true_peak(channel));
        let peak = peaks.collect::<Result<Vec<_>, _>>().map_err(failed)?.into_iter().fold(0.0, f64::max);
        Ok(Levels {
            integrated_lufs: self.meter.loudness_global().map_err(failed)?,
            range_lu: self.meter.loudness_range().map_err(failed)?,
            true_peak_dbtp: 20.0 * libm::log10(peak),
        })
    }
}

impl Levels {
    /// The factor that brings the integrated loudness to a target, or the true peak to its limit where the target would
    /// exceed it.
    pub fn gain(&self, target_lufs: f64) -> f32 {
        let db = (target_lufs - self.integrated_lufs).min(TRUE_PEAK_MAX_DBTP - self.true_peak_dbtp);
        if db.is_finite() { libm::pow(10.0, db / 20.0) as f32 } else { 1.0 }
    }

    pub fn loudness(&self) -> Loudness {
        let hundredths = |level: f64| (level * 100.0).round() / 100.0;
        let finite = |level: f64| Some(hundredths(level)).filter(|level| level.is_finite());
        Loudness {
            integrated_lufs: finite(self.integrated_lufs),
            range_lu: finite(self.range_lu).unwrap_or(0.0),
            true_peak_dbtp: finite(self.true_peak_dbtp),
        }
    }
}

fn failed(error: ebur128::Error) -> Fault {
    Fault::new(Code::Internal, format!("measure loudness: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels of a sine of 997 Hz.
    fn sine(amplitude: f64, seconds: u32) -> Vec<u8> {
        let sample = |n: u32| amplitude * (f64::from(n) * 997.0 * std::f64::consts::TAU / 48_000.0).sin();
        let stereo = (0..seconds * 48_000).flat_map(|n| [sample(n) as f32; 2]);
        stereo.flat_map(f32::to_le_bytes).collect()
    }

    fn levels(bytes: &[u8]) -> Levels {
        let mut meter = Meter::new(2, 48_000).unwrap();
        bytes.chunks(8 * 1_000).for_each(|piece| meter.add(piece).unwrap());
        meter.levels().unwrap()
    }

    #[test]
    fn a_sine_has_the_loudness_of_the_recommendation() {
        // ITU-R BS.1770-4: a sine of 997 Hz in both channels at -23 dBFS has -23 LUFS (EBU Tech 3341, test 1).
        let measured = levels(&sine(libm::pow(10.0, -23.0 / 20.0), 20)).loudness();
        assert!((measured.integrated_lufs.unwrap() + 23.0).abs() < 0.1, "{measured:?}");
        assert!((measured.true_peak_dbtp.unwrap() + 23.0).abs() < 0.2, "{measured:?}");
        assert!(measured.range_lu < 0.1, "{measured:?}");
    }

    #[test]
    fn a_gain_meets_the_target_unless_the_peak_forbids_it() {
        let quiet = levels(&sine(0.05, 5));
        let (to_23, to_9) = (quiet.gain(-23.0), quiet.gain(-9.0));
        let after = |gain: f32| levels(&sine(0.05 * f64::from(gain), 5)).loudness();
        assert!((after(to_23).integrated_lufs.unwrap() + 23.0).abs() < 0.05);
        assert!((after(to_9).integrated_lufs.unwrap() + 9.0).abs() < 0.05);
        let clicks = [sine(0.01, 5), sine(0.9, 1)[..8 * 50].to_vec(), sine(0.01, 5)].concat();
        let limited = levels(&clicks).gain(-9.0);
        let peak = levels(&clicks).true_peak_dbtp + 20.0 * libm::log10(limited.into());
        assert!((peak + 1.0).abs() < 1e-3, "{peak}");
    }

    #[test]
    fn silence_has_no_loudness_and_gets_no_gain() {
        let silence = levels(&[0; 8 * 48_000]);
        assert_eq!(silence.gain(-23.0), 1.0);
        let expected = Loudness { integrated_lufs: None, range_lu: 0.0, true_peak_dbtp: None };
        assert_eq!(silence.loudness(), expected);
        let odd = [f32::NAN.to_le_bytes(), f32::INFINITY.to_le_bytes()].concat();
        assert_eq!(levels(&odd.repeat(48_000)).loudness(), expected);
    }
}
