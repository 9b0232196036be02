//! The deinterlacer of all jobs: one frame out for each frame in, at once and with the same time.

mod deep;

use gstreamer as gst;
use gstreamer_video as gst_video;

use gst::prelude::*;
use gst_video::VideoBufferFlags;
use gst_video::prelude::*;
use reelgate_flow::reason::{Code, Fault};

use crate::codecs;
pub use deep::keep_depth;

/// Name of the element, so that its plugin is loaded before the jail closes.
pub const ELEMENT: &str = "deinterlace";

/// Flags by which the element would make no frame or two frames of one.
const FIELD_COUNT: VideoBufferFlags = VideoBufferFlags::ONEFIELD.union(VideoBufferFlags::RFF);

/// An element that fills in the lines of the lower field from those of the upper one.
///
/// The order of the fields does not matter for that. If the element followed it, it would hold a frame whose lower field
/// comes first until the next frame arrives, and a run that needs only this frame would end without it.
pub fn element() -> Result<gst::Element, Fault> {
    let deinterlace = codecs::make(ELEMENT)?;
    deinterlace.set_property_from_str("mode", "auto");
    // Output at the field rate would double the declared rate.
    deinterlace.set_property_from_str("fields", "top");
    deinterlace.set_property_from_str("tff", "tff");
    deinterlace.set_property_from_str("method", "linear");
    let sink = deinterlace.static_pad("sink");
    let sink = sink.ok_or_else(|| Fault::new(Code::Internal, "could not find the deinterlacer's pad"))?;
    sink.add_probe(gst::PadProbeType::BUFFER, |_, info| {
        if let Some(buffer) = info.buffer_mut()
            && buffer.video_flags().intersects(FIELD_COUNT)
        {
            buffer.make_mut().unset_video_flags(FIELD_COUNT);
        }
        gst::PadProbeReturn::Ok
    });
    Ok(deinterlace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gstreamer_app as gst_app;

    /// Times at which frames with these flags leave the element, while only frames before the last one have arrived.
    fn times_out(flags: VideoBufferFlags) -> Vec<u64> {
        gst::init().unwrap();
        let caps = "video/x-raw,format=I420,width=16,height=16,framerate=25/1,interlace-mode=mixed";
        let caps: gst::Caps = caps.parse().unwrap();
        let pipeline = gst::Pipeline::new();
        let source = gst_app::AppSrc::builder().caps(&caps).format(gst::Format::Time).build();
        let sink = gst_app::AppSink::builder().sync(false).build();
        let deinterlace = element().unwrap();
        pipeline.add_many([source.upcast_ref(), &deinterlace, sink.upcast_ref()]).unwrap();
        gst::Element::link_many([source.upcast_ref(), &deinterlace, sink.upcast_ref()]).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let out = (0..3).map(|frame| {
            let mut buffer = gst::Buffer::with_size(384).unwrap();
            let fields = buffer.get_mut().unwrap();
            fields.set_pts(gst::ClockTime::from_mseconds(frame * 40));
            fields.set_duration(gst::ClockTime::from_mseconds(40));
            fields.set_video_flags(flags | VideoBufferFlags::INTERLACED);
            source.push_buffer(buffer).unwrap();
            let sample = sink.try_pull_sample(gst::ClockTime::from_seconds(20));
            let sample = sample.unwrap_or_else(|| panic!("no frame {frame} {flags:?}"));
            sample.buffer().unwrap().pts().unwrap().mseconds()
        });
        let out = out.collect();
        assert!(sink.try_pull_sample(gst::ClockTime::from_mseconds(50)).is_none(), "a frame too many");
        pipeline.set_state(gst::State::Null).unwrap();
        out
    }

    #[test]
    fn each_frame_leaves_at_once_in_any_order_and_number_of_fields() {
        let flags = [
            VideoBufferFlags::TFF,
            VideoBufferFlags::empty(),
            VideoBufferFlags::RFF,
            VideoBufferFlags::RFF | VideoBufferFlags::TFF,
            VideoBufferFlags::ONEFIELD,
            VideoBufferFlags::BOTTOM_FIELD,
        ];
        for flags in flags {
            assert_eq!(times_out(flags), [0, 40, 80], "{flags:?}");
        }
    }
}
