//! Elements between decoder and ladder: they turn fields into frames, rotate the picture, and convert it to a paintable
//! format if the job has redactions.

use gstreamer as gst;
use gstreamer_video as gst_video;

use gst::prelude::*;
use reelgate_flow::facts::Rotation;
use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::VideoJob;

use super::cover::FORMATS;
use crate::{codecs, deinterlace};

/// The elements in link order; often there are none.
pub fn elements(job: &VideoJob) -> Result<Vec<gst::Element>, Fault> {
    let mut chain = Vec::new();
    if job.interlaced {
        chain.extend([converter()?, deinterlace::element()?]);
    }
    let method = flip_method(job.rotation)?;
    if method != "none" {
        let flip = codecs::make("videoflip")?;
        flip.set_property_from_str("method", method);
        chain.extend([converter()?, flip]);
    }
    if !job.redactions.is_empty() {
        let paintable = codecs::make("capsfilter")?;
        paintable.set_property("caps", gst_video::VideoCapsBuilder::new().format_list(FORMATS).build());
        chain.extend([converter()?, paintable]);
    }
    Ok(chain)
}

/// A converter of formats that cannot scale. One that can scale would already convert to the size of one rung here, and
/// all larger rungs would then be enlarged from it.
pub fn converter() -> Result<gst::Element, Fault> {
    codecs::make("videoconvert")
}

/// `videoflip`'s name of a clockwise rotation that is followed by a left-to-right mirror.
fn flip_method(rotation: Rotation) -> Result<&'static str, Fault> {
    match (rotation.degrees, rotation.mirrored) {
        (0, false) => Ok("none"),
        (90, false) => Ok("clockwise"),
        (180, false) => Ok("rotate-180"),
        (270, false) => Ok("counterclockwise"),
        (0, true) => Ok("horizontal-flip"),
        (90, true) => Ok("upper-left-diagonal"),
        (180, true) => Ok("vertical-flip"),
        (270, true) => Ok("upper-right-diagonal"),
        (degrees, _) => Err(Fault::new(
            Code::Internal,
            format!("expected a rotation by quarter turns, found {degrees} degrees"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_that_is_no_quarter_turn_is_refused() {
        let rotation = |degrees, mirrored| Rotation { degrees, mirrored };
        assert_eq!(flip_method(rotation(270, false)), Ok("counterclockwise"));
        assert_eq!(flip_method(rotation(90, true)), Ok("upper-left-diagonal"));
        assert_eq!(flip_method(rotation(45, false)).unwrap_err().code, Code::Internal);
    }
}
