//! Frames of MPEG-2 video (ISO/IEC 13818-2). A field picture that follows the first field of a frame is its second field.

use super::start_codes::after_start_codes;

const PICTURE: u8 = 0x00;
const EXTENSION: u8 = 0xB5;
const PICTURE_CODING_EXTENSION: u8 = 8;
const FRAME: u8 = 3;

#[derive(Default)]
pub struct Mpeg2 {
    /// The last picture was the first field of a frame.
    unpaired: bool,
}

impl Mpeg2 {
    pub fn flush(&mut self) {
        self.unpaired = false;
    }

    pub fn begins_frame(&mut self, bytes: &[u8]) -> bool {
        let (mut begins, mut in_picture) = (false, false);
        for at in after_start_codes(bytes) {
            match &bytes[at..] {
                [PICTURE, ..] if in_picture => begins |= self.is_first(FRAME),
                [PICTURE, ..] => in_picture = true,
                [EXTENSION, first, _, third, ..] if in_picture && first >> 4 == PICTURE_CODING_EXTENSION => {
                    in_picture = false;
                    let structure = third & 3;
                    begins |= self.is_first(structure);
                    if structure == FRAME {
                        return begins; // no field follows in this packet, so the rest need not be searched
                    }
                }
                _ => {}
            }
        }
        // A picture without the extension is one of MPEG-1: a frame.
        begins || (in_picture && self.is_first(FRAME))
    }

    fn is_first(&mut self, structure: u8) -> bool {
        let completes = structure != FRAME && self.unpaired;
        self.unpaired = structure != FRAME && !completes;
        !completes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(structure: u8) -> Vec<u8> {
        vec![0, 0, 1, 0, 0, 0x8F, 0xFF, 0, 0, 1, 0xB5, 0x8F, 0xFF, 0xF0 | structure, 0, 0, 0, 1, 1, 9]
    }

    #[test]
    fn fields_pair_and_frames_do_not() {
        let mut mpeg2 = Mpeg2::default();
        let order = [1, 2, 2, 1, 3, 3, 1, 3].map(picture);
        let begins: Vec<bool> = order.iter().map(|packet| mpeg2.begins_frame(packet)).collect();
        assert_eq!(begins, [true, false, true, false, true, true, true, true]);
    }

    #[test]
    fn both_fields_in_one_packet_are_one_frame_and_headers_are_none() {
        let mut mpeg2 = Mpeg2::default();
        assert!(mpeg2.begins_frame(&[picture(1), picture(2)].concat()));
        assert!(mpeg2.begins_frame(&picture(1)));
        assert!(!mpeg2.begins_frame(&[0, 0, 1, 0xB3, 1, 2, 3, 4]), "a sequence header alone");
        mpeg2.flush();
        assert!(mpeg2.begins_frame(&picture(2)));
    }
}
