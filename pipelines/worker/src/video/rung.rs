//! Writes one rung: cuts the frames of its encoder into segments and sends the segments.

use std::sync::Arc;

use gstreamer as gst;

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{Rung, SegmentResult, TrackResult, VideoJob};

use super::gate::ENCODER_BASE_NS;
use super::ledger::Ledger;
use crate::cmaf::{self, Fragment, Track};

/// Frames between two reports.
const REPORT_FRAMES: u64 = 10;

/// Keeps at most one segment in memory: the one that is being filled.
pub struct RungWriter {
    rung: Rung,
    timescale: u32,
    delay: u64,
    ledger: Arc<Ledger>,
    track: Option<Track>,
    open: Option<Fragment>,
    segments: Vec<SegmentResult>,
    frames: u64,
}

impl RungWriter {
    pub fn new(rung: &Rung, job: &VideoJob, ledger: Arc<Ledger>) -> Self {
        Self {
            rung: rung.clone(),
            timescale: job.timescale,
            delay: delay(job),
            ledger,
            track: None,
            open: None,
            segments: Vec::new(),
            frames: 0,
        }
    }

    /// Adds the next access unit in decoding order.
    pub fn push_frame(&mut self, sample: &gst::Sample) -> Result<(), Fault> {
        if self.track.is_none() {
            self.track = Some(self.begin(sample)?);
        }
        let buffer = sample.buffer().ok_or_else(|| unexpected("a sample without a buffer"))?;
        // An encoder may move its times to make room for decode times. The running time is not moved.
        let segment = sample.segment().and_then(|segment| segment.downcast_ref::<gst::ClockTime>());
        let time = segment.and_then(|segment| segment.to_running_time(buffer.pts()?));
        let time_ns = time.and_then(|time| time.nseconds().checked_sub(ENCODER_BASE_NS));
        let time_ns = time_ns.ok_or_else(|| unexpected("a frame without a time"))?;
        let tick = cmaf::from_ns(time_ns, self.timescale);
        let starts = self.ledger.lock().starts.get(&tick).copied();
        if let Some(number) = starts {
            self.close(tick)?;
            self.open = Some(Fragment::new(number, self.delay));
        }
        let open = self.open.as_mut().ok_or_else(|| unexpected("a frame outside every segment"))?;
        let payload = buffer.map_readable().map_err(|_| unexpected("a frame that cannot be read"))?;
        open.push(tick, !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT), &payload)?;
        self.frames += 1;
        if self.frames.is_multiple_of(REPORT_FRAMES) {
            self.ledger.report();
        }
        Ok(())
    }

    /// Closes the last segment at `end` ticks, or one tick after its last frame if that is later.
    pub fn finish(&mut self, end: u64) -> Result<TrackResult, Fault> {
        self.close(end)?;
        let track = self.track.as_ref().ok_or_else(|| unexpected("no frame"))?;
        Ok(TrackResult {
            name: self.rung.name.clone(),
            codecs: track.codecs.clone(),
            timescale: self.timescale,
            segments: std::mem::take(&mut self.segments),
        })
    }

    fn begin(&self, sample: &gst::Sample) -> Result<Track, Fault> {
        let record = sample
            .caps()
            .and_then(|caps| caps.structure(0)?.get::<gst::Buffer>("codec_data").ok())
            .ok_or_else(|| unexpected("no avcC record"))?;
        let record = record.map_readable().map_err(|_| unexpected("an avcC record that cannot be read"))?;
        let track = cmaf::avc_track(&record, self.rung.width, self.rung.height)?;
        let init = cmaf::init(&track, self.timescale, self.delay)?;
        self.ledger.progress_sink().output(&cmaf::init_name(&self.rung.name), &init)?;
        Ok(track)
    }

    fn close(&mut self, end: u64) -> Result<(), Fault> {
        let Some(fragment) = self.open.take() else { return Ok(()) };
        let Some((start, last)) = fragment.span() else { return Ok(()) };
        let end = end.max(last.saturating_add(1));
        let (number, samples) = (fragment.number(), fragment.len());
        let starts_with_idr = fragment.starts_with_sync();
        let behind_first = fragment.bytes_behind_first();
        let bytes = fragment.finish(end)?;
        self.ledger.progress_sink().output(&cmaf::segment_name(&self.rung.name, number), &bytes)?;
        self.segments.push(SegmentResult {
            number,
            start_ticks: start,
            duration_ticks: end - start,
            samples: u32::try_from(samples).map_err(|_| unexpected("a segment of 4 billion frames"))?,
            bytes: bytes.len() as u64,
            starts_with_idr,
            first_picture_end: (bytes.len() - behind_first) as u64,
        });
        Ok(())
    }
}

/// Composition delay in ticks, the same for every chunk of a video. With x264 a frame is decoded at most two frames early
/// (B-frames, one of which may be a reference). At a variable rate two frames may take any time. Offsets beyond this delay
/// then become negative, which is allowed.
fn delay(job: &VideoJob) -> u64 {
    const REORDERED_FRAMES: u64 = 2;
    const VARIABLE_PER_SECOND: u32 = 5;
    let rate = job.frame_rate.filter(|rate| rate.num > 0);
    rate.map_or(u64::from(job.timescale / VARIABLE_PER_SECOND), |rate| {
        (REORDERED_FRAMES * u64::from(job.timescale) * u64::from(rate.den)).div_ceil(u64::from(rate.num))
    })
}

fn unexpected(what: &str) -> Fault {
    Fault::new(Code::Internal, format!("unexpected output of the video encoder: {what}"))
}
