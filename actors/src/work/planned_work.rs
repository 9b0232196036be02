//! How much work a plan is, in the units by which its cost is estimated and learned. The units are honest where twice as many of them
//! cost about twice as much: pixels for pictures, time for sound, bytes for a file that is only read.

use reelgate_flow::facts::{MediaFacts, VideoFacts};
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::messages::{AudioJob, EnrichJob, VideoJob};
use reelgate_pipelines::recipes::plan::{Plan, VideoChunk};
use reelgate_ports::records::AttemptWork;

const NS_PER_MS: u64 = 1_000_000;

/// Everything that remains to be done for an upload after its validation, up to its publication.
pub fn planned_work(facts: &MediaFacts, plan: &Plan) -> Vec<(TaskKey, AttemptWork)> {
    let mut work = Vec::with_capacity(plan.video.len() + 6);
    for (chunk, planned) in (0..).zip(&plan.video) {
        work.push((TaskKey::Video { chunk }, of_chunk(facts, planned)));
    }
    work.extend(plan.audio.as_ref().map(|audio| (TaskKey::Audio, of_audio(audio, plan.duration_ns))));
    let captions = plan.captions.as_ref();
    work.extend(captions.map(|_| (TaskKey::Captions, of_captions(facts.duration_ns))));
    work.push((TaskKey::Enrich, of_samples(facts, &plan.enrich)));
    let encodes = plan.audio.as_ref().map_or(0, |audio| audio.encodes.len());
    let rungs = plan.video.first().map_or(0, |chunk| chunk.job.rungs.len());
    let published = work.iter().map(|(_, work)| work.files).sum();
    work.push((TaskKey::Screen, of_files(1)));
    work.push((TaskKey::Package, of_files((rungs + encodes) as u64)));
    work.push((TaskKey::Publish, of_files(published)));
    work
}

/// The validation of a file of this size.
pub fn of_validation(size_bytes: u64) -> AttemptWork {
    AttemptWork { part: String::new(), units: size_bytes.div_ceil(1_024).max(1), files: 1 }
}

/// A task that works on files only.
pub fn of_files(files: u64) -> AttemptWork {
    AttemptWork { part: String::new(), units: 0, files: files.max(1) }
}

/// Thousands of pixels that are decoded and encoded. The largest rung and the preset tell encodes apart.
pub(super) fn of_chunk(facts: &MediaFacts, VideoChunk { job, frames }: &VideoChunk) -> AttemptWork {
    let rungs = job.rungs.iter().map(|rung| u64::from(rung.width) * u64::from(rung.height));
    let pixels: u64 = rungs.chain(facts.main_video().map(pixels)).sum();
    let largest = job.rungs.iter().max_by_key(|rung| rung.height).map_or("", |rung| rung.name.as_str());
    let segments = segments(job);
    AttemptWork {
        part: format!("{largest} {}", job.preset),
        units: (pixels.saturating_mul(*frames) / 1_000).max(1),
        files: (segments + 1).saturating_mul(job.rungs.len() as u64),
    }
}

/// Milliseconds of sound, once for each pass over it.
pub(super) fn of_audio(job: &AudioJob, duration_ns: u64) -> AttemptWork {
    let segments = duration_ns.div_ceil(job.segment_ns.max(1));
    AttemptWork {
        part: String::new(),
        units: (duration_ns / NS_PER_MS).saturating_mul(job.passes()).max(1),
        files: (segments + 1).saturating_mul(job.encodes.len() as u64),
    }
}

/// Milliseconds of media in which cues are looked for.
pub(super) fn of_captions(media_ns: u64) -> AttemptWork {
    AttemptWork { part: String::new(), units: (media_ns / NS_PER_MS).max(1), files: 1 }
}

/// Thousands of pixels of the source, of which a sampling reads all or only the keyframes; milliseconds where there is no picture.
pub(super) fn of_samples(facts: &MediaFacts, job: &EnrichJob) -> AttemptWork {
    let (Some(frames), Some(video)) = (&job.frames, facts.main_video()) else {
        let units = (facts.duration_ns / NS_PER_MS).max(1);
        return AttemptWork { part: "sound".into(), units, files: 1 };
    };
    let read = if frames.keyframes_only { "keyframes" } else { "frames" };
    let text = if job.screen_text.languages.is_empty() { "" } else { " and text" };
    let codes = if job.screen_text.codes { " and codes" } else { "" };
    let sheets = frames.samples_max.div_ceil((frames.columns * frames.rows).max(1));
    AttemptWork {
        part: format!("{read}{text}{codes}"),
        units: (pixels(video).saturating_mul(video.frames) / 1_000).max(1),
        // The poster and the index of the storyboard too.
        files: u64::from(sheets) + 2,
    }
}

fn pixels(video: &VideoFacts) -> u64 {
    u64::from(video.width) * u64::from(video.height)
}

fn segments(job: &VideoJob) -> u64 {
    let all = job.track_end_ns.saturating_sub(job.zero_ns).div_ceil(job.segment_ns.max(1));
    job.end_segment.map_or(all, u64::from).saturating_sub(job.first_segment.into()).max(1)
}
