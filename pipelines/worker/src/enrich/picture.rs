//! A decoded and scaled picture in the format that measuring and JPEG share: planar Y'CbCr 4:2:0 in JFIF's colours (BT.601
//! matrix, full range; ITU-T T.871). So luma is measured and stored without another conversion.

use gstreamer as gst;
use gstreamer_video as gst_video;

use reelgate_flow::reason::{Code, Fault};

use crate::colour::ToJfif;

/// Planes without padding. Width and height are even and at least 2.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    /// Pixels in a line of luma.
    pub width: usize,
    /// Lines of luma.
    pub height: usize,
    /// Luma, `width * height` bytes.
    pub luma: Vec<u8>,
    /// Blue difference, a quarter as many bytes as luma.
    pub blue: Vec<u8>,
    /// Red difference, a quarter as many bytes as luma.
    pub red: Vec<u8>,
}

impl Picture {
    /// Copies a frame out of GStreamer's buffer, and converts its colours.
    ///
    /// Fails with `internal` if the sample does not have the format that the pipeline must deliver.
    pub fn from_sample(sample: &gst::Sample, colours: &ToJfif) -> Result<Self, Fault> {
        let caps = sample.caps().ok_or_else(|| unexpected("caps"))?;
        let info = gst_video::VideoInfo::from_caps(caps).map_err(|_| unexpected("caps of video"))?;
        let (width, height) = (info.width() as usize, info.height() as usize);
        let even = width >= 2 && height >= 2 && width.is_multiple_of(2) && height.is_multiple_of(2);
        if !even {
            return Err(unexpected("a picture of even size"));
        }
        let buffer = sample.buffer().ok_or_else(|| unexpected("a buffer"))?;
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info)
            .map_err(|_| unexpected("a readable frame"))?;
        let [luma, blue, red] = colours.planes(&frame).ok_or_else(|| unexpected("three whole planes"))?;
        Ok(Self { width, height, luma, blue, red })
    }
}

fn unexpected(what: &str) -> Fault {
    Fault::new(Code::Internal, format!("expected {what} from the scaler"))
}

#[cfg(test)]
impl Picture {
    /// A picture whose luma is given per pixel, without colour.
    pub fn grey(width: usize, height: usize, luma: impl Fn(usize, usize) -> u8) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let neutral = vec![128; width * height / 4];
        Self {
            width,
            height,
            luma: pixels.map(|(x, y)| luma(x, y)).collect(),
            blue: neutral.clone(),
            red: neutral,
        }
    }
}
