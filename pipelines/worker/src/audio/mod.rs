//! Encodes the whole sound of a video in one task, one track after the other: decodes it, places it on the output's timeline,
//! measures its loudness, encodes it as AAC and cuts it into CMAF segments.
//!
//! There is one task for any length, because an encoder that starts again at every chunk would put its priming into each
//! chunk. A track that fails costs no other: its fault is a part of the result.

mod clock;
mod loudness;
mod mute;
mod pass_progress;
mod pump;
mod vorbis_start;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;

use gst::prelude::*;
use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{
    AudioEncode, AudioEncoded, AudioEnding, AudioJob, AudioResult, SURROUND_CHANNELS,
};
use reelgate_pipelines::trust;

use crate::codecs;
use crate::demux::{Branch, Demuxed};
use crate::progress_sink::ProgressSink;
use crate::source::Source;
use mute::Mutes;
use pass_progress::PassProgress;
use pump::{Pump, Treatment};
use writer::Writer;

/// Elements that this module may create, so that their plugins are loaded before the jail closes.
pub const ELEMENTS: [&str; 6] =
    ["appsink", "appsrc", "audioconvert", "audioresample", "avenc_aac", "capsfilter"];
/// Front left, right and centre, low frequencies, rear left and right: the order of AAC in 5.1.
const SURROUND_MASK: u64 = 0x3f;

/// Runs the job. Outputs go to `progress_sink`, one per segment, named `audio/…`, `audio-2/…`.
///
/// Fails with the fault of the first encode if none of them works, with `budget_output` of the progress sink, and with
/// `internal` if the job's mutes are malformed. Faults of one track are those of the demuxer and the decoder,
/// `no_frame_decodes` if no sound was decoded, and `timestamps_broken` if the sound jumps further than any pause.
pub fn run(
    job: &AudioJob,
    source: &Source,
    progress_sink: Arc<dyn ProgressSink>,
) -> Result<AudioResult, Fault> {
    Mutes::new(job)?;
    let progress = PassProgress::new(progress_sink);
    let mut encodes = Vec::new();
    let mut first_fault = None;
    for encode in &job.encodes {
        encodes.push(match encoded(job, encode, source, &progress) {
            Ok(encoded) => AudioEnding::Encoded(encoded),
            Err(fault) if trust::concerns_one_track(fault.code) => {
                let fault = trust::fault(fault, true)?;
                first_fault.get_or_insert_with(|| fault.clone());
                AudioEnding::Failed(fault)
            }
            Err(fault) => return Err(fault),
        });
    }
    let result = AudioResult { encodes };
    match first_fault {
        Some(fault) if result.encoded().next().is_none() => Err(fault),
        _ => Ok(result),
    }
}

fn encoded(
    job: &AudioJob,
    encode: &AudioEncode,
    source: &Source,
    progress: &Arc<PassProgress>,
) -> Result<AudioEncoded, Fault> {
    let mut treatment = Treatment { gain: 1.0, mutes: Mutes::new(job)? };
    if let Some(target_lufs) = job.loudness_lufs {
        // Without mutes, so that a redaction does not change how loud the rest is.
        let plain = Treatment { gain: 1.0, mutes: Mutes::default() };
        let pump = Arc::new(Pump::new(job, encode, plain, progress.clone())?);
        let bin = bin(job, encode, &pump, None)?;
        decode(job, encode, source, &pump, &bin)?;
        treatment.gain = pump.levels()?.gain(f64::from(target_lufs));
        progress.end_pass();
    }
    let pump = Arc::new(Pump::new(job, encode, treatment, progress.clone())?);
    let writer = Arc::new(Mutex::new(Writer::new(job, encode, progress.clone())));
    let bin = bin(job, encode, &pump, Some(&writer))?;
    let placed = decode(job, encode, source, &pump, &bin)?;
    progress.end_pass();
    let (samples_in, samples_filled, samples_cut, _) = pump.counts();
    let track = writer.lock().unwrap_or_else(PoisonError::into_inner).finish(placed)?;
    let loudness = Some(pump.levels()?.loudness());
    Ok(AudioEncoded { track, samples_in, samples_filled, samples_cut, loudness })
}

/// Decodes a track to its end into the bin. Returns the number of samples placed.
fn decode(
    job: &AudioJob,
    encode: &AudioEncode,
    source: &Source,
    pump: &Pump,
    bin: &gst::Bin,
) -> Result<u64, Fault> {
    let (wanted, bin, container) = (encode.track, bin.clone(), job.container);
    let demuxed = Demuxed::open(source, job.container, move |track| {
        if track.index != wanted {
            return Ok(Branch::Ignore);
        }
        let mut chain = codecs::decoder(&track.caps, 1)?;
        if let Some(decoder) = chain.last().filter(|decoder| decoder.has_property("max-errors")) {
            decoder.set_property("max-errors", -1); // damaged packets leave gaps, which the pump fills
        }
        let is_vorbis = || codecs::describe(&track.caps).codec == "vorbis";
        if let Some(decoder) = chain.last().filter(|_| container == Container::Ogg && is_vorbis()) {
            vorbis_start::cut(decoder);
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
    let (_, _, samples_cut, placed) = pump.counts();
    if placed == 0 {
        let detail = format!("no sound to encode, {samples_cut} samples cut");
        return Err(Fault::new(Code::NoFrameDecodes, detail));
    }
    Ok(placed)
}

/// Converter and pump in one sink bin, with the encoder if there is a writer.
fn bin(
    job: &AudioJob,
    encode: &AudioEncode,
    pump: &Arc<Pump>,
    writer: Option<&Arc<Mutex<Writer>>>,
) -> Result<gst::Bin, Fault> {
    let mut form = gst::Caps::builder("audio/x-raw")
        .field("format", "F32LE")
        .field("layout", "interleaved")
        .field("rate", i32::try_from(job.sample_rate).unwrap_or(i32::MAX))
        .field("channels", i32::from(encode.channels));
    if encode.channels == SURROUND_CHANNELS {
        form = form.field("channel-mask", gst::Bitmask::new(SURROUND_MASK));
    }
    let form = form.build();
    let convert = codecs::make("audioconvert")?;
    mix_unplaced_channels(&convert, encode.channels)?;
    let filter = codecs::make("capsfilter")?;
    filter.set_property("caps", &form);
    let decoded = sink();
    let bin = gst::Bin::new();
    let resample = codecs::make("audioresample")?;
    add_linked(&bin, &[&convert, &resample, &filter, decoded.upcast_ref()])?;
    match writer {
        None => pump.connect(&decoded, None),
        Some(writer) => {
            let encoder = codecs::make("avenc_aac")?;
            encoder.set_property("bitrate", i32::try_from(encode.bitrate_bps).unwrap_or(i32::MAX));
            let samples = gst_app::AppSrc::builder().caps(&form).build();
            let encoded = sink();
            pump.connect(&decoded, Some(&samples));
            write_from(&encoded, writer, pump);
            add_linked(&bin, &[samples.upcast_ref(), &encoder, encoded.upcast_ref()])?;
        }
    }
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
#[cfg(test)]
mod track_tests;
