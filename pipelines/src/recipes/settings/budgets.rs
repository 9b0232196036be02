//! What each kind of job may use: a base, and an addition for every unit of work.
//!
//! A fixed limit would be too small for a film, or too large for a decompression bomb of a few hundred bytes. So limits
//! grow with the work that a file is known to hold.

use super::settings_error::{SettingsError, within};
use crate::messages::{AudioJob, Budget, VideoJob};
use serde::{Deserialize, Serialize};

const NS_PER_S: u64 = 1_000_000_000;
/// Source bytes that count as one unit of an inspection, which does not know the duration yet.
const INSPECT_UNIT_BYTES: u64 = 16 << 20;

/// Budgets by kind of job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budgets {
    /// Inspection; a unit is 16 MiB of source. Default 120 s and 5 s a unit: enough for reading at 3 MiB/s.
    pub inspect: JobBudget,
    /// One chunk of video; a unit is a second of media. Default 120 s and 60 s a unit: enough for 8K with a slow
    /// preset on a shared core. 3 GiB: decoder and encoder queues of the largest allowed frame.
    pub video: JobBudget,
    /// Every audio track; a unit is a second of media of one encode, or of the pass that measures its loudness before.
    /// Default 60 s and 1 s a unit: a hundred times what AAC needs.
    pub audio: JobBudget,
    /// Samples and text; a unit is a second of media. Default 120 s and 10 s a unit: enough to decode every
    /// frame of 8K.
    pub enrich: JobBudget,
}

/// What one kind of job may use.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobBudget {
    /// For every job of this kind.
    pub base: Budget,
    /// Added for each unit of work; a part of a unit counts as a whole one.
    pub per_unit: PerUnit,
}

/// What a unit of work adds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerUnit {
    /// Wall-clock seconds.
    pub wall_s: u64,
    /// CPU seconds over all threads.
    pub cpu_s: u64,
    /// Bytes of all outputs together.
    pub output_bytes: u64,
}

impl Default for Budgets {
    fn default() -> Self {
        let base = |time_s, memory_mib: u64, output_mib: u64| Budget {
            wall_s: time_s,
            stall_s: 60, // a frame that takes a minute will not finish
            cpu_s: time_s,
            memory_bytes: memory_mib << 20,
            output_bytes: output_mib << 20,
        };
        let per = |time_s, output_bytes| PerUnit { wall_s: time_s, cpu_s: time_s, output_bytes };
        Self {
            inspect: JobBudget { base: base(120, 1_024, 1), per_unit: per(5, 0) },
            // The whole default ladder at its highest bit rates is 1.2 MB a second; the rest is for peaks and other
            // ladders.
            video: JobBudget { base: base(120, 3_072, 64), per_unit: per(60, 8 << 20) },
            audio: JobBudget { base: base(60, 512, 16), per_unit: per(1, 256 << 10) },
            enrich: JobBudget { base: base(120, 3_072, 64), per_unit: per(10, 64 << 10) },
        }
    }
}

impl JobBudget {
    /// The budget for this many units; saturates instead of overflowing.
    fn of(&self, units: u64) -> Budget {
        let add = |base: u64, unit: u64| base.saturating_add(unit.saturating_mul(units));
        Budget {
            wall_s: add(self.base.wall_s, self.per_unit.wall_s),
            stall_s: self.base.stall_s,
            cpu_s: add(self.base.cpu_s, self.per_unit.cpu_s),
            memory_bytes: self.base.memory_bytes,
            output_bytes: add(self.base.output_bytes, self.per_unit.output_bytes),
        }
    }
}

impl Budgets {
    /// The budget for inspecting a source of this many bytes.
    pub fn inspect(&self, size_bytes: u64) -> Budget {
        self.inspect.of(size_bytes.div_ceil(INSPECT_UNIT_BYTES))
    }

    /// The budget for one chunk, or for the whole video if it is not cut.
    pub fn video(&self, job: &VideoJob) -> Budget {
        let first_ns = u64::from(job.first_segment).saturating_mul(job.segment_ns);
        let track_ns = job.track_end_ns.saturating_sub(job.zero_ns);
        let end_ns = job.end_segment.map_or(track_ns, |end| u64::from(end).saturating_mul(job.segment_ns));
        self.video.of(end_ns.saturating_sub(first_ns).div_ceil(NS_PER_S))
    }

    /// The budget for the audio of a presentation of this length.
    pub fn audio(&self, job: &AudioJob, duration_ns: u64) -> Budget {
        self.audio.of(duration_ns.div_ceil(NS_PER_S).saturating_mul(job.passes()))
    }

    /// The budget for the samples of a presentation of this length.
    pub fn enrich(&self, duration_ns: u64) -> Budget {
        self.enrich.of(duration_ns.div_ceil(NS_PER_S))
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        let kinds = [
            ("inspect", &self.inspect),
            ("video", &self.video),
            ("audio", &self.audio),
            ("enrich", &self.enrich),
        ];
        for (kind, budget) in kinds {
            let base = &budget.base;
            within(&format!("budgets.{kind}.base.wall_s"), base.wall_s, 1, 604_800)?;
            within(&format!("budgets.{kind}.base.stall_s"), base.stall_s, 1, 3_600)?;
            within(&format!("budgets.{kind}.base.cpu_s"), base.cpu_s, 1, 604_800)?;
            within(&format!("budgets.{kind}.base.memory_bytes"), base.memory_bytes, 64 << 20, 1 << 40)?;
            within(&format!("budgets.{kind}.base.output_bytes"), base.output_bytes, 1 << 20, 1 << 44)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{AudioEncode, AudioRole};
    use reelgate_flow::facts::Container;

    #[test]
    fn budgets_grow_with_the_work_and_never_overflow() {
        let budgets = Budgets::default();
        assert_eq!(budgets.inspect(1).wall_s, 125);
        let encode = AudioEncode {
            track: 1,
            name: "audio".into(),
            channels: 2,
            bitrate_bps: 128_000,
            language: None,
            role: AudioRole::default(),
            fill_to_ns: None,
        };
        let mut job = AudioJob {
            container: Container::Wav,
            size_bytes: 1,
            zero_ns: 0,
            segment_ns: 4 * NS_PER_S,
            sample_rate: 48_000,
            encodes: vec![encode],
            loudness_lufs: None,
            mutes: Vec::new(),
        };
        assert_eq!(budgets.audio(&job, 90 * NS_PER_S).cpu_s, 150);
        job.encodes.push(job.encodes[0].clone());
        job.loudness_lufs = Some(-23);
        assert_eq!(budgets.audio(&job, 90 * NS_PER_S).cpu_s, 60 + 4 * 90);
        assert_eq!(budgets.enrich(NS_PER_S + 1).output_bytes, (64 << 20) + (128 << 10));
        let endless =
            JobBudget { per_unit: PerUnit { wall_s: u64::MAX, cpu_s: 1, output_bytes: 1 }, ..budgets.video };
        assert_eq!(endless.of(2).wall_s, u64::MAX);
    }
}
