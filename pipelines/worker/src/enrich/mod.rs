//! Enrichment: sampled frames with measures, a poster, a storyboard, and every text of the file in which personal data is
//! searched.
//!
//! Decoding is expensive, so as little as possible is decoded: only keyframes if they are enough. Frames are scaled once,
//! inside the pipeline, to the size of a tile, and measured while the decoders continue. Only the poster's frame is decoded
//! again at full size.

mod caption_file;
mod captions;
mod chapters;
mod cues;
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
mod user_data;

use std::sync::Arc;

use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::surface::{NotSearched, Surface};
use reelgate_pipelines::messages::{EnrichJob, Enrichment, Sample, SampleJob, ScreenTextCost};
use reelgate_pipelines::recipes::storyboard::sheet_name;

use crate::progress_sink::ProgressSink;
use crate::source::Source;
use geometry::Fit;
use jpeg::Sheet;
use lines::Lines;
use measure::distance;
use permits::Permits;
use poster::Candidate;
use sampler::{SampledFrame, Sampler};
use storyboard::Grid;

pub use caption_file::run as read_caption_file;
pub use cues::run as read_cues;
pub use decode::ELEMENTS;
pub use on_screen::Tesseract;
#[cfg(test)]
pub use on_screen::{Area, OcrReading};
pub use tags::facts_of_movie;

/// Threads that measure and encode. More threads would only wait for the decoders.
const THREADS_MAX: usize = 8;
/// JPEG quality of the poster, which is shown large.
const POSTER_QUALITY: u8 = 87;

/// Runs the job. Outputs `poster.jpg` and `storyboard-000.jpg` … if there is a video to sample, and `text.jsonl` if there
/// is any text.
///
/// Fails with the fault of the file if no frame decodes, and with `budget_output` of the progress sink.
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
        screen_text: ScreenTextCost::default(),
        surfaces: Vec::new(),
    };
    if let Some(frames) = &job.frames {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool =
            pool.map_err(|_| Fault::new(Code::Internal, "could not start the threads that measure"))?;
        let permits = Permits::new(frames.in_flight_max.into());
        let sampler =
            Sampler { source, container: job.container, job: frames, pool: &pool, permits, progress_sink };
        sample_pictures(&sampler, frames, progress_sink, &mut enrichment)?;
    }
    read_text(job, source, reader, progress_sink, &mut enrichment)?;
    Ok(enrichment)
}

/// Reads all text of the file.
fn read_text(
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
    record_never_analysed(job, &mut lines);
    if lines.count > 0 {
        progress_sink.output("text.jsonl", &lines.jsonl)?;
    }
    into.text_lines = lines.count;
    into.surfaces = lines.reports();
    Ok(())
}

/// Records the surfaces that no analysis covers, or that the job switches off.
fn record_never_analysed(job: &EnrichJob, lines: &mut Lines) {
    lines.record_gap(Surface::Speech, None, NotSearched::NoAnalysis);
    if job.frames.is_none() {
        return;
    }
    for surface in [Surface::Faces, Surface::LicencePlates, Surface::Barcodes] {
        lines.record_gap(surface, None, NotSearched::NoAnalysis);
    }
    if job.screen_text.languages.is_empty() {
        lines.record_gap(Surface::OnScreenText, None, NotSearched::SwitchedOff);
    }
    if !job.screen_text.codes {
        lines.record_gap(Surface::Codes, None, NotSearched::SwitchedOff);
    }
}

/// Makes samples, storyboard and poster.
fn sample_pictures(
    sampler: &Sampler,
    job: &SampleJob,
    progress_sink: &dyn ProgressSink,
    into: &mut Enrichment,
) -> Result<(), Fault> {
    let sampled = sampler.sample()?;
    let frames = &sampled.frames;
    into.samples = samples(frames);
    into.storyboard_sheets = draw_storyboard(sampler, frames, job, progress_sink)?;
    if let Some(time_ns) = choose_poster(frames, &into.samples, job) {
        let picture = sampler.frame(time_ns, sampled.keyframes_only, Fit::poster(job.poster_side_max))?;
        progress_sink.output("poster.jpg", &Sheet::single(&picture).encode(POSTER_QUALITY)?)?;
        into.poster_ns = Some(time_ns);
    }
    Ok(())
}

fn samples(frames: &[SampledFrame]) -> Vec<Sample> {
    let previous = std::iter::once(None).chain(frames.iter().map(Some));
    let sample = |(previous, frame): (Option<&SampledFrame>, &SampledFrame)| Sample {
        time_ns: frame.time_ns,
        luma: frame.measures.luma,
        sharpness: frame.measures.sharpness,
        fingerprint: frame.measures.fingerprint,
        scene_score: previous.map_or(0.0, |b| distance(&b.measures.histogram, &frame.measures.histogram)),
        tile_width: side(frame.picture.width),
        tile_height: side(frame.picture.height),
    };
    previous.zip(frames).map(sample).collect()
}

/// A side of a tile, which is never longer than the largest tile.
fn side(pixels: usize) -> u32 {
    u32::try_from(pixels).unwrap_or(u32::MAX)
}

fn choose_poster(frames: &[SampledFrame], samples: &[Sample], job: &SampleJob) -> Option<u64> {
    let pairs = frames.iter().zip(samples);
    let candidates: Vec<Candidate> = pairs
        .map(|(frame, sample)| Candidate {
            time_ns: frame.time_ns,
            measures: &frame.measures,
            scene_score: sample.scene_score,
        })
        .collect();
    let best = poster::choose(&candidates, job.start_ns, job.end_ns)?;
    candidates.get(best).map(|candidate| candidate.time_ns)
}

fn draw_storyboard(
    sampler: &Sampler,
    frames: &[SampledFrame],
    job: &SampleJob,
    progress_sink: &dyn ProgressSink,
) -> Result<u32, Fault> {
    let tiles: Vec<_> = frames.iter().map(|frame| &frame.picture).collect();
    let grid = Grid { columns: job.columns as usize, rows: job.rows as usize };
    let sheets = sampler.pool.install(|| storyboard::sheets(&tiles, grid))?;
    for (index, sheet) in sheets.iter().enumerate() {
        progress_sink.output(&sheet_name(index), sheet)?;
    }
    Ok(sheets.len() as u32) // fewer than samples, which are counted in 32 bits
}

#[cfg(test)]
mod captioned_video;
#[cfg(test)]
mod planted_caption_tests;
#[cfg(test)]
mod planted_screen_tests;
#[cfg(test)]
mod planted_tests;
#[cfg(test)]
mod surface_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_source_tests;
