//! Uploads and their costs, drawn from distributions. Every number names its source.
//!
//! "Measured" costs are CPU milliseconds from the store's `tasks` table after a run over the samples and the corpus of real
//! files (see `docs/guide/simulation.md`). What producers upload is an assumption, because a corpus of test files says nothing
//! about it.

use reelgate_flow::asset::Severity;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::TaskKey;
use reelgate_ports::order::Priority;

use crate::agenda::{MS, Ns};
use crate::chance;

/// Assumption: three kinds of uploads by share, median seconds and spread of the logarithm: clips, pieces of a few
/// minutes, and recordings.
const DURATIONS: [(f64, f64, f64); 3] = [(0.60, 30.0, 0.8), (0.35, 240.0, 0.7), (0.05, 2_400.0, 0.6)];
/// Bounds of a duration, seconds; the longest has fewer chunks than the core allows.
const DURATION_S: std::ops::RangeInclusive<f64> = 1.0..=43_200.0;
/// Assumption: sizes of the picture by share, and bits per second of the source. Computed from them: millions of pixels of a
/// frame, and millions of pixels per second that the default ladder encodes at 30 frames per second (every rung up to the
/// source's size; 1080p is the highest rung, also for 2160p).
const PICTURES: [Picture; 4] = [
    Picture { share: 0.10, frame_mpx: 0.41, encoded_mpx_per_s: 15.4, bits_per_s: 2e6 },
    Picture { share: 0.30, frame_mpx: 0.92, encoded_mpx_per_s: 43.0, bits_per_s: 5e6 },
    Picture { share: 0.50, frame_mpx: 2.07, encoded_mpx_per_s: 105.2, bits_per_s: 10e6 },
    Picture { share: 0.10, frame_mpx: 8.29, encoded_mpx_per_s: 105.2, bits_per_s: 40e6 },
];
/// Seconds of a chunk, and the duration up to which a video is not split: defaults of the media settings.
const CHUNK_S: f64 = 20.0;
const CHUNK_THRESHOLD_S: f64 = 30.0;

/// Assumption: share of uploads that validation refuses.
const REFUSED: f64 = 0.04;
/// Assumption: share of uploads with personal data of high severity.
const QUARANTINED: f64 = 0.003;
/// Assumption: share of uploads with the content of an earlier one, and how many uploads before it that one may be.
const ORIGINALS: f64 = 0.02;
const ORIGINAL_WITHIN: u32 = 20_000;
/// Assumption: share of uploads that replace an earlier one, and how many uploads before it that one may be.
const REPLACING: f64 = 0.005;
const REPLACED_WITHIN: u32 = 2_000;
/// Assumption: share of attempts that fail because the object store does not answer.
const UNANSWERED: f64 = 0.0005;
/// Assumption: share of uploads that belong to a back-catalogue (low priority, one producer), and share of urgent ones.
const BACK_CATALOGUE: f64 = 0.10;
const URGENT: f64 = 0.02;
/// Assumption: number of other producers. The first ones upload most.
const PRODUCERS: u32 = 40;

/// One of this many poisoned uploads hangs the media worker; the others crash it.
const HANGS_ONE_IN: u64 = 10;
/// Time after which a media worker without progress is stopped: the smallest budget of a chunk.
const STALL: Ns = 120_000 * MS;

struct Picture {
    share: f64,
    frame_mpx: f64,
    encoded_mpx_per_s: f64,
    bits_per_s: f64,
}

/// CPU milliseconds for a million pixels encoded, decoding and scaling included. Measured: median of 27 videos, quartiles
/// 16 and 27.
const ENCODE_MS_PER_MPX: f64 = 19.0;
/// Spread of the logarithm of a task's cost around the cost by its length, from those quartiles. It depends on the content.
const SPREAD: f64 = 0.40;
/// CPU milliseconds to encode a second of audio. Measured, 20 to 23 on stereo of usual bit rates.
const AUDIO_MS_PER_S: f64 = 20.0;
/// CPU milliseconds to sample and describe a frame, for a million pixels. Measured, 43 to 70 at 720p and 1080p.
const SAMPLE_MS_PER_MPX: f64 = 56.0;
/// Samples of a video, and the bounds of their distance, seconds: defaults of the media settings.
const SAMPLES: f64 = 100.0;
const SAMPLE_EVERY_S: std::ops::RangeInclusive<f64> = 1.0..=30.0;
/// Starting a media worker, milliseconds: 175 to 200 measured as the least that any task takes.
const START_MS: f64 = 175.0;
/// Inspection without starting and reading, milliseconds. Measured: a median of 250 ms of CPU including the start.
const INSPECT_MS: f64 = 75.0;
/// Bytes read from an object store in a millisecond by one connection: 85 to 90 MB/s is typical of S3, which is
/// slower than hashing (0.7 GB/s for SHA-256, measured).
const READ_BYTES_PER_MS: f64 = 87_000.0;
/// Wall-clock milliseconds of packaging, publishing and screening. Measured on a local disk: medians 18, 17 and below 1,
/// nine of ten below 50, 54 and 8.
const PACKAGE_MS: f64 = 18.0;
const PUBLISH_MS: f64 = 17.0;
const SCREEN_MS: f64 = 3.0;
/// Withdrawing, milliseconds. Measured: 0 to 30.
const WITHDRAW_MS: f64 = 5.0;
/// Assumption: milliseconds to publish the outputs of one chunk in an object store.
const PLACE_CHUNK_MS: f64 = 10.0;

/// Purposes of random numbers.
const UPLOAD: u64 = 1;
const ATTEMPT: u64 = 2;

/// One upload with all its random properties.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Upload {
    pub(crate) priority: Priority,
    /// The producer, 0 for the back-catalogue's.
    pub(crate) producer: u32,
    pub(crate) size_bytes: u64,
    pub(crate) duration_s: f32,
    picture: u8,
    pub(crate) chunks: u16,
    /// Index of an earlier upload with the same content.
    pub(crate) duplicate_of: Option<u32>,
    /// Index of an earlier upload of which it is a newer version.
    pub(crate) replaces: Option<u32>,
    pub(crate) severity: Severity,
    refused: bool,
    poisoned: bool,
}

/// How an attempt ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AttemptEnding {
    Success,
    Fault(Code),
}

impl AttemptEnding {
    pub(crate) fn fault(code: Code) -> Fault {
        Fault::new(code, "")
    }
}

/// The workload: every upload and attempt follows from the seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) seed: u64,
    /// Number of sound uploads; the uploads from this index on are poisoned.
    pub(crate) sound: u32,
}

impl Workload {
    /// The upload with this index.
    pub(crate) fn upload(&self, index: u32) -> Upload {
        let mut rng = chance::of(self.seed, UPLOAD, index.into());
        let duration_s = duration_s(&mut rng);
        let picture = picture(&mut rng);
        let bytes = duration_s * PICTURES[picture].bits_per_s / 8.0;
        let chunks = if duration_s <= CHUNK_THRESHOLD_S { 1.0 } else { (duration_s / CHUNK_S).round() };
        let low = rng.f64() < BACK_CATALOGUE;
        let urgent = rng.f64() < URGENT;
        let producer = 1 + (f64::from(PRODUCERS) * rng.f64().powi(2)) as u32;
        let refused = rng.f64() < REFUSED;
        let severity = if rng.f64() < QUARANTINED { Severity::High } else { Severity::None };
        let earlier = |rng: &mut fastrand::Rng, share: f64, within: u32| {
            let is_one = rng.f64() < share;
            let behind = 1 + rng.u32(..within);
            index.checked_sub(behind).filter(|_| is_one)
        };
        let poisoned = index >= self.sound;
        let duplicate_of = earlier(&mut rng, ORIGINALS, ORIGINAL_WITHIN).filter(|_| !poisoned);
        let replaces = earlier(&mut rng, REPLACING, REPLACED_WITHIN).filter(|_| !poisoned);
        Upload {
            priority: match (low, urgent) {
                (true, _) => Priority::Low,
                (_, true) => Priority::High,
                _ => Priority::Normal,
            },
            producer: if low { 0 } else { producer },
            size_bytes: bytes as u64,
            duration_s: duration_s as f32,
            picture: picture as u8,
            chunks: chunks as u16,
            duplicate_of,
            replaces,
            severity,
            refused: refused && !poisoned,
            poisoned,
        }
    }

    /// How long an attempt takes on a core of its own, and how it ends.
    pub(crate) fn attempt(
        &self,
        index: u32,
        upload: &Upload,
        task: TaskKey,
        attempt: u32,
    ) -> (Ns, AttemptEnding) {
        let which = (u64::from(index) << 32) ^ (task_number(task) << 8) ^ u64::from(attempt);
        let mut rng = chance::of(self.seed, ATTEMPT, which);
        let whole_ms = upload.cost_ms(task) * chance::log_normal(&mut rng, 1.0, SPREAD);
        let part = rng.f64();
        let (ms, ending) = match self.fault(index, upload, task, &mut rng) {
            None => (whole_ms, AttemptEnding::Success),
            Some(Code::BudgetWall) => return (STALL, AttemptEnding::Fault(Code::BudgetWall)),
            Some(code) => (whole_ms * part, AttemptEnding::Fault(code)),
        };
        ((ms * MS as f64) as Ns + MS, ending)
    }

    fn fault(&self, index: u32, upload: &Upload, task: TaskKey, rng: &mut fastrand::Rng) -> Option<Code> {
        let unanswered = rng.f64() < UNANSWERED;
        match task {
            TaskKey::Validate if upload.refused => Some(Code::DamagedStream),
            TaskKey::Video { .. } if upload.poisoned => {
                let hangs = u64::from(index).is_multiple_of(HANGS_ONE_IN);
                Some(if hangs { Code::BudgetWall } else { Code::DecoderCrashed })
            }
            _ => unanswered.then_some(Code::ObjectUnavailable),
        }
    }

    /// Average milliseconds of heavy work, tasks and seconds of media of an upload, over the first 20,000 uploads.
    pub(crate) fn mean(&self) -> Mean {
        const DRAWN: u32 = 20_000;
        let mut mean = Mean::default();
        for index in 0..DRAWN {
            let upload = self.upload(index);
            let done = if upload.refused || upload.duplicate_of.is_some() { 0.0 } else { 1.0 };
            let heavy_ms: f64 = (0..upload.chunks)
                .map(|chunk| TaskKey::Video { chunk })
                .chain([TaskKey::Audio, TaskKey::Enrich])
                .map(|task| upload.cost_ms(task))
                .sum();
            // The mean of a log-normal distribution is above its median.
            mean.heavy_ms += done * heavy_ms * (SPREAD * SPREAD / 2.0).exp() / f64::from(DRAWN);
            mean.tasks += (2.0 + done * (f64::from(upload.chunks) + 4.0)) / f64::from(DRAWN);
            mean.duration_s += f64::from(upload.duration_s) / f64::from(DRAWN);
        }
        mean
    }
}

/// Averages of an upload.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Mean {
    pub(crate) heavy_ms: f64,
    pub(crate) tasks: f64,
    pub(crate) duration_s: f64,
}

impl Upload {
    /// Median duration of an attempt, milliseconds.
    fn cost_ms(&self, task: TaskKey) -> f64 {
        let picture = &PICTURES[usize::from(self.picture)];
        let duration_s = f64::from(self.duration_s);
        match task {
            TaskKey::Validate => START_MS + INSPECT_MS + self.size_bytes as f64 / READ_BYTES_PER_MS,
            TaskKey::Video { .. } => {
                let chunk_s = duration_s / f64::from(self.chunks.max(1));
                START_MS + chunk_s * picture.encoded_mpx_per_s * ENCODE_MS_PER_MPX
            }
            TaskKey::Audio => START_MS + duration_s * AUDIO_MS_PER_S,
            TaskKey::Captions => START_MS + self.size_bytes as f64 / READ_BYTES_PER_MS,
            TaskKey::Enrich => {
                let every_s = (duration_s / SAMPLES).clamp(*SAMPLE_EVERY_S.start(), *SAMPLE_EVERY_S.end());
                START_MS + duration_s / every_s * picture.frame_mpx * SAMPLE_MS_PER_MPX
            }
            TaskKey::Screen | TaskKey::ExternalScan => SCREEN_MS,
            TaskKey::Package => PACKAGE_MS,
            TaskKey::Publish => PUBLISH_MS + PLACE_CHUNK_MS * f64::from(self.chunks),
            TaskKey::Withdraw | TaskKey::Restore | TaskKey::KeepSource => WITHDRAW_MS,
        }
    }
}

fn duration_s(rng: &mut fastrand::Rng) -> f64 {
    let kind = weighted(rng, DURATIONS.iter().map(|(share, ..)| *share));
    let (_, median, sigma) = DURATIONS[kind];
    chance::log_normal(rng, median, sigma).clamp(*DURATION_S.start(), *DURATION_S.end())
}

fn picture(rng: &mut fastrand::Rng) -> usize {
    weighted(rng, PICTURES.iter().map(|picture| picture.share))
}

/// The position of one of the shares, which add up to 1.
fn weighted(rng: &mut fastrand::Rng, shares: impl ExactSizeIterator<Item = f64>) -> usize {
    let last = shares.len() - 1;
    let mut left = rng.f64();
    for (position, share) in shares.enumerate() {
        if left < share {
            return position;
        }
        left -= share;
    }
    last
}

fn task_number(task: TaskKey) -> u64 {
    match task {
        TaskKey::Validate => 0,
        TaskKey::Audio => 1,
        TaskKey::Enrich => 2,
        TaskKey::Screen => 3,
        TaskKey::Package => 4,
        TaskKey::Publish => 5,
        TaskKey::Withdraw => 6,
        // Above the numbers of all chunks.
        TaskKey::Restore => u64::MAX,
        TaskKey::ExternalScan => u64::MAX - 1,
        TaskKey::KeepSource => u64::MAX - 2,
        TaskKey::Captions => u64::MAX - 3,
        TaskKey::Video { chunk } => 7 + u64::from(chunk),
    }
}

#[cfg(test)]
mod tests {
    use reelgate_flow::limits::CHUNKS_MAX;

    use super::*;

    const WORKLOAD: Workload = Workload { seed: 3, sound: 50_000 };

    #[test]
    fn the_longest_video_has_fewer_chunks_than_the_core_allows() {
        let most = (*DURATION_S.end() / CHUNK_S).round();
        assert!(most < f64::from(CHUNKS_MAX), "{most}");
        for index in 0..10_000 {
            let upload = WORKLOAD.upload(index);
            assert!(upload.chunks >= 1 && f64::from(upload.chunks) <= most, "{upload:?}");
            let chunk_s = f64::from(upload.duration_s) / f64::from(upload.chunks);
            assert!(chunk_s <= CHUNK_THRESHOLD_S, "chunks of {chunk_s} s");
        }
    }

    #[test]
    fn an_attempt_costs_the_same_whenever_it_is_asked_and_another_costs_something_else() {
        let upload = WORKLOAD.upload(5);
        let attempt = |attempt| WORKLOAD.attempt(5, &upload, TaskKey::Audio, attempt);
        assert_eq!(attempt(1), attempt(1));
        assert_ne!(attempt(1).0, attempt(2).0);
    }

    #[test]
    fn a_poisoned_upload_crashes_or_hangs_every_time_and_a_sound_one_does_not() {
        let endings = |index: u32| {
            let upload = WORKLOAD.upload(index);
            let task = TaskKey::Video { chunk: 0 };
            (1..20).map(move |attempt| WORKLOAD.attempt(index, &upload, task, attempt).1).collect::<Vec<_>>()
        };
        assert!(endings(50_001).iter().all(|ending| *ending == AttemptEnding::Fault(Code::DecoderCrashed)));
        assert!(endings(50_000).iter().all(|ending| *ending == AttemptEnding::Fault(Code::BudgetWall)));
        assert!(endings(49_999).contains(&AttemptEnding::Success));
    }

    #[test]
    fn the_mean_cost_is_what_uploads_cost() {
        // Half a core-second of encoding for a second of 720p and more for 1080p, on uploads of some minutes.
        let mean = WORKLOAD.mean();
        assert!((200.0..350.0).contains(&mean.duration_s), "{mean:?}");
        assert!((0.8..2.5).contains(&(mean.heavy_ms / 1e3 / mean.duration_s)), "{mean:?}");
        assert!((12.0..25.0).contains(&mean.tasks), "{mean:?}");
    }
}
