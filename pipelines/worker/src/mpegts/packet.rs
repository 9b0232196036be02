//! Transport packets (ISO/IEC 13818-1, 2.4.3.2) and the headers of packetized elementary streams (2.4.3.6).

/// Bytes of a packet.
pub const PACKET_BYTES: usize = 188;
const SYNC: u8 = 0x47;

/// A transport packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    pub pid: u16,
    /// A section or a packet of an elementary stream begins in it.
    pub begins: bool,
    pub scrambled: bool,
    /// The stream announces a break of its clock.
    pub breaks: bool,
    /// Decoding can start here.
    pub random_access: bool,
    pub continuity: u8,
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// `None` if the bytes are no packet, or one that was damaged on the way.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let bytes = bytes.get(..PACKET_BYTES)?;
        if bytes[0] != SYNC || bytes[1] & 0x80 != 0 {
            return None;
        }
        let control = bytes[3] >> 4 & 3;
        let mut payload = &bytes[4..];
        let mut flags = 0;
        if control & 2 != 0 {
            let length = usize::from(bytes[4]);
            flags = if length > 0 { bytes[5] } else { 0 };
            payload = bytes.get(5 + length..)?;
        }
        Some(Self {
            pid: u16::from(bytes[1] & 0x1F) << 8 | u16::from(bytes[2]),
            begins: bytes[1] & 0x40 != 0,
            scrambled: bytes[3] & 0xC0 != 0,
            breaks: flags & 0x80 != 0,
            random_access: flags & 0x40 != 0,
            continuity: bytes[3] & 0xF,
            payload: if control & 1 != 0 { payload } else { &[] },
        })
    }
}

/// The header of a packet of an elementary stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PesHeader {
    /// Time of presentation, ticks of 33 bits.
    pub shown: Option<i64>,
    /// Time of decoding, if it differs.
    pub decode: Option<i64>,
    /// Bytes of the header.
    pub bytes: usize,
    /// Bytes of the content; `None` until the next packet begins.
    pub content_bytes: Option<usize>,
}

impl PesHeader {
    /// `None` if a packet does not begin here.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let [0, 0, 1, id, l0, l1, rest @ ..] = bytes else { return None };
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let after = |used: usize| length.checked_sub(used).filter(|_| length > 0);
        // Maps, padding, private data of the second kind, and control messages have no header (2.4.3.7).
        if matches!(id, 0xBC | 0xBE | 0xBF | 0xF0..=0xF2 | 0xF8 | 0xFF) {
            return Some(Self { shown: None, decode: None, bytes: 6, content_bytes: after(0) });
        }
        let [first, flags, header, fields @ ..] = rest else { return None };
        if first >> 6 != 2 {
            return None;
        }
        let header = usize::from(*header);
        let fields = fields.get(..header.min(fields.len()))?;
        let shown = if flags & 0x80 != 0 { time(fields) } else { None };
        let decode = if flags & 0xC0 == 0xC0 { fields.get(5..).and_then(time) } else { None };
        Some(Self { shown, decode, bytes: 9 + header, content_bytes: after(3 + header) })
    }
}

fn time(fields: &[u8]) -> Option<i64> {
    let [a, b, c, d, e] = *fields.first_chunk::<5>()?;
    let high = i64::from(a >> 1 & 7) << 30;
    let middle = i64::from(u16::from_be_bytes([b, c]) >> 1) << 15;
    Some(high | middle | i64::from(u16::from_be_bytes([d, e]) >> 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_has_its_flags_and_its_payload_behind_the_adaptation_field() {
        let mut bytes = [0xAA; PACKET_BYTES];
        bytes[..7].copy_from_slice(&[0x47, 0x41, 0x00, 0x35, 2, 0xC0, 0]);
        let packet = Packet::read(&bytes).unwrap();
        assert_eq!((packet.pid, packet.begins, packet.continuity), (0x100, true, 5));
        assert!(packet.breaks && packet.random_access && !packet.scrambled);
        assert_eq!(packet.payload.len(), PACKET_BYTES - 7);
        bytes[4] = 184;
        assert!(Packet::read(&bytes).is_none(), "the field is longer than the packet");
        bytes[0] = 0;
        assert!(Packet::read(&bytes).is_none());
    }

    #[test]
    fn a_header_has_both_times_and_the_length_of_the_content() {
        let header =
            [0, 0, 1, 0xE0, 0, 20, 0x80, 0xC0, 10, 0x3F, 0xFF, 0xFF, 0xFF, 0xFF, 0x11, 0, 1, 0, 3, 7];
        let expected =
            PesHeader { shown: Some((1 << 33) - 1), decode: Some(1), bytes: 19, content_bytes: Some(7) };
        assert_eq!(PesHeader::read(&header), Some(expected));
        assert_eq!(PesHeader::read(&[0, 0, 1, 0xE0, 0, 0, 0x80, 0, 0]).unwrap().content_bytes, None);
        assert_eq!(PesHeader::read(&[0, 0, 1, 0xBF, 0, 4, 1]).unwrap().bytes, 6);
        for cut in [&[][..], &[0, 0, 1, 0xE0], &[0, 0, 1, 0xE0, 0, 0, 0x80], &[0, 0, 2, 0, 0, 0, 0x80, 0, 0]]
        {
            assert_eq!(PesHeader::read(cut), None);
        }
    }
}
