//! Replaces sound that must not be audible by silence, in front of the encoder, so that the encoder never receives it.

use std::ops::Range;

use reelgate_flow::reason::Fault;
use reelgate_pipelines::messages::AudioJob;
use reelgate_pipelines::recipes::redact::{self, MUTE_SLACK_NS};

use super::clock;

// The clock tolerates sound that is this far from its timestamps.
const _: () = assert!(clock::TOLERANCE_MS * 1_000_000 <= MUTE_SLACK_NS);

/// The mutes of a job, in samples of its output.
#[derive(Debug, Default)]
pub struct Mutes(Vec<Range<u64>>);

impl Mutes {
    /// The mutes of a job, extended by their slack.
    ///
    /// Fails with `internal` if they are malformed: see [`redact::check_mutes`].
    pub fn new(job: &AudioJob) -> Result<Self, Fault> {
        redact::check_mutes(&job.mutes)?;
        let rate = u128::from(job.sample_rate);
        let behind_zero = |ns: u64| u128::from(ns.saturating_sub(job.zero_ns)) * rate;
        let whole = |samples: u128| u64::try_from(samples).unwrap_or(u64::MAX);
        let mutes = job.mutes.iter().map(|span| {
            let start = behind_zero(span.start_ns.saturating_sub(MUTE_SLACK_NS)) / 1_000_000_000;
            let end = behind_zero(span.end_ns.saturating_add(MUTE_SLACK_NS)).div_ceil(1_000_000_000);
            whole(start)..whole(end)
        });
        Ok(Self(mutes.collect()))
    }

    /// Whether any of these samples is muted.
    pub fn touch(&self, samples: &Range<u64>) -> bool {
        self.0.iter().any(|mute| mute.start < samples.end && samples.start < mute.end)
    }

    /// Silences the muted samples. The first sample is at `at`; each has `sample_bytes` bytes over all channels.
    pub fn silence(&self, at: u64, sample_bytes: u64, samples: &mut [u8]) {
        let bytes = samples.len() as u64;
        let offset = |sample: u64| {
            let offset = sample.saturating_sub(at).saturating_mul(sample_bytes).min(bytes);
            usize::try_from(offset).unwrap_or(usize::MAX)
        };
        for mute in &self.0 {
            if let Some(muted) = samples.get_mut(offset(mute.start)..offset(mute.end)) {
                muted.fill(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::tests::job;
    use reelgate_flow::facts::Container;
    use reelgate_pipelines::messages::Span;

    fn mutes(zero_ns: u64, spans: &[(u64, u64)]) -> Result<Mutes, Fault> {
        let spans = spans.iter().map(|&(start_ns, end_ns)| Span { start_ns, end_ns });
        Mutes::new(&AudioJob {
            zero_ns,
            sample_rate: 1_000,
            mutes: spans.collect(),
            ..job(Container::Wav, 0)
        })
    }

    const MS: u64 = 1_000_000;

    #[test]
    fn a_mute_includes_every_sample_it_touches_and_the_slack() {
        let mutes = mutes(100 * MS, &[(200 * MS + 1, 300 * MS + 1)]).unwrap();
        assert_eq!(mutes.0[0], 80..221);
        assert!(mutes.touch(&(220..500)) && mutes.touch(&(0..81)));
        assert!(!mutes.touch(&(221..500)) && !mutes.touch(&(0..80)));
    }

    #[test]
    fn a_mute_is_cut_at_output_time_0_and_may_have_no_end() {
        assert_eq!(mutes(500 * MS, &[(0, 100 * MS)]).unwrap().0[0], 0..0);
        let endless = mutes(0, &[(1_000 * MS, u64::MAX)]).unwrap();
        let mut samples = [7; 100];
        endless.silence(1_000 - 50, 2, &mut samples);
        assert_eq!(samples.iter().position(|byte| *byte == 0), Some(60), "30 samples of 2 bytes stay");
        assert!(samples[60..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_mute_that_lasts_no_time_is_refused() {
        assert!(mutes(0, &[(5, 5)]).is_err());
    }
}
