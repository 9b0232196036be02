//! Waits for a pipeline: until its sinks hold their first buffers, or until its end, but never forever.

use gstreamer as gst;

use gst::prelude::*;
use reelgate_flow::reason::{Code, Fault};

use super::link_progress::LinkProgress;

/// The interval at which the caller decides whether to continue.
const TICK: gst::ClockTime = gst::ClockTime::from_mseconds(200);
/// Ticks that a preroll may take. The stall budget of a worker is usually shorter.
const PREROLL_TICKS_MAX: u32 = 600;

pub fn preroll(pipeline: &gst::Pipeline, progress: &LinkProgress) -> Result<(), Fault> {
    set_state(pipeline, progress, gst::State::Paused)?;
    let bus = pipeline.bus().expect("every pipeline has a bus");
    for _ in 0..PREROLL_TICKS_MAX {
        if let Some(message) = bus.timed_pop(TICK)
            && ended(progress, &message)?
        {
            return Ok(());
        }
        if nothing_linked_for_good(progress)? {
            return Err(nothing_linked());
        }
        let linked = progress.lock().linked;
        let (settled, now, _) = pipeline.state(gst::ClockTime::ZERO);
        if linked && settled == Ok(gst::StateChangeSuccess::Success) && now == gst::State::Paused {
            return Ok(());
        }
    }
    Err(Fault::new(Code::BudgetWall, "no first packet came out of the demuxer"))
}

pub fn run(
    pipeline: &gst::Pipeline,
    progress: &LinkProgress,
    tick: &mut dyn FnMut() -> Result<(), Fault>,
) -> Result<(), Fault> {
    set_state(pipeline, progress, gst::State::Playing)?;
    let bus = pipeline.bus().expect("every pipeline has a bus");
    let mut ticked = std::time::Instant::now();
    loop {
        let message = bus.timed_pop(TICK);
        if nothing_linked_for_good(progress)? {
            return Err(nothing_linked());
        }
        if message.is_none() || ticked.elapsed().as_millis() >= u128::from(TICK.mseconds()) {
            ticked = std::time::Instant::now();
            tick()?;
        }
        if let Some(message) = message
            && ended(progress, &message)?
        {
            return tick();
        }
    }
}

fn set_state(pipeline: &gst::Pipeline, progress: &LinkProgress, state: gst::State) -> Result<(), Fault> {
    if pipeline.set_state(state).is_ok() {
        return Ok(());
    }
    // If there is a reason, it is on the bus.
    let bus = pipeline.bus().expect("every pipeline has a bus");
    while let Some(message) = bus.pop_filtered(&[gst::MessageType::Error]) {
        ended(progress, &message)?;
    }
    Err(Fault::new(Code::DamagedIndex, "the demuxer did not start"))
}

/// Whether the stream has ended. Fails if it ended with an error.
fn ended(progress: &LinkProgress, message: &gst::Message) -> Result<bool, Fault> {
    match message.view() {
        gst::MessageView::Eos(_) if progress.lock().linked => Ok(true),
        gst::MessageView::Eos(_) => Err(nothing_linked()),
        gst::MessageView::Error(error) => Err(fault_of(&error.error(), message.src())),
        _ => Ok(false),
    }
}

/// Whether no track can be linked any more: a pipeline without a sink never reports its end. Returns the fault of a
/// branch as an error.
fn nothing_linked_for_good(progress: &LinkProgress) -> Result<bool, Fault> {
    let links = progress.lock();
    match &links.fault {
        Some(fault) => Err(fault.clone()),
        None => Ok(links.complete && !links.linked),
    }
}

fn nothing_linked() -> Fault {
    Fault::new(Code::NoMediaTrack, "no track was found that this job can use")
}

/// The reason code for a GStreamer error. Error texts can quote the file, so only the element's type and the error's
/// number are kept.
fn fault_of(error: &gst::glib::Error, source: Option<&gst::Object>) -> Fault {
    let element = source.and_then(|source| source.downcast_ref::<gst::Element>());
    let factory = element.and_then(|element| element.factory());
    let kind = factory.as_ref().and_then(|factory| factory.metadata("klass")).unwrap_or_default();
    let (code, what) = match classify(error) {
        // The parsers of GStreamer 1.28 drop what is no picture and end with this error; those of 1.22 leave it to the decoder.
        _ if error.matches(gst::StreamError::WrongType)
            && kind.contains("Parser")
            && kind.contains("Video") =>
        {
            (Code::NoFrameDecodes, "no picture in any packet")
        }
        classified => classified,
    };
    let factory = factory.map_or_else(|| String::from("the pipeline"), |factory| factory.name().to_string());
    Fault::new(code, format!("{factory} reports: {what}"))
}

fn classify(error: &gst::glib::Error) -> (Code, &'static str) {
    if let Some(kind) = error.kind::<gst::StreamError>() {
        return match kind {
            gst::StreamError::CodecNotFound => (Code::UnsupportedCodec, "no decoder for the codec"),
            gst::StreamError::Decrypt | gst::StreamError::DecryptNokey => (Code::Encrypted, "encrypted"),
            gst::StreamError::Demux => (Code::DamagedIndex, "cannot demultiplex"),
            gst::StreamError::TypeNotFound | gst::StreamError::WrongType => {
                (Code::DamagedIndex, "the structure does not match the first bytes")
            }
            gst::StreamError::Decode => (Code::DamagedStream, "cannot decode"),
            gst::StreamError::Format => (Code::DamagedStream, "unknown data format"),
            _ => (Code::DamagedStream, "the stream stopped early"),
        };
    }
    if let Some(kind) = error.kind::<gst::CoreError>() {
        return match kind {
            gst::CoreError::MissingPlugin => (Code::PluginMissing, "a plugin is missing"),
            gst::CoreError::Negotiation | gst::CoreError::Caps => {
                (Code::DamagedStream, "the stream changes to a format that cannot be used")
            }
            _ => (Code::Internal, "an error of the media library"),
        };
    }
    if error.matches(gst::ResourceError::Read) {
        return (Code::Internal, "the source cannot be read");
    }
    (Code::DamagedStream, "the stream stopped early")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parser_without_a_picture_says_that_no_frame_decodes() {
        gst::init().unwrap();
        let error = gst::glib::Error::new(gst::StreamError::WrongType, "secret");
        let code = |name: &str| {
            let element = gst::ElementFactory::make(name).build().unwrap();
            fault_of(&error, Some(element.upcast_ref())).code
        };
        assert_eq!(code("h264parse"), Code::NoFrameDecodes);
        assert_eq!(code("aacparse"), Code::DamagedIndex);
        assert_eq!(code("matroskademux"), Code::DamagedIndex);
    }

    #[test]
    fn errors_become_codes_and_lose_their_text() {
        let cases = [
            (gst::glib::Error::new(gst::StreamError::CodecNotFound, "secret"), Code::UnsupportedCodec),
            (gst::glib::Error::new(gst::StreamError::DecryptNokey, "secret"), Code::Encrypted),
            (gst::glib::Error::new(gst::StreamError::Demux, "secret"), Code::DamagedIndex),
            (gst::glib::Error::new(gst::StreamError::Failed, "secret"), Code::DamagedStream),
            (gst::glib::Error::new(gst::CoreError::MissingPlugin, "secret"), Code::PluginMissing),
            (gst::glib::Error::new(gst::ResourceError::Read, "secret"), Code::Internal),
        ];
        for (error, code) in cases {
            let fault = fault_of(&error, None);
            assert_eq!(fault.code, code);
            assert!(!fault.detail.contains("secret"));
        }
    }
}
