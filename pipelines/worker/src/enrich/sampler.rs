//! Sampling: several decoders side by side, each over its span, hand their frames over one bounded channel to
//! rayon, which measures them. What comes out depends on the file and the job alone, not on threads.

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

/// Bytes of all tiles kept until the sheets are made; more samples than fit make the slots longer.
const TILES_BYTES_MAX: u64 = 64 << 20;

/// One sampled frame.
#[derive(Clone, PartialEq, Debug)]
pub struct SampledFrame {
    /// Presentation time, stream time.
    pub time_ns: u64,
    /// What was measured.
    pub measures: Measures,
    /// The picture at the size of a tile.
    pub picture: Picture,
}

/// All samples of a video.
pub struct Sampled {
    /// In order of time; at least one.
    pub shots: Vec<SampledFrame>,
    /// They are keyframes, found without decoding anything else.
    pub keyframes_only: bool,
}

/// A video track and how it is sampled.
pub struct Sampler<'a> {
    /// The file.
    pub source: &'a Source,
    /// As sniffed.
    pub container: Container,
    /// The job.
    pub job: &'a SampleJob,
    /// Threads that measure.
    pub pool: &'a rayon::ThreadPool,
    /// The bound on frames between decoders and analysis.
    pub permits: Permits,
    /// Where progress goes.
    pub progress_sink: &'a dyn ProgressSink,
}

/// Frames of one pass over the video, and the fault that ended one of its parts early.
struct Passed {
    shots: Vec<SampledFrame>,
    fault: Option<Fault>,
}

impl Sampler<'_> {
    /// Samples the video. Where keyframes alone give nothing, everything is decoded.
    ///
    /// A part that ends early for a fault of the media keeps what came before; with no frame at all its fault,
    /// or `no_frame_decodes`, is the result.
    pub fn sample(&self) -> Result<Sampled, Fault> {
        let mut fault = None;
        let ways: &[bool] = if self.job.keyframes_only { &[true, false] } else { &[false] };
        for keyframes_only in ways {
            let passed = self.pass(*keyframes_only)?;
            if !passed.shots.is_empty() {
                return Ok(Sampled { shots: passed.shots, keyframes_only: *keyframes_only });
            }
            fault = passed.fault;
        }
        Err(fault
            .unwrap_or_else(|| Fault::new(Code::NoFrameDecodes, "expected at least one frame, found none")))
    }

    /// One frame at up to `fit`: the one at exactly `time_ns`.
    pub fn frame(&self, time_ns: u64, keyframes_only: bool, fit: Fit) -> Result<Picture, Fault> {
        let span = Timeline::moment(time_ns);
        let ways: &[bool] = if self.can_seek() { &[true, false] } else { &[false] };
        for seek in ways {
            let request = Request { fit, ..self.request(span, keyframes_only, *seek, 0) };
            let (sender, receiver) = bounded(1);
            let permits = Permits::new(1);
            let deliver = move |frame: Frame| sender.try_send(frame).is_ok();
            let meter = Arc::new(Meter::default());
            let (seen, mut said) = (meter.clone(), 0);
            let tick = || {
                let packets = seen.packets.load(Ordering::Relaxed);
                if packets != said {
                    self.progress_sink.progress(self.length_ns(), packets);
                    said = packets;
                }
                Ok(())
            };
            let ended = decode(request, &permits, meter, deliver, tick);
            if let Ok(frame) = receiver.try_recv() {
                return Picture::from_sample(&frame.sample);
            }
            ended?;
        }
        Err(Fault::new(Code::NoFrameDecodes, "expected the frame of the poster a second time, found none"))
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
        passed.ok_or_else(|| Fault::new(Code::Internal, "a pass without seeking was refused a seek"))
    }

    /// Decodes all spans at once; `None` where one of them could not be sought to.
    fn run(&self, spans: &[Span], keyframes_only: bool, seek: bool) -> Result<Option<Passed>, Fault> {
        let (sender, receiver) = bounded::<Frame>(self.permits.count());
        let meters: Vec<Arc<Meter>> = spans.iter().map(|_| Arc::default()).collect();
        let progress = Progress::new(self, spans, &meters);
        let threads = self.pool.current_num_threads().div_ceil(spans.len()) as u32;
        let (ends, shots) = std::thread::scope(|scope| {
            let mut handles = Vec::new();
            for (span, meter) in spans.iter().zip(&meters) {
                let request = self.request(*span, keyframes_only, seek, threads);
                let (sender, permits, progress) = (sender.clone(), &self.permits, &progress);
                handles.push(scope.spawn(move || part(request, permits, meter.clone(), sender, progress)));
            }
            drop(sender); // the channel ends with its last decoder
            let shots: Vec<Result<SampledFrame, Fault>> =
                self.pool.install(|| receiver.into_iter().par_bridge().map(shoot).collect());
            let lost = || Err(Fault::new(Code::Internal, "a decoding thread ended by panic"));
            let ends: Vec<_> =
                handles.into_iter().map(|handle| handle.join().unwrap_or_else(|_| lost())).collect();
            (ends, shots)
        });
        debug_assert!(self.permits.peak() <= self.permits.count(), "more frames in flight than permits");
        let mut fault = None;
        for end in ends {
            match end {
                Ok(PassEnd::Played) => {}
                Ok(PassEnd::SeekRefused) => return Ok(None),
                Err(found) if found.code.class() == Class::BadMedia => fault = fault.or(Some(found)),
                Err(found) => return Err(found),
            }
        }
        let mut shots = shots.into_iter().collect::<Result<Vec<_>, _>>()?;
        shots.sort_by_key(|shot| shot.time_ns);
        Ok(Some(Passed { shots, fault }))
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

    /// A job for one decoder reads from the beginning: the plan asks for that where a video cannot be cut. Beyond
    /// that, only containers whose index says where a seek lands.
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
        progress.say();
        Ok(())
    })
}

fn shoot(frame: Frame) -> Result<SampledFrame, Fault> {
    let Frame { sample, time_ns, permit } = frame;
    let picture = Picture::from_sample(&sample)?;
    drop(sample);
    let measures = measure(&picture);
    drop(permit);
    Ok(SampledFrame { time_ns, measures, picture })
}

/// Adds up what the decoders have done and says it, only when something has moved: silence must mean stuck.
struct Progress<'a> {
    progress_sink: &'a dyn ProgressSink,
    parts: Vec<(Span, Arc<Meter>)>,
    start_ns: u64,
    end_ns: u64,
    said: AtomicU64,
}

impl<'a> Progress<'a> {
    fn new(sampler: &Sampler<'a>, spans: &[Span], meters: &[Arc<Meter>]) -> Self {
        Self {
            progress_sink: sampler.progress_sink,
            parts: spans.iter().copied().zip(meters.iter().cloned()).collect(),
            start_ns: sampler.job.start_ns,
            end_ns: sampler.job.end_ns,
            said: AtomicU64::new(0),
        }
    }

    fn say(&self) {
        let sum = |count: fn(&Meter) -> &AtomicU64| {
            self.parts.iter().map(|(_, meter)| count(meter).load(Ordering::Relaxed)).sum::<u64>()
        };
        let frames = sum(|meter| &meter.frames);
        let moved = sum(|meter| &meter.packets) + frames;
        if self.said.swap(moved, Ordering::Relaxed) == moved {
            return;
        }
        let done_ns = self.parts.iter().map(|(span, meter)| {
            let (from, to) = (span.start_ns.max(self.start_ns), span.end_ns.min(self.end_ns));
            meter.time_ns.load(Ordering::Relaxed).clamp(from, to.max(from)) - from
        });
        self.progress_sink.progress(done_ns.sum(), frames);
    }
}
