//! Encodes the whole sound of a video in one task: decodes it, places it on the output's timeline, encodes it as AAC and
//! cuts it into CMAF segments.
//!
//! There is one task for any length, because an encoder that starts again at every chunk would put its priming into each
//! chunk.

mod clock;
mod mute;
mod pump;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;

use gst::prelude::*;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{AudioJob, AudioResult};

use crate::codecs;
use crate::demux::{Branch, Demuxed};
use crate::progress_sink::ProgressSink;
use crate::source::Source;
use mute::Mutes;
use pump::Pump;
use writer::Writer;

/// Elements that this module may create, so that their plugins are loaded before the jail closes.
pub const ELEMENTS: [&str; 6] =
    ["appsink", "appsrc", "audioconvert", "audioresample", "avenc_aac", "capsfilter"];

/// Runs the job. Outputs go to `progress_sink`, one per segment, named `audio/…`.
///
/// Fails with the codes of the demuxer and the decoder, `no_frame_decodes` if no sound was decoded,
/// `timestamps_broken` if the sound jumps further than any pause, `budget_output` of the progress sink, and `internal`
/// if the job's mutes are malformed.
pub fn run(
    job: &AudioJob,
    source: &Source,
    progress_sink: Arc<dyn ProgressSink>,
) -> Result<AudioResult, Fault> {
    let pump = Arc::new(Pump::new(job, Mutes::new(job)?, progress_sink.clone()));
    let writer = Arc::new(Mutex::new(Writer::new(job, progress_sink)));
    let bin = bin(job, &pump, &writer)?;
    let wanted = job.source.track;
    let demuxed = Demuxed::open(source, job.source.container, move |track| {
        if track.index != wanted {
            return Ok(Branch::Ignore);
        }
        let mut chain = codecs::decoder(&track.caps, 1)?;
        if let Some(decoder) = chain.last().filter(|decoder| decoder.has_property("max-errors")) {
            decoder.set_property("max-errors", -1); // damaged packets leave gaps, which the pump fills
        }
        chain.push(bin.clone().upcast());
        Ok(Branch::Elements(chain))
    })?;
    let ran = demuxed.preroll().and_then(|()| demuxed.run(|| Ok(())));
    drop(demuxed);
    if let Some(fault) = pump.fault() {
        return Err(fault);
    }
    ran?;
    let (samples_in, samples_filled, samples_cut, placed) = pump.counts();
    if placed == 0 {
        return Err(Fault::new(
            Code::NoFrameDecodes,
            format!("no sound to encode, {samples_cut} samples cut"),
        ));
    }
    let track = writer.lock().unwrap_or_else(PoisonError::into_inner).finish(placed)?;
    Ok(AudioResult { track, samples_in, samples_filled, samples_cut })
}

/// Converter, pump and encoder in one sink bin.
fn bin(job: &AudioJob, pump: &Arc<Pump>, writer: &Arc<Mutex<Writer>>) -> Result<gst::Bin, Fault> {
    let form = gst::Caps::builder("audio/x-raw")
        .field("format", "F32LE")
        .field("layout", "interleaved")
        .field("rate", i32::try_from(job.sample_rate).unwrap_or(i32::MAX))
        .field("channels", i32::from(job.channels))
        .build();
    let convert = codecs::make("audioconvert")?;
    mix_unplaced_channels(&convert, job.channels)?;
    let filter = codecs::make("capsfilter")?;
    filter.set_property("caps", &form);
    let decoded = sink();
    let encode = codecs::make("avenc_aac")?;
    encode.set_property("bitrate", i32::try_from(job.bitrate_bps).unwrap_or(i32::MAX));
    let samples = gst_app::AppSrc::builder().caps(&form).build();
    let encoded = sink();
    pump.connect(&decoded, &samples);
    write_from(&encoded, writer, pump);
    let bin = gst::Bin::new();
    let resample = codecs::make("audioresample")?;
    add_linked(&bin, &[&convert, &resample, &filter, decoded.upcast_ref()])?;
    add_linked(&bin, &[samples.upcast_ref(), &encode, encoded.upcast_ref()])?;
    let head = convert.static_pad("sink").ok_or_else(|| internal("find the converter's pad"))?;
    let ghost = gst::GhostPad::with_target(&head).map_err(|_| internal("make the converter's pad"))?;
    bin.add_pad(&ghost).map_err(|_| internal("add the converter's pad"))?;
    Ok(bin)
}

fn sink() -> gst_app::AppSink {
    gst_app::AppSink::builder().sync(false).async_(false).enable_last_sample(false).build()
}

fn write_from(encoded: &gst_app::AppSink, writer: &Arc<Mutex<Writer>>, pump: &Arc<Pump>) {
    let (writer, pump) = (writer.clone(), pump.clone());
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let pushed = writer.lock().unwrap_or_else(PoisonError::into_inner).push_frame(&sample);
        pushed.map(|()| gst::FlowSuccess::Ok).map_err(|fault| pump.fail(fault))
    };
    encoded.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(take).build());
}

/// Sets the mix of channels that have no position in the room, as recorders write them. No standard defines it: odd
/// channels go to the left, even ones to the right, and all of them to mono.
fn mix_unplaced_channels(convert: &gst::Element, channels: u8) -> Result<(), Fault> {
    let pad = convert.static_pad("sink").ok_or_else(|| internal("find the converter's pad"))?;
    let convert = convert.downgrade();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let Some(gst::EventView::Caps(caps)) = info.event().map(|event| event.view()) else {
            return gst::PadProbeReturn::Ok;
        };
        let Some(structure) = caps.caps().structure(0) else { return gst::PadProbeReturn::Ok };
        let inputs = structure.get::<i32>("channels").unwrap_or(1);
        let placed = structure.get::<gst::Bitmask>("channel-mask").is_ok_and(|mask| mask.0 != 0);
        if inputs > 2
            && !placed
            && let Some(convert) = convert.upgrade()
        {
            convert.set_property("mix-matrix", mix(inputs, i32::from(channels)));
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

fn mix(inputs: i32, outputs: i32) -> gst::Array {
    let row = |output: i32| {
        let feeds = |input: i32| input % outputs.max(1) == output;
        let share = 1.0 / (0..inputs).filter(|&input| feeds(input)).count().max(1) as f32;
        gst::Array::new((0..inputs).map(|input| if feeds(input) { share } else { 0.0 }))
    };
    gst::Array::new((0..outputs).map(row))
}

fn add_linked(bin: &gst::Bin, elements: &[&gst::Element]) -> Result<(), Fault> {
    bin.add_many(elements.iter().copied()).map_err(|_| internal("add elements for sound"))?;
    gst::Element::link_many(elements.iter().copied()).map_err(|_| internal("link elements for sound"))
}

fn internal(what: &str) -> Fault {
    Fault::new(Code::Internal, format!("could not {what}"))
}

#[cfg(test)]
mod tests;
