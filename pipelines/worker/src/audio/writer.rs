//! Cuts AAC frames into segments and sends the segments.
//!
//! The encoder's first frame contains no sound (it is the priming). The edit list of the init segment skips this frame,
//! and times in the results are those after the edit. The declared duration of the last frame covers only its sound, so
//! the track ends with the sound and not with the encoder's padding.

use std::sync::Arc;

use gstreamer as gst;

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{AudioEncode, AudioJob, SegmentResult, TrackResult};

use crate::cmaf::{self, Fragment, Track};
use crate::progress_sink::ProgressSink;

/// Samples of an AAC-LC frame (ISO/IEC 14496-3 4.5.1.1).
pub const FRAME_SAMPLES: u64 = 1_024;
/// Delay of `avenc_aac` in samples: one frame, measured with an impulse.
pub const PRIMING_SAMPLES: u64 = 1_024;

/// Keeps at most one and a half segments in memory: the one that is being filled, and the frames behind it until they are half a
/// segment. If the sound ends before, they are a part of it: players stumble over segments of a few milliseconds.
pub struct Writer {
    segment_ns: u64,
    sample_rate: u32,
    encode: AudioEncode,
    progress_sink: Arc<dyn ProgressSink>,
    track: Option<Track>,
    open: Option<Fragment>,
    /// Frames of the segment after `open`, and the media time of each.
    behind: Vec<(u64, Vec<u8>)>,
    segments: Vec<SegmentResult>,
    frames: u64,
}

impl Writer {
    pub fn new(job: &AudioJob, encode: &AudioEncode, progress_sink: Arc<dyn ProgressSink>) -> Self {
        Self {
            segment_ns: job.segment_ns,
            sample_rate: job.sample_rate,
            encode: encode.clone(),
            progress_sink,
            track: None,
            open: None,
            behind: Vec::new(),
            segments: Vec::new(),
            frames: 0,
        }
    }

    pub fn push_frame(&mut self, sample: &gst::Sample) -> Result<(), Fault> {
        if self.track.is_none() {
            self.track = Some(self.begin(sample)?);
        }
        let buffer = sample.buffer().ok_or_else(|| unexpected("a sample without a buffer"))?;
        let payload = buffer.map_readable().map_err(|_| unexpected("a frame that cannot be read"))?;
        let at = self.frames * FRAME_SAMPLES;
        let number = self.segment_of(at)?;
        self.frames += 1;
        let open = self.open.get_or_insert_with(|| Fragment::new(number, 0));
        if open.number() == number {
            return open.push(at, true, &payload);
        }
        self.behind.push((at, payload.to_vec()));
        let length = self.behind.len() as u64 * FRAME_SAMPLES;
        if length * 2 >= self.segment_samples() { self.begin_segment(number) } else { Ok(()) }
    }

    /// The frames behind the open segment are a segment of their own.
    fn begin_segment(&mut self, number: u32) -> Result<(), Fault> {
        let behind = std::mem::take(&mut self.behind);
        let Some((start, _)) = behind.first() else { return Ok(()) };
        self.close(*start)?;
        let mut next = Fragment::new(number, 0);
        for (at, payload) in &behind {
            next.push(*at, true, payload)?;
        }
        self.open = Some(next);
        Ok(())
    }

    /// Samples of a segment.
    fn segment_samples(&self) -> u64 {
        cmaf::from_ns(self.segment_ns, self.sample_rate).max(FRAME_SAMPLES)
    }

    /// Closes the last segment; the track has `samples` samples of sound.
    pub fn finish(&mut self, samples: u64) -> Result<TrackResult, Fault> {
        if let Some(open) = &mut self.open {
            for (at, payload) in std::mem::take(&mut self.behind) {
                open.push(at, true, &payload)?;
            }
        }
        self.close((samples + PRIMING_SAMPLES).min(self.frames * FRAME_SAMPLES))?;
        let track = self.track.as_ref().ok_or_else(|| unexpected("no frame"))?;
        Ok(TrackResult {
            name: self.encode.name.clone(),
            codecs: track.codecs.clone(),
            timescale: self.sample_rate,
            segments: std::mem::take(&mut self.segments),
        })
    }

    /// Number of the segment that contains a frame at media time `at`: the segment grid, rounded to whole frames.
    fn segment_of(&self, at: u64) -> Result<u32, Fault> {
        let length = self.segment_samples();
        let presented = (at + FRAME_SAMPLES / 2).saturating_sub(PRIMING_SAMPLES);
        u32::try_from(presented / length).map_err(|_| unexpected("4 billion segments"))
    }

    fn begin(&self, sample: &gst::Sample) -> Result<Track, Fault> {
        let config = sample
            .caps()
            .and_then(|caps| caps.structure(0)?.get::<gst::Buffer>("codec_data").ok())
            .ok_or_else(|| unexpected("no AudioSpecificConfig"))?;
        let config = config.map_readable().map_err(|_| unexpected("a configuration that cannot be read"))?;
        let AudioEncode { channels, bitrate_bps, .. } = self.encode;
        let track = cmaf::aac_track(&config, self.sample_rate, channels, bitrate_bps)?;
        let init = cmaf::init(&track, self.sample_rate, PRIMING_SAMPLES)?;
        self.progress_sink.output(&cmaf::init_name(&self.encode.name), &init)?;
        Ok(track)
    }

    fn close(&mut self, end: u64) -> Result<(), Fault> {
        let Some(fragment) = self.open.take() else { return Ok(()) };
        let Some((start, _)) = fragment.span() else { return Ok(()) };
        let (number, samples) = (fragment.number(), fragment.len());
        let bytes = fragment.finish(end)?;
        self.progress_sink.output(&cmaf::segment_name(&self.encode.name, number), &bytes)?;
        let start_ticks = start.saturating_sub(PRIMING_SAMPLES);
        self.segments.push(SegmentResult {
            number,
            start_ticks,
            duration_ticks: end.saturating_sub(PRIMING_SAMPLES) - start_ticks,
            samples: u32::try_from(samples).map_err(|_| unexpected("a segment of 4 billion frames"))?,
            bytes: bytes.len() as u64,
            starts_with_idr: true,
            first_picture_end: 0,
        });
        Ok(())
    }
}

fn unexpected(what: &str) -> Fault {
    Fault::new(Code::Internal, format!("unexpected output of the audio encoder: {what}"))
}
