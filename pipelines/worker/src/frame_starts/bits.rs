//! Reads bits from the most significant one on, and the Exp-Golomb codes of H.264 (ISO/IEC 14496-10, 9.1).

pub struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// An unsigned number of `count` bits, at most 32.
    pub fn number(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |number, _| Some(number << 1 | u32::from(self.bit()?)))
    }

    /// `ue(v)`.
    pub fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.number(zeros)?)
    }

    /// `se(v)`.
    pub fn signed(&mut self) -> Option<i64> {
        let code = i64::from(self.unsigned()?);
        Some(if code % 2 == 1 { (code + 1) / 2 } else { -code / 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_the_standard_lists_them() {
        // 1, 010, 011, 00100, then 00101 as a signed code, then the end.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let unsigned: Vec<_> = (0..4).map(|_| bits.unsigned()).collect();
        assert_eq!(unsigned, [Some(0), Some(1), Some(2), Some(3)]);
        assert_eq!(bits.signed(), Some(-2));
        assert_eq!(bits.unsigned(), None);
        assert_eq!(Bits::new(&[0; 9]).unsigned(), None, "no code is this long");
    }
}
