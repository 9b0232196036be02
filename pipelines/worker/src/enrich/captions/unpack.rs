//! Unpacks caption data from its wrappings to triplets of CTA-708 (4.4).

/// The format of a buffer of captions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrapping {
    /// Plain triplets, as inside video.
    Triplets,
    /// Pairs of field 1 only.
    Pairs,
    /// A byte with field and line in front of each pair (SMPTE 334-1, Annex A).
    S334,
    /// A caption distribution packet (SMPTE 334-2).
    Packet,
}

impl Wrapping {
    /// The wrapping by the caps of a caption track.
    pub fn of(name: &str, format: &str) -> Option<Self> {
        match (name, format) {
            (_, "cc_data") => Some(Self::Triplets),
            ("closedcaption/x-cea-608", "raw") => Some(Self::Pairs),
            ("closedcaption/x-cea-608", "s334-1a") => Some(Self::S334),
            ("closedcaption/x-cea-708", "cdp") => Some(Self::Packet),
            _ => None,
        }
    }
}

/// The triplets of a buffer; none if it is broken.
pub fn triplets(wrapping: Wrapping, bytes: &[u8]) -> Vec<[u8; 3]> {
    match wrapping {
        Wrapping::Triplets => bytes.chunks_exact(3).map(|t| [t[0], t[1], t[2]]).collect(),
        Wrapping::Pairs => bytes.chunks_exact(2).map(|pair| [0xfc, pair[0], pair[1]]).collect(),
        // The highest bit is set for field 1.
        Wrapping::S334 => {
            let head = |byte: u8| if byte & 0x80 != 0 { 0xfc } else { 0xfd };
            bytes.chunks_exact(3).map(|t| [head(t[0]), t[1], t[2]]).collect()
        }
        Wrapping::Packet => distribution_packet(bytes).unwrap_or_default(),
    }
}

/// A header of seven bytes, a time code of five bytes if it is flagged, then the caption data.
fn distribution_packet(bytes: &[u8]) -> Option<Vec<[u8; 3]>> {
    let (head, mut rest) = bytes.split_at_checked(7).filter(|(head, _)| head.starts_with(&[0x96, 0x69]))?;
    if head[4] & 0x80 != 0 {
        rest = rest.get(5..)?;
    }
    let (section, rest) = rest.split_at_checked(2).filter(|(section, _)| section[0] == 0x72)?;
    let data = rest.get(..usize::from(section[1] & 0x1f) * 3)?;
    Some(triplets(Wrapping::Triplets, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrapping_gives_its_triplets() {
        assert_eq!(triplets(Wrapping::Triplets, &[0xfc, 1, 2, 9]), [[0xfc, 1, 2]]);
        assert_eq!(triplets(Wrapping::Pairs, &[1, 2]), [[0xfc, 1, 2]]);
        assert_eq!(triplets(Wrapping::S334, &[0x80, 1, 2, 0x00, 3, 4]), [[0xfc, 1, 2], [0xfd, 3, 4]]);
        let packet = [0x96, 0x69, 0x10, 0x4f, 0x43, 0, 0, 0x72, 0xe1, 0xfc, 1, 2, 0x74];
        assert_eq!(triplets(Wrapping::Packet, &packet), [[0xfc, 1, 2]]);
        let timed = [0x96, 0x69, 0x10, 0x4f, 0xc3, 0, 0, 0x71, 0, 0, 0, 0, 0x72, 0xe1, 0xfc, 1, 2];
        assert_eq!(triplets(Wrapping::Packet, &timed), [[0xfc, 1, 2]]);
        assert!(triplets(Wrapping::Packet, &packet[..10]).is_empty());
    }
}
