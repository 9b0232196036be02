//! Looking at the pictures and reading the words: sampled frames with measures, a poster, a storyboard, and every
//! text of the file that personal data is searched in.
//!
//! Decoding is the dear part, so it is done as little as possible: keyframes where they are enough, scaled once
//! inside the pipeline to the size of a tile, measured while the decoders go on. Only the poster's frame is
//! decoded again at full size.

mod captions;
mod decode;
mod geometry;
mod jpeg;
mod lines;
mod location;
mod measure;
mod on_screen;
mod permits;
mod picture;
mod poster;
mod sampler;
mod storyboard;
mod tags;
mod telemetry;
mod text;
mod text_pass;
mod timeline;

use std::sync::Arc;

use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{
    EnrichJob, Enrichment, NotSearched, Sample, SampleJob, ScreenTextCost, Surface,
};

use crate::progress_sink::ProgressSink;
use crate::source::Source;
use geometry::Fit;
use jpeg::Sheet;
use lines::Lines;
use measure::distance;
use permits::Permits;
use poster::Candidate;
use sampler::{SampledFrame, Sampler};
use storyboard::{Grid, Tile};

pub use decode::ELEMENTS;
pub use on_screen::Tesseract;
#[cfg(test)]
pub use on_screen::{Area, OcrReading};

/// Threads that measure and encode; more would only wait for the decoders.
const THREADS_MAX: usize = 8;
/// The poster is looked at closely.
const POSTER_QUALITY: u8 = 87;

/// Does the job: outputs `poster.jpg`, `storyboard-000.jpg` …, `storyboard.vtt` where there is a video to sample,
/// and `text.jsonl` where there is any text.
///
/// Fails with the fault of the file where no frame decodes, and with `budget_output` from the progress sink.
pub fn run(
    job: &EnrichJob,
    source: Source,
    reader: Option<Tesseract>,
    progress_sink: Arc<dyn ProgressSink>,
) -> Result<Enrichment, Fault> {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    run_on(job, &source, reader, &*progress_sink, threads.min(THREADS_MAX))
}

fn run_on(
    job: &EnrichJob,
    source: &Source,
    reader: Option<Tesseract>,
    progress_sink: &dyn ProgressSink,
    threads: usize,
) -> Result<Enrichment, Fault> {
    let mut enrichment = Enrichment {
        samples: Vec::new(),
        poster_ns: None,
        storyboard_sheets: 0,
        text_lines: 0,
        text_truncated: false,
        screen_text: ScreenTextCost::default(),
        not_analysed: Vec::new(),
    };
    if let Some(frames) = &job.frames {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool =
            pool.map_err(|_| Fault::new(Code::Internal, "could not start the threads that measure"))?;
        let permits = Permits::new(frames.in_flight_max.into());
        let sampler =
            Sampler { source, container: job.container, job: frames, pool: &pool, permits, progress_sink };
        look(&sampler, frames, progress_sink, &mut enrichment)?;
    }
    read(job, source, reader, progress_sink, &mut enrichment)?;
    Ok(enrichment)
}

/// Everything that is text.
fn read(
    job: &EnrichJob,
    source: &Source,
    reader: Option<Tesseract>,
    progress_sink: &dyn ProgressSink,
    into: &mut Enrichment,
) -> Result<(), Fault> {
    let mut lines = Lines::default();
    tags::collect(source, job.container, &mut lines);
    if job.container == Container::IsoBmff {
        telemetry::collect(source, &mut lines);
    }
    text_pass::collect(source, job.container, progress_sink, &mut lines)?;
    into.screen_text = on_screen::collect(job, source, reader, progress_sink, &mut lines)?;
    never_analysed(job, &mut lines);
    if lines.count > 0 {
        progress_sink.output("text.jsonl", &lines.jsonl)?;
    }
    into.text_lines = lines.count;
    into.text_truncated = lines.truncated;
    into.not_analysed = lines.missing();
    Ok(())
}

/// What nothing here looks at, or nothing was told to.
fn never_analysed(job: &EnrichJob, lines: &mut Lines) {
    lines.miss(Surface::Speech, None, NotSearched::NoAnalysis);
    if job.frames.is_none() {
        return;
    }
    for surface in [Surface::Faces, Surface::LicencePlates, Surface::Barcodes] {
        lines.miss(surface, None, NotSearched::NoAnalysis);
    }
    if job.screen_text.languages.is_empty() {
        lines.miss(Surface::OnScreenText, None, NotSearched::SwitchedOff);
    }
    if !job.screen_text.codes {
        lines.miss(Surface::QrCodes, None, NotSearched::SwitchedOff);
    }
}

/// Everything made from pictures.
fn look(
    sampler: &Sampler,
    job: &SampleJob,
    progress_sink: &dyn ProgressSink,
    into: &mut Enrichment,
) -> Result<(), Fault> {
    let sampled = sampler.sample()?;
    let shots = &sampled.shots;
    into.samples = samples(shots);
    into.storyboard_sheets = draw_storyboard(sampler, shots, job, progress_sink)?;
    if let Some(time_ns) = choose_poster(shots, &into.samples, job) {
        let picture = sampler.frame(time_ns, sampled.keyframes_only, Fit::poster(job.poster_side_max))?;
        progress_sink.output("poster.jpg", &Sheet::single(&picture).encode(POSTER_QUALITY)?)?;
        into.poster_ns = Some(time_ns);
    }
    Ok(())
}

fn samples(shots: &[SampledFrame]) -> Vec<Sample> {
    let before = std::iter::once(None).chain(shots.iter().map(Some));
    let sample = |(before, shot): (Option<&SampledFrame>, &SampledFrame)| Sample {
        time_ns: shot.time_ns,
        luma: shot.measures.luma,
        sharpness: shot.measures.sharpness,
        fingerprint: shot.measures.fingerprint,
        scene_score: before.map_or(0.0, |b| distance(&b.measures.histogram, &shot.measures.histogram)),
    };
    before.zip(shots).map(sample).collect()
}

fn choose_poster(shots: &[SampledFrame], samples: &[Sample], job: &SampleJob) -> Option<u64> {
    let pairs = shots.iter().zip(samples);
    let candidates: Vec<Candidate> = pairs
        .map(|(shot, sample)| Candidate {
            time_ns: shot.time_ns,
            measures: &shot.measures,
            scene_score: sample.scene_score,
        })
        .collect();
    let best = poster::choose(&candidates, job.start_ns, job.end_ns)?;
    candidates.get(best).map(|candidate| candidate.time_ns)
}

fn draw_storyboard(
    sampler: &Sampler,
    shots: &[SampledFrame],
    job: &SampleJob,
    progress_sink: &dyn ProgressSink,
) -> Result<u32, Fault> {
    let tiles: Vec<Tile> =
        shots.iter().map(|shot| Tile { time_ns: shot.time_ns, picture: &shot.picture }).collect();
    let grid = Grid { columns: job.columns as usize, rows: job.rows as usize };
    let drawn = sampler.pool.install(|| storyboard::storyboard(&tiles, grid, job.start_ns, job.end_ns))?;
    for (index, sheet) in drawn.sheets.iter().enumerate() {
        progress_sink.output(&storyboard::sheet_name(index), sheet)?;
    }
    progress_sink.output("storyboard.vtt", drawn.cues.as_bytes())?;
    Ok(drawn.sheets.len() as u32) // fewer than samples, which are counted in 32 bits
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_source_tests;
