//! Cuts the padding of MP3. Encoders put samples in front of the sound and behind it; the tag that LAME defined, and others
//! write too, counts them ("Mp3 Info Tag rev 1 specifications").
//!
//! The segment is narrowed to the sound, so packets count with what is left of them, and decoders cut to the sample.

use gstreamer as gst;

use gst::prelude::*;

use crate::source::Source;

/// Samples by which every decoder of MP3 is late: those of the filter bank and one more.
const DECODER_DELAY: u64 = 529;
/// Bytes of the tag in front of its delays: encoder, revision, filters and gains.
const BEFORE_DELAYS: usize = 21;
/// Encoders that count as the tag's definition says.
const ENCODERS: [&[u8]; 3] = [b"LAME", b"Lavf", b"Lavc"];

/// Narrows the segment when the first packet leaves, unless GStreamer's parser has read the tag itself, as newer releases do.
pub fn cut(pad: &gst::Pad, source: &Source) {
    let source = source.clone();
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        if let Some(buffer) = info.buffer()
            && !is_cut_by_parser(buffer)
            && let Some(segment) = narrowed(pad, buffer, &source)
        {
            pad.push_event(gst::event::Segment::new(&segment));
        }
        gst::PadProbeReturn::Remove
    });
}

fn is_cut_by_parser(buffer: &gst::BufferRef) -> bool {
    buffer.iter_meta::<gst::Meta>().any(|meta| meta.api().name() == "GstAudioClippingMetaAPI")
}

/// The segment of the sound; `None` if the packet has no tag.
fn narrowed(
    pad: &gst::Pad,
    buffer: &gst::BufferRef,
    source: &Source,
) -> Option<gst::FormattedSegment<gst::ClockTime>> {
    let tag = Tag::read(&buffer.map_readable().ok()?)?;
    let rate = u64::try_from(pad.current_caps()?.structure(0)?.get::<i32>("rate").ok()?).ok()?;
    let event = pad.sticky_event::<gst::event::Segment>(0)?;
    let mut segment = event.segment().downcast_ref::<gst::ClockTime>()?.clone();
    let time = |samples: u64| gst::ClockTime::SECOND.mul_div_round(samples, rate);
    segment.set_start(time(tag.sound.start)?);
    if tag.counts_all_of(source, buffer.offset()) {
        segment.set_stop(time(tag.sound.end)?);
    }
    Some(segment)
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Tag {
    /// Samples that are sound, counted from the first one that is decoded.
    sound: std::ops::Range<u64>,
    /// Bytes from the tag's own frame to the last frame.
    bytes: u64,
}

impl Tag {
    /// Reads the tag in a frame of MPEG audio, layer III. It is `None` where anything is missing.
    fn read(frame: &[u8]) -> Option<Self> {
        let [_, version_layer, _, mode, ..] = *frame else { return None };
        let (is_mpeg1, is_mono) = (version_layer >> 3 & 3 == 3, mode >> 6 == 3);
        if version_layer >> 1 & 3 != 1 {
            return None;
        }
        let side_info = match (is_mpeg1, is_mono) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        };
        let (name, rest) = frame.get(4 + side_info..)?.split_at_checked(4)?;
        if ![b"Xing", b"Info"].contains(&name.first_chunk::<4>()?) {
            return None;
        }
        let (flags, mut rest) = number(rest)?;
        // Both counts must be there: frames and bytes.
        if flags & 3 != 3 {
            return None;
        }
        let (frames, bytes);
        (frames, rest) = number(rest)?;
        (bytes, rest) = number(rest)?;
        let table_and_quality = (flags >> 2 & 1) * 100 + (flags >> 3 & 1) * 4;
        let tag = rest.get(usize::try_from(table_and_quality).ok()?..)?;
        if !ENCODERS.iter().any(|encoder| tag.starts_with(encoder)) {
            return None;
        }
        let delays = u64::from(number(tag.get(BEFORE_DELAYS..)?)?.0 >> 8);
        let all = u64::from(frames) * if is_mpeg1 { 1_152 } else { 576 };
        let start = (delays >> 12) + DECODER_DELAY;
        let end = all.checked_sub((delays & 0xfff).saturating_sub(DECODER_DELAY))?;
        (start < end).then_some(Self { sound: start..end, bytes: bytes.into() })
    }

    /// Whether the file ends where the tag says: neither cut off, nor with other files behind it.
    fn counts_all_of(&self, source: &Source, tag_at: u64) -> bool {
        let Some(end) = tag_at.checked_add(self.bytes).filter(|end| *end <= source.size_bytes()) else {
            return false;
        };
        let mut behind = [0; 2];
        let read = source.read_at(end, &mut behind);
        !(matches!(read, Ok(2)) && behind[0] == 0xff && behind[1] & 0xe0 == 0xe0)
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus;

    fn tagged() -> Vec<u8> {
        let file = std::fs::read(corpus::small("lame.mp3")).unwrap();
        file[20..].to_vec() // without the ID3 tag
    }

    #[test]
    fn the_tag_tells_where_the_sound_begins_and_ends() {
        let file = tagged();
        let tag = Tag::read(&file[..192]).unwrap();
        assert_eq!((tag.sound.clone(), tag.bytes), (1_105..49_105, file.len() as u64));
        assert!(tag.counts_all_of(&corpus::source(&file), 0));
        assert!(!tag.counts_all_of(&corpus::source(&file[..file.len() - 1]), 0), "a cut file");
        let twice = [&file[..], &file[..]].concat();
        assert!(!tag.counts_all_of(&corpus::source(&twice), 0), "one file behind the other");
        assert!(tag.counts_all_of(&corpus::source(&[&file[..], b"TAG an ID3 tag"].concat()), 0));
    }

    #[test]
    fn what_is_no_whole_tag_cuts_nothing() {
        let frame = &tagged()[..192];
        for len in 0..166 {
            assert_eq!(Tag::read(&frame[..len]), None, "{len} bytes");
        }
        let without = |at: usize, byte: u8| {
            let mut frame = frame.to_vec();
            frame[at] = byte;
            Tag::read(&frame)
        };
        assert_eq!(without(1, 0xfd), None, "layer II");
        assert_eq!(without(28, 1), None, "without the count of bytes");
        assert_eq!(without(141, b'x'), None, "another encoder");
        assert_eq!(without(32, 0), None, "fewer samples than padding");
    }
}
