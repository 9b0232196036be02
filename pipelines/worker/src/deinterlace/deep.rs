//! Deinterlaces pictures with more than eight bits in a sample, as high dynamic range has them. GStreamer's element takes only eight,
//! so such pictures would lose their depth in front of it. It is the same method: lines of the lower field are the mean of their
//! neighbours. The element passes what is no longer interlaced.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_video as gst_video;

use gst::prelude::*;
use gst_video::prelude::*;
use gst_video::{VideoBufferFlags, VideoFormat, VideoInfo, VideoInterlaceMode};

/// Formats whose samples are little-endian numbers of 16 bits in planes.
const FORMATS: [VideoFormat; 10] = [
    VideoFormat::I42010le,
    VideoFormat::I42210le,
    VideoFormat::Y44410le,
    VideoFormat::I42012le,
    VideoFormat::I42212le,
    VideoFormat::Y44412le,
    VideoFormat::P01010le,
    VideoFormat::P012Le,
    VideoFormat::P016Le,
    VideoFormat::Gray16Le,
];

/// Deinterlaces what a decoder delivers, if it has one of the formats.
pub fn keep_depth(decoder: &gst::Element) {
    let Some(pad) = decoder.static_pad("src") else { return };
    let interlaced: Arc<Mutex<Option<VideoInfo>>> = Arc::default();
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    pad.add_probe(kinds, move |_, info| {
        let mut interlaced = interlaced.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut info.data {
            Some(gst::PadProbeData::Event(event)) => {
                if let gst::EventView::Caps(caps) = event.view() {
                    let caps = caps.caps_owned();
                    *interlaced = VideoInfo::from_caps(&caps).ok().filter(is_deep_and_interlaced);
                    if interlaced.is_some() {
                        *event = gst::event::Caps::new(&progressive(caps));
                    }
                }
            }
            Some(gst::PadProbeData::Buffer(buffer)) => {
                if let Some(format) = &*interlaced {
                    fill_lower_field(buffer.make_mut(), format);
                }
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

fn is_deep_and_interlaced(info: &VideoInfo) -> bool {
    FORMATS.contains(&info.format()) && info.interlace_mode() != VideoInterlaceMode::Progressive
}

fn progressive(mut caps: gst::Caps) -> gst::Caps {
    for structure in caps.make_mut().iter_mut() {
        structure.set("interlace-mode", "progressive");
        structure.remove_field("field-order");
    }
    caps
}

/// Pictures of a mixed stream that are no fields stay as they are.
fn fill_lower_field(buffer: &mut gst::BufferRef, format: &VideoInfo) {
    let fields = VideoBufferFlags::INTERLACED;
    let is_mixed = format.interlace_mode() == VideoInterlaceMode::Mixed;
    if is_mixed && !buffer.video_flags().contains(fields) {
        return;
    }
    buffer.unset_video_flags(fields | VideoBufferFlags::ONEFIELD | VideoBufferFlags::RFF);
    let Ok(mut frame) = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, format) else { return };
    for plane in 0..frame.n_planes() {
        let stride = usize::try_from(frame.plane_stride()[plane as usize]).unwrap_or(0);
        let Ok(samples) = frame.plane_data_mut(plane) else { return };
        fill_odd_rows(samples, stride);
    }
}

fn fill_odd_rows(samples: &mut [u8], stride: usize) {
    if stride == 0 {
        return;
    }
    let rows = samples.len() / stride;
    for row in (1..rows).step_by(2) {
        let (above, rest) = samples[(row - 1) * stride..].split_at_mut(stride);
        let (own, behind) = rest.split_at_mut(stride);
        let below = if row + 1 < rows { &behind[..stride] } else { &above[..] };
        let pairs = above.as_chunks().0.iter().zip(below.as_chunks().0);
        for (own, (above, below)) in own.as_chunks_mut().0.iter_mut().zip(pairs) {
            let sum = u32::from(u16::from_le_bytes(*above)) + u32::from(u16::from_le_bytes(*below));
            *own = u16::try_from(sum.div_ceil(2)).unwrap_or(u16::MAX).to_le_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use gstreamer_app as gst_app;

    use super::*;
    use crate::codecs;

    #[test]
    fn deep_pictures_pass_the_deinterlacer_as_frames_of_the_same_depth() {
        gst::init().unwrap();
        let caps =
            "video/x-raw, format=I420_10LE, width=16, height=16, framerate=25/1, interlace-mode=interleaved";
        let caps: gst::Caps = caps.parse().unwrap();
        let source = gst_app::AppSrc::builder().caps(&caps).format(gst::Format::Time).build();
        let sink = gst_app::AppSink::builder().sync(false).build();
        let [decoder, convert] = ["identity", "videoconvert"].map(|name| codecs::make(name).unwrap());
        keep_depth(&decoder);
        let deinterlace = super::super::element().unwrap();
        let chain: [&gst::Element; 5] =
            [source.upcast_ref(), &decoder, &convert, &deinterlace, sink.upcast_ref()];
        let pipeline = gst::Pipeline::new();
        pipeline.add_many(chain).unwrap();
        gst::Element::link_many(chain).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        // Lines of 16 samples, by turns of the two fields.
        let line = |row: u16| (if row.is_multiple_of(2) { 700u16 } else { 3 }).to_le_bytes().repeat(16);
        let luma: Vec<u8> = (0..16).flat_map(line).collect();
        let mut buffer = gst::Buffer::from_slice([luma, vec![0; 256]].concat());
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::ZERO);
        source.push_buffer(buffer).unwrap();
        source.end_of_stream().unwrap();
        let sample = sink.pull_sample().unwrap();
        let info = VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
        assert_eq!(
            (info.format(), info.interlace_mode()),
            (VideoFormat::I42010le, VideoInterlaceMode::Progressive)
        );
        let bytes = sample.buffer().unwrap().map_readable().unwrap();
        assert!(bytes[..512].chunks(2).all(|sample| u16::from_le_bytes([sample[0], sample[1]]) == 700));
        pipeline.set_state(gst::State::Null).unwrap();
    }

    #[test]
    fn lines_of_the_lower_field_become_the_mean_of_their_neighbours_in_full_depth() {
        let rows = [1_000u16, 9, 801, 9];
        let mut samples: Vec<u8> = rows.iter().flat_map(|row| row.to_le_bytes().repeat(3)).collect();
        fill_odd_rows(&mut samples, 6);
        let rows: Vec<u16> = samples.chunks(6).map(|row| u16::from_le_bytes([row[4], row[5]])).collect();
        assert_eq!(rows, [1_000, 901, 801, 801]);
    }

    #[test]
    fn only_deep_pictures_in_fields_are_taken() {
        gst::init().unwrap();
        let of = |text: &str| {
            let caps: gst::Caps =
                format!("video/x-raw, width=16, height=16, framerate=25/1, {text}").parse().unwrap();
            is_deep_and_interlaced(&VideoInfo::from_caps(&caps).unwrap())
        };
        assert!(of("format=I420_10LE, interlace-mode=interleaved, field-order=top-field-first"));
        assert!(of("format=P010_10LE, interlace-mode=mixed"));
        assert!(!of("format=I420_10LE, interlace-mode=progressive"));
        assert!(!of("format=I420, interlace-mode=interleaved"));
    }
}
