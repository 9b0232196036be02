//! Decides what a packet is to the count: the count must be that of the frames which a decoder delivers. Inspection and encoding
//! count by the same rules.

use gstreamer as gst;

use gst::prelude::*;
use reelgate_flow::facts::Container;

use crate::codecs;
use crate::frame_starts::FrameStarts;

/// Duration of a frame without one, when it is clipped to the edit. Decoders assume the same.
const FRAME_ASSUMED: gst::ClockTime = gst::ClockTime::from_mseconds(40);

/// One packet of the demuxer or parser. Times are stream time, nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet {
    /// Presentation time, clipped to the edit; `None` if the packet has no time.
    pub start_ns: Option<u64>,
    /// End, if the duration is known.
    pub end_ns: Option<u64>,
    /// Whether decoding can start here.
    pub keyframe: bool,
    /// Whether the time is the presentation time and not the decode time instead.
    pub exact: bool,
}

impl Packet {
    /// Moves it behind.
    pub fn delay(&mut self, delay_ns: u64) {
        let later = |time_ns: u64| time_ns.saturating_add(delay_ns);
        (self.start_ns, self.end_ns) = (self.start_ns.map(later), self.end_ns.map(later));
    }
}

/// The rules of one track and their state between its packets.
pub struct PacketRules {
    /// Which packets begin a frame; `None` if the track is no video.
    pub frames: Option<FrameStarts>,
    /// VP8 has frames that are never shown.
    pub may_hide: bool,
    /// Theora repeats a frame by an empty packet, for which the decoder delivers the frame again.
    pub may_repeat: bool,
    /// The demuxer also delivers the headers of the stream, as packets without a time.
    pub has_headers: bool,
}

/// A packet that changes the count.
pub enum Counted {
    Packet(Packet),
    /// The second field of the frame before, which lasts until then.
    SecondField {
        end_ns: u64,
    },
}

/// Containers whose demuxer delivers whole frames with the times and keyframes of the index. In others, frames are counted behind
/// the parser.
pub fn is_framed(container: Container) -> bool {
    use Container::*;
    matches!(container, IsoBmff | Matroska | Flv | Avi | Ogg | Mxf)
}

impl PacketRules {
    /// The rules of a track with these caps at the demuxer, which a parser follows or not.
    pub fn new(caps: &gst::CapsRef, is_video: bool, has_parser: bool) -> Self {
        let codec = codecs::describe(caps).codec;
        Self {
            frames: is_video.then(|| FrameStarts::of(caps)),
            may_hide: codec == "vp8",
            may_repeat: codec == "theora",
            has_headers: !has_parser,
        }
    }

    /// Forgets an unpaired field, because the next packet does not follow the last one.
    pub fn flush(&mut self) {
        self.frames.iter_mut().for_each(FrameStarts::flush);
    }

    /// Follows a change of format.
    pub fn event(&mut self, event: &gst::EventRef) {
        if let (Some(frames), gst::EventView::Caps(caps)) = (&mut self.frames, event.view()) {
            frames.set_caps(caps.caps());
        }
    }

    /// A packet in stream time; `None` for headers, for gaps, for hidden frames, for packets without a frame, and for
    /// packets that the edit removes completely.
    pub fn count(&mut self, pad: &gst::Pad, buffer: &gst::BufferRef) -> Option<Counted> {
        let flags = buffer.flags();
        let is_header = flags.contains(gst::BufferFlags::HEADER) && buffer.pts().is_none();
        if (is_header && (self.has_headers || self.frames.is_none()))
            || (buffer.size() == 0 && !self.may_repeat)
            || flags.contains(gst::BufferFlags::DECODE_ONLY)
            || (self.may_hide && is_hidden_vp8(buffer))
        {
            return None;
        }
        let begins = self.frames.as_mut().is_none_or(|frames| frames.begins_frame(buffer));
        let keyframe = !flags.contains(gst::BufferFlags::DELTA_UNIT);
        let Some(start) = buffer.pts().or(buffer.dts()) else {
            // A decoder delivers a frame without a time too.
            let counts = begins && self.frames.is_some();
            return counts.then_some(Counted::Packet(Packet {
                start_ns: None,
                end_ns: None,
                keyframe,
                exact: false,
            }));
        };
        let event = pad.sticky_event::<gst::event::Segment>(0)?;
        let segment = event.segment().downcast_ref::<gst::ClockTime>()?;
        let stop = start + buffer.duration().unwrap_or(FRAME_ASSUMED);
        let (clipped, clipped_stop) = segment.clip(start, stop)?;
        let start_ns = segment.to_stream_time(clipped)?.nseconds();
        let end = clipped_stop.and_then(|stop| segment.to_stream_time(stop));
        let end_ns = end.filter(|_| buffer.duration().is_some()).map(gst::ClockTime::nseconds);
        if !begins {
            return end_ns.map(|end_ns| Counted::SecondField { end_ns });
        }
        let exact = buffer.pts().is_some();
        Some(Counted::Packet(Packet { start_ns: Some(start_ns), end_ns, keyframe, exact }))
    }
}

/// VP8 frames that are only references have the `show_frame` bit cleared (RFC 6386, 9.1).
fn is_hidden_vp8(buffer: &gst::BufferRef) -> bool {
    let mut first = [0];
    buffer.copy_to_slice(0, &mut first).is_ok() && first[0] & 0x10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(may_repeat: bool, has_headers: bool) -> PacketRules {
        PacketRules { frames: Some(FrameStarts::default()), may_hide: false, may_repeat, has_headers }
    }

    fn counts(mut rules: PacketRules, bytes: usize, time: Option<u64>, flags: gst::BufferFlags) -> bool {
        gst::init().unwrap();
        let pad = gst::Pad::new(gst::PadDirection::Src);
        pad.set_active(true).unwrap();
        pad.store_sticky_event(&gst::event::StreamStart::new("one")).unwrap();
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        pad.store_sticky_event(&gst::event::Segment::new(&segment)).unwrap();
        let mut buffer = gst::Buffer::with_size(bytes).unwrap();
        let packet = buffer.get_mut().unwrap();
        packet.set_pts(time.map(gst::ClockTime::from_mseconds));
        packet.set_flags(flags);
        rules.count(&pad, &buffer).is_some()
    }

    #[test]
    fn an_empty_packet_is_a_frame_of_theora_only() {
        let flags = gst::BufferFlags::DELTA_UNIT;
        assert!(counts(rules(true, true), 0, Some(40), flags));
        assert!(!counts(rules(false, true), 0, Some(40), flags));
    }

    #[test]
    fn a_picture_without_a_time_counts_and_a_header_of_the_stream_does_not() {
        let header = gst::BufferFlags::HEADER;
        assert!(counts(rules(false, false), 9, None, header), "parameter sets in front of a picture");
        assert!(!counts(rules(true, true), 9, None, header), "a header of Theora");
        assert!(counts(rules(true, true), 9, None, gst::BufferFlags::empty()));
        let sound = PacketRules { frames: None, ..rules(false, true) };
        assert!(!counts(sound, 9, None, gst::BufferFlags::empty()));
    }
}
