//! Sampling: several decoders work in parallel, each over its span. They send their frames through one bounded channel to
//! rayon, which measures them. The result depends only on the file and the job, not on threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::channel::{Sender, bounded};
use rayon::prelude::*;
use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Class, Code, Fault};
use reelgate_pipelines::messages::SampleJob;

use super::decode::{Frame, Meter, PassEnd, Request, decode};
use super::geometry::Fit;
use super::measure::{Measures, measure};
use super::permits::Permits;
use super::picture::Picture;
use super::timeline::{Span, Timeline};
use crate::progress_sink::ProgressSink;
use crate::source::Source;

/// Bytes of all tiles that are kept until the sheets are made. If the samples need more, the slots become longer.
const TILES_BYTES_MAX: u64 = 64 << 20;

#[derive(Clone, PartialEq, Debug)]
pub struct SampledFrame {
    /// Presentation time, stream time.
    pub time_ns: u64,
    pub measures: Measures,
    /// The picture at the size of a tile.
    pub picture: Picture,
}

pub struct Sampled {
    /// In order of time. There is at least one.
    pub frames: Vec<SampledFrame>,
    /// Whether only keyframes were decoded.
    pub keyframes_only: bool,
}

/// A video track and how it is sampled.
pub struct Sampler<'a> {
    pub source: &'a Source,
    pub container: Container,
    pub job: &'a SampleJob,
    /// Threads that measure frames.
    pub pool: &'a rayon::ThreadPool,
    /// The limit on frames between decoders and analysis.
    pub permits: Permits,
    pub progress_sink: &'a dyn ProgressSink,
}

/// Frames of one pass over the video, and the first fault that ended a part of it early.
struct Passed {
    frames: Vec<SampledFrame>,
    fault: Option<Fault>,
}

impl Sampler<'_> {
    /// Samples the video. If keyframes alone give no frame, all frames are decoded.
    ///
    /// If a fault of the media ends a part early, its earlier frames are kept. Without any frame, this fails with that fault
    /// or with `no_frame_decodes`.
    pub fn sample(&self) -> Result<Sampled, Fault> {
        let mut fault = None;
        let attempts: &[bool] = if self.job.keyframes_only { &[true, false] } else { &[false] };
        for keyframes_only in attempts {
            let passed = self.pass(*keyframes_only)?;
            if !passed.frames.is_empty() {
                return Ok(Sampled { frames: passed.frames, keyframes_only: *keyframes_only });
            }
            fault = passed.fault;
        }
        Err(fault.unwrap_or_else(|| Fault::new(Code::NoFrameDecodes, "no frame could be sampled")))
    }

    /// The frame at exactly `time_ns`, at a size up to `fit`.
    pub fn frame(&self, time_ns: u64, keyframes_only: bool, fit: Fit) -> Result<Picture, Fault> {
        let span = Timeline::exact(time_ns);
        let attempts: &[bool] = if self.can_seek() { &[true, false] } else { &[false] };
        for seek in attempts {
            let request = Request { fit, ..self.request(span, keyframes_only, *seek, 0) };
            let (sender, receiver) = bounded(1);
            let permits = Permits::new(1);
            let deliver = move |frame: Frame| sender.try_send(frame).is_ok();
            let meter = Arc::new(Meter::default());
            let (observed, mut reported) = (meter.clone(), 0);
            let tick = || {
                let packets = observed.packets.load(Ordering::Relaxed);
                if packets != reported {
                    self.progress_sink.progress(self.length_ns(), packets);
                    reported = packets;
                }
                Ok(())
            };
            let ended = decode(request, &permits, meter, deliver, tick);
            if let Ok(frame) = receiver.try_recv() {
                return Picture::from_sample(&frame.sample, &frame.colours);
            }
            ended?;
        }
        Err(Fault::new(Code::NoFrameDecodes, "the frame of the poster could not be decoded again"))
    }

    fn pass(&self, keyframes_only: bool) -> Result<Passed, Fault> {
        let timeline = self.timeline();
        if self.can_seek() {
            let parts = timeline.spans(self.job.decoders.clamp(1, 8).into());
            if let Some(passed) = self.run(&parts, keyframes_only, true)? {
                return Ok(passed);
            }
        }
        let passed = self.run(&timeline.spans(1), keyframes_only, false)?;
        passed.ok_or_else(|| Fault::new(Code::Internal, "a pass without a seek reported a refused seek"))
    }

    /// Decodes all spans in parallel. It is `None` if the seek to one of them was refused.
    fn run(&self, spans: &[Span], keyframes_only: bool, seek: bool) -> Result<Option<Passed>, Fault> {
        let (sender, receiver) = bounded::<Frame>(self.permits.count());
        let meters: Vec<Arc<Meter>> = spans.iter().map(|_| Arc::default()).collect();
        let progress = Progress::new(self, spans, &meters);
        let threads = self.pool.current_num_threads().div_ceil(spans.len()) as u32;
        let (ends, frames) = std::thread::scope(|scope| {
            let mut handles = Vec::new();
            for (span, meter) in spans.iter().zip(&meters) {
                let request = self.request(*span, keyframes_only, seek, threads);
                let (sender, permits, progress) = (sender.clone(), &self.permits, &progress);
                handles.push(scope.spawn(move || part(request, permits, meter.clone(), sender, progress)));
            }
            drop(sender); // the channel closes with its last decoder
            let frames: Vec<Result<SampledFrame, Fault>> =
                self.pool.install(|| receiver.into_iter().par_bridge().map(measure_frame).collect());
            let lost = || Err(Fault::new(Code::Internal, "a decoding thread panicked"));
            let ends: Vec<_> =
                handles.into_iter().map(|handle| handle.join().unwrap_or_else(|_| lost())).collect();
            (ends, frames)
        });
        debug_assert!(self.permits.peak() <= self.permits.count(), "more frames in flight than permits");
        let mut fault = None;
        for end in ends {
            match end {
                Ok(PassEnd::Completed) => {}
                Ok(PassEnd::SeekRefused) => return Ok(None),
                Err(found) if found.code.class() == Class::BadMedia => fault = fault.or(Some(found)),
                Err(found) => return Err(found),
            }
        }
        let mut frames = frames.into_iter().collect::<Result<Vec<_>, _>>()?;
        frames.sort_by_key(|frame| frame.time_ns);
        Ok(Some(Passed { frames, fault }))
    }

    fn request(&self, span: Span, keyframes_only: bool, seek: bool, threads: u32) -> Request {
        Request {
            source: self.source.clone(),
            container: self.container,
            track: self.job.track,
            span,
            keyframes_only,
            seek,
            threads,
            pixel_aspect: self.job.pixel_aspect,
            rotation: self.job.rotation,
            fit: Fit::tile(self.job.tile_height),
        }
    }

    fn timeline(&self) -> Timeline {
        let tiles_max = TILES_BYTES_MAX / Fit::tile(self.job.tile_height).bytes_max();
        let slots_max = u64::from(self.job.samples_max).min(tiles_max);
        Timeline::new(self.job.start_ns, self.job.end_ns, self.job.interval_ns, slots_max)
    }

    /// Whether decoders may seek. A job with one decoder reads from the beginning: the plan requests that for videos that
    /// cannot be split. Otherwise the container must have an index that determines where a seek lands.
    fn can_seek(&self) -> bool {
        self.job.decoders > 1 && matches!(self.container, Container::IsoBmff | Container::Matroska)
    }

    fn length_ns(&self) -> u64 {
        self.job.end_ns.saturating_sub(self.job.start_ns)
    }
}

fn part(
    request: Request,
    permits: &Permits,
    meter: Arc<Meter>,
    sender: Sender<Frame>,
    progress: &Progress,
) -> Result<PassEnd, Fault> {
    let deliver = move |frame| sender.send(frame).is_ok();
    decode(request, permits, meter, deliver, || {
        progress.report();
        Ok(())
    })
}

fn measure_frame(frame: Frame) -> Result<SampledFrame, Fault> {
    let Frame { sample, colours, time_ns, permit } = frame;
    let picture = Picture::from_sample(&sample, &colours)?;
    drop(sample);
    let measures = measure(&picture);
    drop(permit);
    Ok(SampledFrame { time_ns, measures, picture })
}

/// Adds up the progress of the decoders. Reports it only when it has changed, so that a stuck decoder causes a stall.
struct Progress<'a> {
    progress_sink: &'a dyn ProgressSink,
    parts: Vec<(Span, Arc<Meter>)>,
    start_ns: u64,
    end_ns: u64,
    reported: AtomicU64,
}

impl<'a> Progress<'a> {
    fn new(sampler: &Sampler<'a>, spans: &[Span], meters: &[Arc<Meter>]) -> Self {
        Self {
            progress_sink: sampler.progress_sink,
            parts: spans.iter().copied().zip(meters.iter().cloned()).collect(),
            start_ns: sampler.job.start_ns,
            end_ns: sampler.job.end_ns,
            reported: AtomicU64::new(0),
        }
    }

    fn report(&self) {
        let sum = |count: fn(&Meter) -> &AtomicU64| {
            self.parts.iter().map(|(_, meter)| count(meter).load(Ordering::Relaxed)).sum::<u64>()
        };
        let frames = sum(|meter| &meter.frames);
        let moved = sum(|meter| &meter.packets) + frames;
        if self.reported.swap(moved, Ordering::Relaxed) == moved {
            return;
        }
        let done_ns = self.parts.iter().map(|(span, meter)| {
            let (from, to) = (span.start_ns.max(self.start_ns), span.end_ns.min(self.end_ns));
            meter.time_ns.load(Ordering::Relaxed).clamp(from, to.max(from)) - from
        });
        self.progress_sink.progress(done_ns.sum(), frames);
    }
}
