//! Encodes one chunk of a video: decodes it once, and scales, encodes and cuts every rung into CMAF segments.
//!
//! The result for a chunk must be the same on every worker, no matter what else is encoded. The seek only saves time, only
//! `timeline` decides which frames belong to the chunk, and `ladder` configures encoders that carry no state over from
//! earlier chunks.

mod bars;
mod cover;
mod gate;
mod ladder;
mod ledger;
mod picture;
mod pixel_aspect;
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
use crate::demux::{Branch, Demuxed, Landing, Track};
use crate::packet_rules::{Counted, PacketRules, is_framed};
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
/// Fails with the codes of the demuxer and the decoder, `no_frame_decodes` if no frame was decoded, `damaged_stream` if none of
/// this chunk was decoded or more than the file has, `budget_output` of the progress sink, and `internal` if a redaction cannot be
/// applied.
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
    let rules = || PacketRules::new(&track.caps, true, chain.len() > 1);
    if let Some(pad) = chain.last().and_then(|decoder| decoder.static_pad("sink")) {
        count_packets(job, &pad, rules(), ledger.clone(), |state| &mut state.fed);
    }
    if chain.len() > 1
        && is_framed(job.source.container)
        && let Some(pad) = chain[0].static_pad("sink")
    {
        count_packets(job, &pad, rules(), ledger.clone(), |state| &mut state.delivered);
    }
    if let Some(decoder) = chain.last().filter(|decoder| decoder.has_property("max-errors")) {
        decoder.set_property("max-errors", -1); // damaged frames are counted, and the other frames are still useful
    }
    if let Some(decoder) = chain.last().filter(|_| job.source.container == Container::Avi) {
        let begin_ns = job.zero_ns.saturating_add(job.lead_ns);
        stored_order::install(decoder, gst::ClockTime::from_nseconds(begin_ns));
    }
    if let Some(decoder) = chain.last() {
        pixel_aspect::keep(decoder, &track.caps);
        if job.interlaced {
            deinterlace::keep_depth(decoder);
        }
    }
    chain.extend(picture::elements(job)?);
    chain.push(ladder.clone().upcast());
    Ok(chain)
}

/// Counts the frames of the chunk in front of the decoder and of its parser, as the inspection does, because decoders and parsers
/// drop silently what they cannot use. A frame without a time counts with the one before it.
fn count_packets(
    job: &VideoJob,
    pad: &gst::Pad,
    rules: PacketRules,
    ledger: Arc<Ledger>,
    counter: impl Fn(&mut State) -> &mut u64 + Send + Sync + 'static,
) {
    let timeline = Timeline::new(job);
    let state = Mutex::new((rules, timeline.has_first_frame()));
    let kinds =
        gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::EVENT_FLUSH;
    pad.add_probe(kinds, move |pad, info| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let (rules, is_within) = &mut *state;
        if let Some(event) = info.event() {
            rules.event(event);
            if event.type_() == gst::EventType::FlushStop {
                rules.flush();
            }
        }
        if let Some(Counted::Packet(packet)) = info.buffer().and_then(|buffer| rules.count(pad, buffer)) {
            *is_within = packet.start_ns.map_or(*is_within, |start_ns| timeline.contains(start_ns));
            if *is_within {
                *counter(&mut ledger.lock()) += 1;
            }
        }
        gst::PadProbeReturn::Ok
    });
}

fn result(job: &VideoJob, ladder: &Ladder, ledger: &Ledger) -> Result<VideoResult, Fault> {
    let (kept, decoded, counted, damaged, end) = {
        let state = ledger.lock();
        let counted = state.delivered.max(state.fed);
        // A packet without a decoded frame counts as damaged too.
        let missing = counted.saturating_sub(state.kept);
        (state.kept, state.decoded, counted, state.damaged.max(missing), state.end)
    };
    // Fields that have lost their other half, or times that contradict the order of the frames.
    if counted > 0 && kept > counted {
        let detail = format!("{kept} pictures are shown where the file has {counted}");
        return Err(Fault::new(Code::DamagedStream, detail));
    }
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
