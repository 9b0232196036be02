//! Frames of H.264 (ISO/IEC 14496-10). Two fields of opposite parity and the same frame number that follow one another in
//! decoding order are one frame.

use std::collections::HashMap;

use gstreamer as gst;

use super::bits::Bits;
use super::start_codes::after_start_codes;

/// Bytes read of a slice header. Its first fields need about ten.
const SLICE_BYTES: usize = 32;
/// Bytes read of a parameter set.
const PARAMETERS_BYTES_MAX: usize = 4_096;

/// Parameter sets, and a field that waits for the other one of its frame.
#[derive(Default)]
pub struct H264 {
    /// Bytes of the length in front of each unit; `None` if start codes separate the units.
    length_bytes: Option<usize>,
    sequences: HashMap<u32, Sequence>,
    /// Id of the sequence parameter set by id of the picture parameter set.
    pictures: HashMap<u32, u32>,
    unpaired: Option<Picture>,
}

/// What a slice header depends on.
#[derive(Clone, Copy)]
struct Sequence {
    separate_planes: bool,
    frame_number_bits: u32,
    frames_only: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Picture {
    frame_number: u32,
    /// Whether a field is the bottom field; `None` for a frame.
    bottom: Option<bool>,
}

impl H264 {
    pub fn of(caps: &gst::CapsRef) -> Self {
        let mut h264 = Self::default();
        h264.set_caps(caps);
        h264
    }

    pub fn set_caps(&mut self, caps: &gst::CapsRef) {
        let record = caps.structure(0).and_then(|caps| caps.get::<gst::Buffer>("codec_data").ok());
        self.length_bytes = None;
        if let Some(record) = record.as_ref().and_then(|record| record.map_readable().ok()) {
            // A record that breaks off leaves out parameter sets, which the stream may repeat.
            let _ = self.read_record(&record);
        }
    }

    pub fn flush(&mut self) {
        self.unpaired = None;
    }

    pub fn begins_frame(&mut self, bytes: &[u8]) -> bool {
        let mut begins = false;
        let mut previous = None;
        for unit in units(bytes, self.length_bytes) {
            match unit.first().map_or(0, |header| header & 0x1F) {
                1 | 2 | 5 => {
                    let Some(picture) = self.picture(unit) else { return true }; // the decoder judges it
                    if previous == Some(picture) {
                        continue; // another slice of the same picture
                    }
                    previous = Some(picture);
                    begins |= self.is_first(picture);
                    if picture.bottom.is_none() {
                        return begins; // no field follows in this packet, so the rest need not be searched
                    }
                }
                7 => _ = self.add_sequence(unit),
                8 => _ = self.add_picture(unit),
                _ => {}
            }
        }
        begins
    }

    /// Whether a picture is a frame or the first field of one.
    fn is_first(&mut self, picture: Picture) -> bool {
        let unpaired = self.unpaired.take();
        let completes = unpaired.is_some_and(|field| {
            picture.bottom.is_some()
                && picture.bottom != field.bottom
                && picture.frame_number == field.frame_number
        });
        if !completes && picture.bottom.is_some() {
            self.unpaired = Some(picture);
        }
        !completes
    }

    /// Reads the beginning of a slice header (7.3.3).
    fn picture(&self, unit: &[u8]) -> Option<Picture> {
        let header = without_escapes(unit.get(1..)?, SLICE_BYTES);
        let mut bits = Bits::new(&header);
        bits.unsigned()?; // first_mb_in_slice
        bits.unsigned()?; // slice_type
        let sequence = self.sequences.get(self.pictures.get(&bits.unsigned()?)?)?;
        if sequence.separate_planes {
            bits.number(2)?;
        }
        let frame_number = bits.number(sequence.frame_number_bits)?;
        let is_field = !sequence.frames_only && bits.bit()?;
        let bottom = if is_field { Some(bits.bit()?) } else { None };
        Some(Picture { frame_number, bottom })
    }

    /// Reads a decoder configuration record (ISO/IEC 14496-15, 5.3.3.1).
    fn read_record(&mut self, record: &[u8]) -> Option<()> {
        self.length_bytes = Some(usize::from(record.get(4)? & 3) + 1);
        let mut rest = record.get(5..)?;
        let sequences = take(&mut rest, 1)?[0] & 0x1F;
        for _ in 0..sequences {
            let unit = take_unit(&mut rest)?;
            self.add_sequence(unit);
        }
        for _ in 0..take(&mut rest, 1)?[0] {
            let unit = take_unit(&mut rest)?;
            self.add_picture(unit);
        }
        Some(())
    }

    /// Reads a sequence parameter set (7.3.2.1.1) up to the kind of its pictures.
    fn add_sequence(&mut self, unit: &[u8]) -> Option<()> {
        let body = without_escapes(unit.get(1..)?, PARAMETERS_BYTES_MAX);
        let mut bits = Bits::new(&body);
        let profile = bits.number(8)?;
        bits.number(16)?; // constraints, level
        let id = bits.unsigned()?;
        let mut separate_planes = false;
        if [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].contains(&profile) {
            let chroma = bits.unsigned()?;
            separate_planes = chroma == 3 && bits.bit()?;
            bits.unsigned()?; // bit depth of luma
            bits.unsigned()?; // bit depth of chroma
            bits.bit()?; // lossless transform
            if bits.bit()? {
                for list in 0..if chroma == 3 { 12 } else { 8 } {
                    if bits.bit()? {
                        skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        let frame_number_bits = bits.unsigned()? + 4;
        match bits.unsigned()? {
            0 => _ = bits.unsigned()?,
            1 => {
                bits.bit()?;
                bits.signed()?;
                bits.signed()?;
                for _ in 0..bits.unsigned()?.min(255) {
                    bits.signed()?;
                }
            }
            _ => {}
        }
        bits.unsigned()?; // reference frames
        bits.bit()?; // gaps in frame numbers
        bits.unsigned()?; // width
        bits.unsigned()?; // height
        let frames_only = bits.bit()?;
        if id < 32 && frame_number_bits <= 16 {
            self.sequences.insert(id, Sequence { separate_planes, frame_number_bits, frames_only });
        }
        Some(())
    }

    /// Reads the beginning of a picture parameter set (7.3.2.2).
    fn add_picture(&mut self, unit: &[u8]) -> Option<()> {
        let body = without_escapes(unit.get(1..)?, SLICE_BYTES);
        let mut bits = Bits::new(&body);
        let (id, sequence) = (bits.unsigned()?, bits.unsigned()?);
        if id < 256 && sequence < 32 {
            self.pictures.insert(id, sequence);
        }
        Some(())
    }
}

/// Units of a packet. With start codes, a unit extends to the end of the packet: only its beginning is read.
fn units(bytes: &[u8], length_bytes: Option<usize>) -> Box<dyn Iterator<Item = &[u8]> + '_> {
    let Some(length_bytes) = length_bytes else {
        return Box::new(after_start_codes(bytes).map(|at| &bytes[at..]));
    };
    let mut rest = bytes;
    Box::new(std::iter::from_fn(move || {
        let length = take(&mut rest, length_bytes)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let present = length.min(rest.len());
        take(&mut rest, present)
    }))
}

fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(bytes)?;
    *rest = left;
    Some(taken)
}

fn take_unit<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take(rest, 2)?;
    take(rest, usize::from(length[0]) << 8 | usize::from(length[1]))
}

/// The payload without the bytes that prevent start codes (7.4.1), up to `bytes_max`.
fn without_escapes(bytes: &[u8], bytes_max: usize) -> Vec<u8> {
    let mut payload = Vec::with_capacity(bytes.len().min(bytes_max));
    let mut zeros = 0;
    for &byte in bytes.iter().take(bytes_max) {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        payload.push(byte);
    }
    payload
}

/// 7.3.2.1.1.1.
fn skip_scaling_list(bits: &mut Bits<'_>, size: u32) -> Option<()> {
    let (mut last, mut next) = (8, 8);
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.signed()?).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a unit from its bits. Spaces separate the fields.
    fn unit(header: u8, bits: &str) -> Vec<u8> {
        let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
        let bytes =
            bits.chunks(8).map(|bits| bits.iter().enumerate().fold(0, |b, (n, bit)| b | bit << (7 - n)));
        [0, 0, 1, header].into_iter().chain(bytes).collect()
    }

    /// Parameter sets of a stream whose pictures may be fields, with frame numbers of four bits.
    fn interlaced() -> H264 {
        let mut h264 = H264::default();
        // Main profile, id 0, frame numbers of 4 bits, order type 2, 1 reference, no gaps, sides, not only frames.
        let sequence = unit(0x67, "01001101 00000000 00011110 1 1 011 010 0 1 1 0 1");
        let picture = unit(0x68, "1 1 1");
        assert!(!h264.begins_frame(&[sequence, picture].concat()), "parameters are no picture");
        h264
    }

    /// A slice of a field (or of a frame, if `bottom` is empty) with this frame number.
    fn slice(frame_number: u8, bottom: &str) -> Vec<u8> {
        let field = if bottom.is_empty() { "0".to_owned() } else { format!("1 {bottom}") };
        unit(0x41, &format!("1 1 1 {frame_number:04b} {field} 10101010"))
    }

    #[test]
    fn two_fields_of_one_frame_number_begin_one_frame() {
        let mut h264 = interlaced();
        let order = [slice(0, "0"), slice(0, "1"), slice(1, "1"), slice(1, "0"), slice(2, ""), slice(3, "0")];
        let begins: Vec<bool> = order.iter().map(|packet| h264.begins_frame(packet)).collect();
        assert_eq!(begins, [true, false, true, false, true, true]);
    }

    #[test]
    fn a_field_of_another_number_or_of_the_same_parity_begins_a_frame() {
        let mut h264 = interlaced();
        let order = [slice(0, "0"), slice(1, "1"), slice(1, "1"), slice(1, "0"), slice(1, "0")];
        let begins: Vec<bool> = order.iter().map(|packet| h264.begins_frame(packet)).collect();
        assert_eq!(begins, [true, true, true, false, true]);
        h264.flush();
        assert!(h264.begins_frame(&slice(1, "1")), "nothing is paired over a seek");
    }

    #[test]
    fn both_fields_in_one_packet_and_several_slices_are_one_frame() {
        let mut h264 = interlaced();
        let both = [slice(0, "0"), slice(0, "0"), slice(0, "1"), slice(0, "1")].concat();
        assert!(h264.begins_frame(&both));
        assert!(h264.begins_frame(&slice(0, "1")), "the pair before is complete");
    }

    #[test]
    fn slices_without_parameters_count_as_frames() {
        assert!(H264::default().begins_frame(&slice(0, "0")));
    }

    #[test]
    fn units_with_lengths_are_read_by_the_record() {
        gst::init().unwrap();
        let [sequence, picture] =
            [unit(0x67, "01001101 00000000 00011110 1 1 011 010 0 1 1 0 1"), unit(0x68, "1 1 1")];
        let with_length = |unit: &[u8]| [&[0, unit.len() as u8 - 3], &unit[3..]].concat();
        let record =
            [&[1, 77, 0, 30, 0xFD, 0xE1][..], &with_length(&sequence), &[1], &with_length(&picture)].concat();
        let caps = gst::Caps::builder("video/x-h264").field("codec_data", gst::Buffer::from_slice(record));
        let mut h264 = H264::of(&caps.build());
        assert!(h264.begins_frame(&with_length(&slice(5, "0"))));
        assert!(!h264.begins_frame(&with_length(&slice(5, "1"))));
        assert!(!h264.begins_frame(&[0xFF, 0xFF, 9]), "a length past the end");
    }
}
