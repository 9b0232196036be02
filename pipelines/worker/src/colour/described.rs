//! What the colours of decoded pictures mean.
//!
//! Three parties may describe them: the stream (H.264 and H.265 in their VUI, JPEG by its nature), the container, and
//! nobody. The stream counts more than the container, and what neither describes is guessed from the size, as players do.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_video as gst_video;

use gst::prelude::*;
use gst_video::{
    VideoColorMatrix as Matrix, VideoColorPrimaries as Primaries, VideoColorRange as Range, VideoColorimetry,
    VideoTransferFunction as Transfer,
};

/// Most lines of standard definition: 576 in Europe (ITU-R BT.601). A picture with more lines and no description is BT.709.
const SD_LINES_MAX: u32 = 576;
/// Pixels in a line from which a picture is high definition, however few lines a wide film has. Players based on libplacebo
/// draw both lines there. GStreamer does not know the second, and takes 2,160 lines for BT.2020, which is rarely true.
const HD_WIDTH_MIN: u32 = 1_280;

/// What the container says about the colours of a track. It is read while the demuxer describes the track, and used when the
/// first picture is decoded.
#[derive(Clone, Default)]
pub struct ContainerColour {
    said: Arc<Mutex<Option<VideoColorimetry>>>,
}

impl ContainerColour {
    /// Reads the caps at a demuxer.
    pub fn of(caps: &gst::CapsRef) -> Self {
        let colour = Self::default();
        colour.set(container_said(caps));
        colour
    }

    /// Reads the caps at a demuxer, and removes the container's word from those that reach the first element behind it.
    /// Otherwise the element would take it for the word of the stream.
    pub fn read(&self, caps: &gst::CapsRef, first: Option<&gst::Element>) {
        self.set(container_said(caps));
        let Some(pad) = first.and_then(|element| element.static_pad("sink")) else { return };
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
            let caps = match info.event().map(|event| event.view()) {
                Some(gst::EventView::Caps(event)) => event.caps_owned(),
                _ => return gst::PadProbeReturn::Ok,
            };
            if caps.structure(0).is_some_and(describes_itself) {
                let mut silent = caps;
                for structure in silent.make_mut().iter_mut() {
                    structure.remove_field("colorimetry");
                }
                info.data = Some(gst::PadProbeData::Event(gst::event::Caps::new(&silent)));
            }
            gst::PadProbeReturn::Ok
        });
    }

    fn set(&self, said: Option<VideoColorimetry>) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }

    fn get(&self) -> Option<VideoColorimetry> {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Codecs whose stream can describe everything, and whose parser or decoder keeps what the container says instead.
fn describes_itself(structure: &gst::StructureRef) -> bool {
    let is_mpeg2 = || structure.get::<i32>("mpegversion").is_ok_and(|version| version == 2);
    match structure.name().as_str() {
        "video/x-h264" | "video/x-h265" => true,
        "video/mpeg" => is_mpeg2(),
        _ => false,
    }
}

/// `container-colour` is a field of our demuxer: the numbers of ISO/IEC 23091-2 (H.273) and `full`, `limited` or nothing. Other
/// demuxers use GStreamer's own field.
fn container_said(caps: &gst::CapsRef) -> Option<VideoColorimetry> {
    let structure = caps.structure(0)?;
    let Ok(text) = structure.get::<&str>("container-colour") else { return said(caps) };
    let mut parts = text.split(':');
    let mut number = || parts.next()?.parse::<u32>().ok();
    let (primaries, transfer, matrix) = (number()?, number()?, number()?);
    let range = match parts.next() {
        Some("full") => Range::Range0_255,
        Some("limited") => Range::Range16_235,
        _ => Range::Unknown,
    };
    let (primaries, transfer) = (Primaries::from_iso(primaries), Transfer::from_iso(transfer));
    Some(VideoColorimetry::new(range, Matrix::from_iso(matrix), transfer, primaries))
}

/// The description in caps, unlike `VideoInfo`, which guesses where there is none.
fn said(caps: &gst::CapsRef) -> Option<VideoColorimetry> {
    let text = caps.structure(0)?.get::<&str>("colorimetry").ok()?;
    VideoColorimetry::from_str(text).ok()
}

/// What the stream and the container say together; unknown where neither says anything.
pub fn described(decoded: &gst::CapsRef, container: &ContainerColour) -> VideoColorimetry {
    let unknown =
        || VideoColorimetry::new(Range::Unknown, Matrix::Unknown, Transfer::Unknown, Primaries::Unknown);
    let stream = said(decoded).unwrap_or_else(unknown);
    let container = container.get().unwrap_or_else(unknown);
    let range = if stream.range() == Range::Unknown { container.range() } else { stream.range() };
    let matrix = if stream.matrix() == Matrix::Unknown { container.matrix() } else { stream.matrix() };
    let transfer =
        if stream.transfer() == Transfer::Unknown { container.transfer() } else { stream.transfer() };
    let primaries =
        if stream.primaries() == Primaries::Unknown { container.primaries() } else { stream.primaries() };
    VideoColorimetry::new(range, matrix, transfer, primaries)
}

/// The colours of Y'CbCr pictures, with a guess for everything that is not described.
pub fn resolved(info: &gst_video::VideoInfo, known: &VideoColorimetry) -> VideoColorimetry {
    let is_hdr = is_hdr(known.transfer());
    let is_sd = info.height() <= SD_LINES_MAX && info.width() < HD_WIDTH_MIN;
    let range = if known.range() == Range::Unknown { Range::Range16_235 } else { known.range() };
    let matrix = match (known.matrix(), known.primaries()) {
        // R'G'B' is no description of a picture that is stored as Y'CbCr.
        (Matrix::Unknown | Matrix::Rgb, Primaries::Bt2020) => Matrix::Bt2020,
        (Matrix::Unknown | Matrix::Rgb, _) if is_hdr => Matrix::Bt2020,
        (Matrix::Unknown | Matrix::Rgb, Primaries::Bt709) => Matrix::Bt709,
        (Matrix::Unknown | Matrix::Rgb, Primaries::Bt470bg | Primaries::Smpte170m) => Matrix::Bt601,
        (Matrix::Unknown | Matrix::Rgb, _) => {
            if is_sd {
                Matrix::Bt601
            } else {
                Matrix::Bt709
            }
        }
        (matrix, _) => matrix,
    };
    let primaries = match (known.primaries(), matrix) {
        (Primaries::Unknown, _) if is_hdr => Primaries::Bt2020,
        (Primaries::Unknown, Matrix::Bt2020) => Primaries::Bt2020,
        (Primaries::Unknown, Matrix::Smpte240m) => Primaries::Smpte240m,
        // 625 lines have the primaries of the EBU, 525 lines those of SMPTE (BT.601, 3.6). A JPEG has BT.601's matrix at any
        // size, and the primaries of BT.709 (T.871 leaves them to sRGB).
        (Primaries::Unknown, Matrix::Bt601) if info.height() == SD_LINES_MAX => Primaries::Bt470bg,
        (Primaries::Unknown, Matrix::Bt601) if is_sd => Primaries::Smpte170m,
        (Primaries::Unknown, _) => Primaries::Bt709,
        (primaries, _) => primaries,
    };
    let transfer = match (known.transfer(), primaries) {
        (Transfer::Unknown, Primaries::Bt470bg | Primaries::Smpte170m) => Transfer::Bt601,
        (Transfer::Unknown, Primaries::Bt2020) => Transfer::Bt202010,
        (Transfer::Unknown, Primaries::Smpte240m) => Transfer::Smpte240m,
        (Transfer::Unknown, _) => Transfer::Bt709,
        (transfer, _) => transfer,
    };
    VideoColorimetry::new(range, matrix, transfer, primaries)
}

fn is_hdr(transfer: Transfer) -> bool {
    matches!(transfer, Transfer::Smpte2084 | Transfer::AribStdB67)
}

/// Whether a screen for BT.709 shows other colours than those that are meant, however it treats matrix and range.
pub fn needs_map(colours: &VideoColorimetry) -> bool {
    is_hdr(colours.transfer()) || matches!(colours.primaries(), Primaries::Bt2020 | Primaries::Smpteeg432)
}

#[cfg(test)]
mod tests;
