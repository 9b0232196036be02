//! Encodes one chunk of a video: decodes it once, and scales, encodes and cuts every rung into CMAF segments.
//!
//! The result for a chunk must be the same on every worker, no matter what else is encoded. The seek only saves time, only
//! `timeline` decides which frames belong to the chunk, and `ladder` configures encoders that carry no state over from
//! earlier chunks.

mod cover;
mod gate;
mod ladder;
mod ledger;
mod picture;
mod rung;
mod scaler;
mod stored_order;
mod timeline;

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;

use gst::prelude::*;
use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{VideoJob, VideoResult};

use crate::colour::ContainerColour;
use crate::demux::{Branch, Demuxed, Landing, Track, stream_time};
use crate::frame_starts::FrameStarts;
use crate::progress_sink::ProgressSink;
use crate::source::Source;
use crate::{cmaf, codecs, deinterlace};
use ladder::Ladder;
use ledger::{Ledger, State};
use timeline::Timeline;

/// Longest wait for the first packet. After it, the seek is tried anyway.
const FIRST_PACKET_WAIT: Duration = Duration::from_secs(20);

/// Elements that this module may create, so that their plugins are loaded before the jail closes.
pub const ELEMENTS: [&str; 9] = [
    "appsink",
    "capsfilter",
    deinterlace::ELEMENT,
    "identity",
    "queue",
    "tee",
    "videoconvert",
    "videoflip",
    "x264enc",
];

/// Runs the job. Outputs go to `progress_sink`, one per segment.
///
/// Fails with the codes of the demuxer and the decoder, `no_frame_decodes` if no frame was decoded, `damaged_stream` if no
/// frame of this chunk was decoded, `budget_output` of the progress sink, and `internal` if a redaction cannot be applied.
pub fn run(
    job: &VideoJob,
    source: &Source,
    progress_sink: Arc<dyn ProgressSink>,
) -> Result<VideoResult, Fault> {
    if job.seek_ns.is_some()
        && let Some(result) = attempt(job, source, &progress_sink, true)?
    {
        return Ok(result);
    }
    attempt(job, source, &progress_sink, false)?.ok_or_else(|| {
        Fault::new(Code::Internal, "frames are missing although nothing was skipped by a seek")
    })
}

/// One run over the chunk. It is `None` if the seek failed or skipped frames, before any output was sent.
fn attempt(
    job: &VideoJob,
    source: &Source,
    progress_sink: &Arc<dyn ProgressSink>,
    seeking: bool,
) -> Result<Option<VideoResult>, Fault> {
    let ledger = Arc::new(Ledger::new(progress_sink.clone()));
    let container = ContainerColour::default();
    let ladder = Ladder::new(job, seeking, &ledger, container.clone())?;
    let hold = Arc::new(FirstPacketHold::default());
    let demuxed = {
        let (job, bin, hold, ledger) = (job.clone(), ladder.bin.clone(), hold.clone(), ledger.clone());
        Demuxed::open(source, job.source.container, move |track| {
            if track.index != job.source.track {
                return Ok(Branch::Ignore);
            }
            if seeking {
                hold.block(&track.pad);
            }
            let elements = branch(&job, track, &bin, &ledger)?;
            container.read(&track.caps, elements.first());
            Ok(Branch::Elements(elements))
        })?
    };
    let ran = demuxed.preroll().and_then(|()| {
        if seeking && !hold.seek(&demuxed, job)? {
            ledger.lock().landed_late = true;
            return Ok(());
        }
        demuxed.run(|| Ok(()))
    });
    drop(demuxed);
    let (fault, seek_failed) = {
        let state = ledger.lock();
        (state.fault.clone(), seeking && (state.landed_late || state.kept == 0))
    };
    match fault {
        Some(fault) => Err(fault),
        None if seek_failed => Ok(None),
        None => ran.and_then(|()| result(job, &ladder, &ledger)).map(Some),
    }
}

fn branch(
    job: &VideoJob,
    track: &Track,
    ladder: &gst::Bin,
    ledger: &Arc<Ledger>,
) -> Result<Vec<gst::Element>, Fault> {
    let mut chain = codecs::decoder(&track.caps, job.encoder_threads.into())?;
    if let Some(pad) = chain.last().and_then(|decoder| decoder.static_pad("sink")) {
        count_packets(job, &pad, ledger.clone(), |state| &mut state.fed);
    }
    if chain.len() > 1
        && is_framed(&track.caps)
        && let Some(pad) = chain[0].static_pad("sink")
    {
        count_packets(job, &pad, ledger.clone(), |state| &mut state.delivered);
    }
    if let Some(decoder) = chain.last().filter(|decoder| decoder.has_property("max-errors")) {
        decoder.set_property("max-errors", -1); // damaged frames are counted, and the other frames are still useful
    }
    if let Some(decoder) = chain.last().filter(|_| job.source.container == Container::Avi) {
        stored_order::install(decoder);
    }
    chain.extend(picture::elements(job)?);
    chain.push(ladder.clone().upcast());
    Ok(chain)
}

/// Whether each packet of the container is a picture by itself: H.264 and H.265 with lengths instead of start codes.
fn is_framed(caps: &gst::CapsRef) -> bool {
    let format = caps.structure(0).and_then(|fields| fields.get::<&str>("stream-format").ok());
    matches!(format, Some("avc" | "avc3" | "hvc1" | "hev1"))
}

/// Counts the frames of the chunk in front of the decoder and of its parser, because decoders, and the parsers of GStreamer 1.28,
/// drop silently what they cannot use.
fn count_packets(
    job: &VideoJob,
    pad: &gst::Pad,
    ledger: Arc<Ledger>,
    counter: impl Fn(&mut State) -> &mut u64 + Send + Sync + 'static,
) {
    let timeline = Timeline::new(job);
    let starts = Mutex::new(FrameStarts::default());
    let kinds =
        gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::EVENT_FLUSH;
    pad.add_probe(kinds, move |pad, info| {
        let mut starts = starts.lock().unwrap_or_else(PoisonError::into_inner);
        match info.event().map(|event| event.view()) {
            Some(gst::EventView::Caps(caps)) => starts.set_caps(caps.caps()),
            Some(gst::EventView::FlushStop(_)) => starts.flush(),
            _ => {}
        }
        let Some(buffer) = info.buffer() else { return gst::PadProbeReturn::Ok };
        let begins = starts.begins_frame(buffer);
        let time = buffer.pts().and_then(|pts| stream_time(pad, pts));
        if begins && time.is_some_and(|time| timeline.contains(time.nseconds())) {
            *counter(&mut ledger.lock()) += 1;
        }
        gst::PadProbeReturn::Ok
    });
}

fn result(job: &VideoJob, ladder: &Ladder, ledger: &Ledger) -> Result<VideoResult, Fault> {
    let (kept, decoded, damaged, end) = {
        let state = ledger.lock();
        // A packet without a decoded frame counts as damaged too.
        let missing = state.delivered.max(state.fed).saturating_sub(state.kept);
        (state.kept, state.decoded, state.damaged.max(missing), state.end)
    };
    if kept == 0 {
        return Err(match decoded {
            0 => Fault::new(Code::NoFrameDecodes, "the decoder delivered no frame"),
            _ => Fault::new(
                Code::DamagedStream,
                format!("none of the {decoded} decoded frames belongs to this chunk"),
            ),
        });
    }
    let track_end = cmaf::from_ns(job.track_end_ns.saturating_sub(job.zero_ns), job.timescale);
    let mut rungs = Vec::with_capacity(ladder.writers.len());
    for writer in &ladder.writers {
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        rungs.push(writer.finish(end.unwrap_or(track_end))?);
    }
    Ok(VideoResult { frames_in: kept, frames_damaged: damaged, rungs })
}

/// Blocks the first packet until the seek, so that nothing is decoded twice.
#[derive(Default)]
struct FirstPacketHold {
    blocked: Mutex<Option<(gst::Pad, gst::PadProbeId)>>,
    arrived: Mutex<bool>,
    changed: Condvar,
}

impl FirstPacketHold {
    fn block(self: &Arc<Self>, pad: &gst::Pad) {
        let hold = self.clone();
        let kinds = gst::PadProbeType::BLOCK | gst::PadProbeType::BUFFER;
        let probe = pad.add_probe(kinds, move |_, _| {
            *hold.arrived.lock().unwrap_or_else(PoisonError::into_inner) = true;
            hold.changed.notify_all();
            gst::PadProbeReturn::Ok
        });
        *self.blocked.lock().unwrap_or_else(PoisonError::into_inner) = probe.map(|id| (pad.clone(), id));
    }

    /// Seeks when the first packet has arrived. It is false if the demuxer refuses.
    fn seek(&self, demuxed: &Demuxed, job: &VideoJob) -> Result<bool, Fault> {
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(arrived, FIRST_PACKET_WAIT, |arrived| !*arrived);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        if let Some((pad, id)) = self.blocked.lock().unwrap_or_else(PoisonError::into_inner).take() {
            pad.remove_probe(id);
        }
        let Some(seek_ns) = job.seek_ns else { return Ok(false) };
        Ok(demuxed.seek(job.source.track, seek_ns, Landing::Keyframe).is_ok())
    }
}

#[cfg(test)]
mod colour_tests;
#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod legible_tests;
#[cfg(test)]
mod redacted_tests;
#[cfg(test)]
mod spliced_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tone_tests;
