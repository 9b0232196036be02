//! The ladder: takes one stream of pictures, and scales and encodes all rungs in parallel.
//!
//! Each rung has its own thread behind a short queue, so scaling and encoding of one rung overlap with decoding and with
//! the other rungs. The slowest rung slows the decoder down.
//!
//! Encoders run at constant quality with an upper limit on the bit rate (capped CRF). Unlike with a bit rate target, the
//! quality does not depend on what was encoded before, so separately encoded chunks look like one encode. Only the gate
//! requests keyframes.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use gst::prelude::*;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{Rung, VideoJob};

use super::gate;
use super::ledger::Ledger;
use super::picture;
use super::rung::RungWriter;
use super::scaler::Scaler;
use crate::codecs;
use crate::colour::ContainerColour;

/// Pictures that wait in front of a rung.
const QUEUED_FRAMES: u32 = 3;
/// Length of the rate limit's buffer, milliseconds.
const VBV_MS: u32 = 2_000;
/// x264's `X264_KEYINT_MAX_INFINITE`.
const KEYINT_INFINITE: u32 = 1 << 30;

/// A sink for decoded pictures.
pub struct Ladder {
    /// The bin, with one sink pad.
    pub bin: gst::Bin,
    /// One per rung, in the job's order.
    pub writers: Vec<Arc<Mutex<RungWriter>>>,
}

impl Ladder {
    /// Builds gate and rungs. With `seeking`, nothing passes before the flush of a seek.
    ///
    /// Fails with `config_invalid` for an unknown preset, and with `internal` if the job's redactions are malformed.
    pub fn new(
        job: &VideoJob,
        seeking: bool,
        ledger: &Arc<Ledger>,
        container: ContainerColour,
    ) -> Result<Self, Fault> {
        let bin = gst::Bin::new();
        let (head, tee) = (codecs::make("identity")?, codecs::make("tee")?);
        let form = codecs::make("capsfilter")?;
        form.set_property("caps", form_caps(None));
        add_linked(&bin, &[&head, &picture::converter()?, &form, &tee])?;
        let sink = pad(&head, "sink")?;
        let ghost = gst::GhostPad::with_target(&sink).map_err(|_| internal("make the ladder's pad"))?;
        bin.add_pad(&ghost).map_err(|_| internal("add the ladder's pad"))?;
        let mut writers = Vec::new();
        for rung in &job.rungs {
            let writer = Arc::new(Mutex::new(RungWriter::new(rung, job, ledger.clone())));
            add_rung(&bin, &tee, job, rung, &writer, ledger)?;
            writers.push(writer);
        }
        let first_caps = Box::new(move |caps: &gst::CapsRef| {
            form.set_property("caps", form_caps(colorimetry(caps)));
        });
        gate::install(&pad(&head, "src")?, job, seeking, ledger.clone(), container, first_caps)?;
        Ok(Self { bin, writers })
    }
}

fn add_rung(
    bin: &gst::Bin,
    tee: &gst::Element,
    job: &VideoJob,
    rung: &Rung,
    writer: &Arc<Mutex<RungWriter>>,
    ledger: &Arc<Ledger>,
) -> Result<(), Fault> {
    let queue = codecs::make("queue")?;
    queue.set_property("max-size-buffers", QUEUED_FRAMES);
    queue.set_property("max-size-bytes", 0u32);
    queue.set_property("max-size-time", 0u64);
    let form = codecs::make("capsfilter")?;
    let avc =
        gst::Caps::builder("video/x-h264").field("stream-format", "avc").field("alignment", "au").build();
    form.set_property("caps", avc);
    let sink = sink(writer, ledger);
    let (scaler, size) = (gst::glib::Object::new::<Scaler>(), codecs::make("capsfilter")?);
    size.set_property("caps", size_caps(rung));
    let encoder = encoder(job, rung)?;
    let chain = [&queue, scaler.upcast_ref(), &size, &encoder, &form, sink.upcast_ref()];
    add_linked(bin, &chain)?;
    tee.link(&queue).map_err(|_| internal("link a rung"))
}

fn size_caps(rung: &Rung) -> gst::Caps {
    let side = |pixels| i32::try_from(pixels).unwrap_or(i32::MAX);
    gst::Caps::builder("video/x-raw")
        .field("width", side(rung.width))
        .field("height", side(rung.height))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build()
}

/// The form of the pictures of all rungs. Of sources in another one, every picture is converted once.
fn form_caps(colorimetry: Option<String>) -> gst::Caps {
    let caps = gst::Caps::builder("video/x-raw").field("format", "I420");
    match colorimetry {
        Some(colorimetry) => caps.field("colorimetry", colorimetry).build(),
        None => caps.build(),
    }
}

/// Colours of the outputs: those of the source, in the limited range that players expect. They stay the same to the end,
/// even if the source changes them.
fn colorimetry(caps: &gst::CapsRef) -> Option<String> {
    let info = gst_video::VideoInfo::from_caps(caps).ok()?;
    let own = info.colorimetry();
    let matrix = match own.matrix() {
        gst_video::VideoColorMatrix::Rgb | gst_video::VideoColorMatrix::Unknown => {
            gst_video::VideoColorMatrix::Bt709
        }
        known => known,
    };
    let range = gst_video::VideoColorRange::Range16_235;
    Some(gst_video::VideoColorimetry::new(range, matrix, own.transfer(), own.primaries()).to_string())
}

fn encoder(job: &VideoJob, rung: &Rung) -> Result<gst::Element, Fault> {
    let encoder = codecs::make("x264enc")?;
    let preset = encoder.find_property("speed-preset").and_then(|property| {
        gst::glib::EnumClass::with_type(property.value_type())?.value_by_nick(&job.preset).map(|_| ())
    });
    if preset.is_none() {
        return Err(Fault::new(Code::ConfigInvalid, "expected an x264 speed preset such as medium"));
    }
    encoder.set_property_from_str("speed-preset", &job.preset);
    encoder.set_property_from_str("pass", "qual");
    // 0 would be lossless, which is no longer High profile; GStreamer's scale ends at 50.
    encoder.set_property("quantizer", u32::from(job.crf).clamp(1, 50));
    encoder.set_property("bitrate", (rung.bitrate_bps / 1_000).max(1));
    encoder.set_property("vbv-buf-capacity", VBV_MS);
    encoder.set_property("key-int-max", KEYINT_INFINITE);
    encoder.set_property("threads", u32::from(job.encoder_threads.max(1)));
    encoder.set_property("aud", false); // an MP4 sample is its own access unit
    encoder.set_property("option-string", format!("scenecut=0:open-gop=0{}", deterministic_asm(rung.width)));
    Ok(encoder)
}

/// Options that disable x264's AVX-512 code where it would read beyond its input: its macroblock tree works on sixteen macroblocks at
/// once, so pictures of another width than a multiple of 256 give different bytes in different runs. With it, 720p takes a
/// twentieth less time.
fn deterministic_asm(width: u32) -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if !width.is_multiple_of(256) && std::arch::is_x86_feature_detected!("avx512bw") {
        return ":asm=MMX2,SSE2Fast,SSSE3,SSE4.2,AVX,FMA3,BMI2,AVX2"; // every such processor has these
    }
    ""
}

fn sink(writer: &Arc<Mutex<RungWriter>>, ledger: &Arc<Ledger>) -> gst_app::AppSink {
    let sink = gst_app::AppSink::builder().sync(false).async_(false).enable_last_sample(false).build();
    let (writer, ledger) = (writer.clone(), ledger.clone());
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let pushed = writer.lock().unwrap_or_else(PoisonError::into_inner).push_frame(&sample);
        pushed.map(|()| gst::FlowSuccess::Ok).map_err(|fault| {
            ledger.fail(fault);
            gst::FlowError::Error
        })
    };
    sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(take).build());
    sink
}

fn add_linked(bin: &gst::Bin, elements: &[&gst::Element]) -> Result<(), Fault> {
    bin.add_many(elements.iter().copied()).map_err(|_| internal("add elements to the ladder"))?;
    gst::Element::link_many(elements.iter().copied()).map_err(|_| internal("link the ladder"))
}

fn pad(element: &gst::Element, name: &str) -> Result<gst::Pad, Fault> {
    element.static_pad(name).ok_or_else(|| internal("find a pad of the ladder"))
}

fn internal(what: &str) -> Fault {
    Fault::new(Code::Internal, format!("could not {what}"))
}
