//! Tells which packets begin a frame. Interlaced pictures may be coded as two fields in two packets, from which a decoder
//! makes one frame. A count of packets would then be twice the count of frames.
//!
//! Only H.264 and MPEG-2 are read. Decoders deliver the fields of other codecs as pictures of their own.

mod bits;
mod h264;
mod mpeg2;
mod start_codes;

use gstreamer as gst;

use crate::codecs;
use h264::H264;
use mpeg2::Mpeg2;

/// The state between the packets of one stream, which come in decoding order.
#[derive(Default)]
pub struct FrameStarts {
    codec: Codec,
}

#[derive(Default)]
enum Codec {
    /// Every packet begins a frame.
    #[default]
    Whole,
    H264(H264),
    Mpeg2(Mpeg2),
}

impl FrameStarts {
    /// The state for a stream with these caps.
    pub fn of(caps: &gst::CapsRef) -> Self {
        let mut starts = Self::default();
        starts.set_caps(caps);
        starts
    }

    /// Follows a change of the caps.
    pub fn set_caps(&mut self, caps: &gst::CapsRef) {
        match (codecs::describe(caps).codec.as_ref(), &mut self.codec) {
            ("h264", Codec::H264(known)) => known.set_caps(caps),
            ("h264", _) => self.codec = Codec::H264(H264::of(caps)),
            ("mpeg2video", Codec::Mpeg2(_)) => {}
            ("mpeg2video", _) => self.codec = Codec::Mpeg2(Mpeg2::default()),
            _ => self.codec = Codec::Whole,
        }
    }

    /// Forgets an unpaired field, because the next packet does not follow the last one.
    pub fn flush(&mut self) {
        match &mut self.codec {
            Codec::H264(h264) => h264.flush(),
            Codec::Mpeg2(mpeg2) => mpeg2.flush(),
            Codec::Whole => {}
        }
    }

    /// Whether a frame begins in this packet. It is false for the second field of a frame and for a packet without any
    /// picture.
    pub fn begins_frame(&mut self, buffer: &gst::BufferRef) -> bool {
        let Ok(bytes) = buffer.map_readable() else { return true };
        match &mut self.codec {
            Codec::Whole => true,
            Codec::H264(h264) => h264.begins_frame(&bytes),
            Codec::Mpeg2(mpeg2) => mpeg2.begins_frame(&bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_of_other_codecs_begins_a_frame() {
        gst::init().unwrap();
        let caps = |text: &str| text.parse::<gst::Caps>().unwrap();
        let mut starts = FrameStarts::of(&caps("video/x-vp8"));
        assert!(starts.begins_frame(&gst::Buffer::from_slice([0, 0, 1])));
        starts.set_caps(&caps("video/x-h264, stream-format=byte-stream"));
        assert!(!starts.begins_frame(&gst::Buffer::from_slice([0, 0, 1, 9, 0x10])), "a delimiter alone");
    }
}
