//! The pump between decoder and encoder. It places decoded sound on the output's timeline without gaps or overlaps.
//!
//! It is a sink and a source in one bin. The encoder receives one stream of samples that begins at 0 and never jumps. If
//! the encoder is full, the decoder blocks, so memory stays small for any length. The pump measures what it passes on. Without an
//! encoder it does nothing else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{AudioEncode, AudioJob};

use super::clock::Clock;
use super::loudness::{Levels, Meter};
use super::mute::Mutes;
use crate::progress_sink::ProgressSink;

/// Bytes that may wait in front of the encoder.
const WAITING_BYTES_MAX: u64 = 1 << 20;
/// Bytes of one sample: the encoder takes 32-bit floats.
const SAMPLE_BYTES: u64 = 4;

/// State shared by the callbacks and the job.
pub struct Pump {
    zero_ns: u64,
    fill_to_ns: Option<u64>,
    frame_bytes: u64,
    sample_rate: u64,
    treatment: Treatment,
    progress_sink: Arc<dyn ProgressSink>,
    state: Mutex<State>,
}

/// What is done to samples in front of the encoder.
pub struct Treatment {
    /// Factor of every sample.
    pub gain: f32,
    pub mutes: Mutes,
}

struct State {
    clock: Clock,
    meter: Meter,
    reported_s: u64,
    fault: Option<Fault>,
}

impl Pump {
    pub fn new(
        job: &AudioJob,
        encode: &AudioEncode,
        treatment: Treatment,
        progress_sink: Arc<dyn ProgressSink>,
    ) -> Result<Self, Fault> {
        let meter = Meter::new(encode.channels, job.sample_rate)?;
        let state = State { clock: Clock::new(job.sample_rate), meter, reported_s: 0, fault: None };
        Ok(Self {
            zero_ns: job.zero_ns,
            fill_to_ns: encode.fill_to_ns,
            frame_bytes: SAMPLE_BYTES * u64::from(encode.channels.max(1)),
            sample_rate: u64::from(job.sample_rate.max(1)),
            treatment,
            progress_sink,
            state: Mutex::new(state),
        })
    }

    /// The first fault of any thread.
    pub fn fault(&self) -> Option<Fault> {
        self.lock().fault.clone()
    }

    /// Records a fault, unless an earlier one is recorded.
    pub fn fail(&self, fault: Fault) -> gst::FlowError {
        self.lock().fault.get_or_insert(fault);
        gst::FlowError::Error
    }

    /// Samples in, filled, cut, and the total placed.
    pub fn counts(&self) -> (u64, u64, u64, u64) {
        let state = self.lock();
        (state.clock.samples_in, state.clock.filled, state.clock.cut, state.clock.position())
    }

    /// Levels of the sound that has passed.
    pub fn levels(&self) -> Result<Levels, Fault> {
        self.lock().meter.levels()
    }

    /// Connects the sink of decoded sound with the source in front of the encoder, if there is one.
    pub fn connect(self: &Arc<Self>, sink: &gst_app::AppSink, source: Option<&gst_app::AppSrc>) {
        if let Some(source) = source {
            source.set_format(gst::Format::Time);
            source.set_block(true);
            source.set_max_bytes(WAITING_BYTES_MAX);
        }
        let (pump, at_end) = (self.clone(), self.clone());
        let (encoder, end) = (source.cloned(), source.cloned());
        let callbacks = gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                pump.take(&sample, encoder.as_ref())
            })
            .eos(move |_| {
                // A fault is recorded, and both are refused only while the pipeline is being torn down.
                let _ = at_end.fill_up(end.as_ref());
                let _ = end.as_ref().map(gst_app::AppSrc::end_of_stream);
            });
        sink.set_callbacks(callbacks.build());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(
        &self,
        sample: &gst::Sample,
        encoder: Option<&gst_app::AppSrc>,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let Some(buffer) = sample.buffer() else { return Ok(gst::FlowSuccess::Ok) };
        let len = buffer.size() as u64 / self.frame_bytes;
        let (place, position) = {
            let mut state = self.lock();
            let at = self.offset_ns(sample, buffer).map(|ns| state.clock.samples_at(ns));
            let before = state.clock.position();
            match state.clock.place(at, len) {
                Ok(place) => (place, before),
                Err(fault) => {
                    drop(state);
                    return Err(self.fail(fault));
                }
            }
        };
        self.push_silence(encoder, position, place.fill)?;
        if place.cut < len {
            let skipped = (place.cut * self.frame_bytes) as usize;
            let rest = buffer.copy_region(gst::BufferCopyFlags::MEMORY, skipped..buffer.size());
            let rest =
                rest.map_err(|_| self.fail(Fault::new(Code::Internal, "could not cut a buffer of sound")))?;
            self.push(encoder, rest, position + place.fill)?;
        }
        self.report();
        Ok(gst::FlowSuccess::Ok)
    }

    /// Silence behind the last sound, up to the end of the presentation: some players end where the shortest track ends.
    fn fill_up(&self, encoder: Option<&gst_app::AppSrc>) -> Result<(), gst::FlowError> {
        let Some(end_ns) = self.fill_to_ns else { return Ok(()) };
        let (position, fill) = {
            let mut state = self.lock();
            (state.clock.position(), state.clock.fill_up(end_ns.saturating_sub(self.zero_ns)))
        };
        self.push_silence(encoder, position, fill)
    }

    /// Nanoseconds from output time 0, negative before it.
    fn offset_ns(&self, sample: &gst::Sample, buffer: &gst::BufferRef) -> Option<i128> {
        let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
        let time = segment.to_stream_time(buffer.pts()?)?;
        Some(i128::from(time.nseconds()) - i128::from(self.zero_ns))
    }

    fn push_silence(
        &self,
        encoder: Option<&gst_app::AppSrc>,
        mut at: u64,
        mut left: u64,
    ) -> Result<(), gst::FlowError> {
        while left > 0 {
            let piece = left.min(self.sample_rate);
            let zeros = vec![0u8; (piece * self.frame_bytes) as usize]; // at most a second
            self.push(encoder, gst::Buffer::from_mut_slice(zeros), at)?;
            at += piece;
            left -= piece;
            self.progress_sink.progress(self.time_ns(at), 0);
        }
        Ok(())
    }

    fn push(
        &self,
        encoder: Option<&gst_app::AppSrc>,
        mut buffer: gst::Buffer,
        at: u64,
    ) -> Result<(), gst::FlowError> {
        let samples = buffer.size() as u64 / self.frame_bytes;
        if self.treatment.gain != 1.0 || self.treatment.mutes.touch(&(at..at + samples)) {
            buffer = self.treated(&buffer, at)?;
        }
        self.measure(&buffer)?;
        let Some(encoder) = encoder else { return Ok(()) };
        let timed = buffer.make_mut();
        let (start, end) = (self.time_ns(at), self.time_ns(at + samples));
        timed.set_pts(gst::ClockTime::from_nseconds(start));
        timed.set_duration(gst::ClockTime::from_nseconds(end - start));
        encoder.push_buffer(buffer).map(|_| ())
    }

    /// A copy of the buffer with the gain and the job's mutes applied.
    fn treated(&self, buffer: &gst::BufferRef, at: u64) -> Result<gst::Buffer, gst::FlowError> {
        let mut samples = self.readable(buffer)?.to_vec();
        if self.treatment.gain != 1.0 {
            for sample in samples.as_chunks_mut().0 {
                *sample = (f32::from_le_bytes(*sample) * self.treatment.gain).to_le_bytes();
            }
        }
        self.treatment.mutes.silence(at, self.frame_bytes, &mut samples);
        Ok(gst::Buffer::from_mut_slice(samples))
    }

    fn measure(&self, buffer: &gst::BufferRef) -> Result<(), gst::FlowError> {
        let samples = self.readable(buffer)?;
        let measured = self.lock().meter.add(&samples);
        measured.map_err(|fault| self.fail(fault))
    }

    fn readable<'a>(
        &self,
        buffer: &'a gst::BufferRef,
    ) -> Result<gst::BufferMap<'a, gst::buffer::Readable>, gst::FlowError> {
        let unreadable = |_| self.fail(Fault::new(Code::Internal, "could not read a buffer of sound"));
        buffer.map_readable().map_err(unreadable)
    }

    fn time_ns(&self, samples: u64) -> u64 {
        u64::try_from(u128::from(samples) * 1_000_000_000 / u128::from(self.sample_rate)).unwrap_or(u64::MAX)
    }

    /// Reports progress once per second of sound.
    fn report(&self) {
        let seconds = {
            let mut state = self.lock();
            let seconds = state.clock.position() / self.sample_rate;
            if seconds == state.reported_s {
                return;
            }
            state.reported_s = seconds;
            seconds
        };
        self.progress_sink.progress(seconds * 1_000_000_000, 0);
    }
}
