//! Sections, the association table and the map of a program (ISO/IEC 13818-1, 2.4.4).

/// Bytes of a section of these tables.
const SECTION_BYTES_MAX: usize = 1_024;

/// Collects a section from the payloads of its packets.
#[derive(Clone, Debug, Default)]
pub struct Section {
    bytes: Vec<u8>,
}

impl Section {
    /// Adds the payload of a packet. Returns the section with its table's number in front once it is whole.
    pub fn add(&mut self, payload: &[u8], begins: bool) -> Option<Vec<u8>> {
        if begins {
            let pointer = usize::from(*payload.first()?);
            self.bytes = payload.get(1 + pointer..)?.to_vec();
        } else if !self.bytes.is_empty() {
            self.bytes.extend_from_slice(payload);
        }
        let length = 3 + usize::from(u16::from_be_bytes([*self.bytes.get(1)?, *self.bytes.get(2)?]) & 0xFFF);
        if length > SECTION_BYTES_MAX {
            self.bytes.clear();
            return None;
        }
        if self.bytes.len() < length {
            return None;
        }
        let mut section = std::mem::take(&mut self.bytes);
        section.truncate(length);
        Some(section)
    }
}

/// The content of a section that is in force, without its header and its check sum; `None` for another table.
fn content(section: &[u8], table: u8) -> Option<&[u8]> {
    let in_force = section.get(5)? & 1 == 1;
    let end = section.len().checked_sub(4)?;
    section.get(8..end).filter(|_| section[0] == table && in_force)
}

/// Where the maps of the programs are.
pub fn association(section: &[u8]) -> Vec<u16> {
    let entries = content(section, 0).unwrap_or_default().chunks_exact(4);
    let of = |entry: &[u8]| (u16::from_be_bytes([entry[0], entry[1]]), pid([entry[2], entry[3]]));
    // Program 0 is the network's table.
    entries.map(of).filter(|(program, _)| *program != 0).map(|(_, pid)| pid).collect()
}

/// An elementary stream of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Elementary {
    pub pid: u16,
    pub stream_type: u8,
    /// Each with its tag and its length.
    pub descriptors: Vec<u8>,
    /// The format identifier of the program (2.6.8).
    pub registered: Option<[u8; 4]>,
}

/// The streams of a program.
pub fn map(section: &[u8]) -> Option<Vec<Elementary>> {
    let body = content(section, 2)?;
    let length = usize::from(u16::from_be_bytes([*body.get(2)?, *body.get(3)?]) & 0xFFF);
    let registered = registration(body.get(4..4 + length)?);
    let mut rest = body.get(4 + length..)?;
    let mut streams = Vec::new();
    while let Some(([kind, p0, p1, l0, l1], after)) = rest.split_first_chunk::<5>() {
        let length = usize::from(u16::from_be_bytes([*l0, *l1]) & 0xFFF).min(after.len());
        let (descriptors, after) = after.split_at(length);
        rest = after;
        let descriptors = descriptors.to_vec();
        streams.push(Elementary { pid: pid([*p0, *p1]), stream_type: *kind, descriptors, registered });
    }
    Some(streams)
}

fn pid(bytes: [u8; 2]) -> u16 {
    u16::from_be_bytes(bytes) & 0x1FFF
}

/// The content of the first descriptor with this tag.
pub fn descriptor(mut descriptors: &[u8], tag: u8) -> Option<&[u8]> {
    while let [found, length, rest @ ..] = descriptors {
        let body = rest.get(..usize::from(*length))?;
        if *found == tag {
            return Some(body);
        }
        descriptors = &rest[usize::from(*length)..];
    }
    None
}

/// The format identifier of a registration descriptor (2.6.8).
pub fn registration(descriptors: &[u8]) -> Option<[u8; 4]> {
    descriptor(descriptors, 5)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(table: u8, body: &[u8]) -> Vec<u8> {
        let length = body.len() as u16 + 9;
        let [l0, l1] = (0xB000 | length).to_be_bytes();
        [&[table, l0, l1, 0, 1, 0xC1, 0, 0][..], body, &[9; 4]].concat()
    }

    #[test]
    fn tables_are_read_across_packets() {
        let map_section = section(
            2,
            &[
                0xE1, 0, 0xF0, 6, 5, 4, b'H', b'D', b'M', b'V', 0x1B, 0xE1, 0, 0xF0, 0, 6, 0xE1, 1, 0xF0, 3,
                0x6A, 1, 0,
            ],
        );
        let mut collected = Section::default();
        let with_pointer = [&[2, 7, 7][..], &map_section[..12]].concat();
        assert_eq!(collected.add(&with_pointer, true), None);
        let whole = collected.add(&[&map_section[12..], &[0xFF; 9]].concat(), false).unwrap();
        let streams = map(&whole).unwrap();
        assert_eq!(streams.len(), 2);
        assert_eq!(
            (streams[0].pid, streams[0].stream_type, streams[0].registered),
            (0x100, 0x1B, Some(*b"HDMV"))
        );
        assert_eq!(descriptor(&streams[1].descriptors, 0x6A), Some(&[0][..]));
        assert_eq!(descriptor(&streams[1].descriptors, 0x7A), None);
        let programs = section(0, &[0, 0, 0xE0, 0x10, 0, 1, 0xF0, 0]);
        assert_eq!(association(&programs), [0x1000]);
        assert_eq!(association(&whole), [0u16; 0]);
    }

    #[test]
    fn damaged_tables_are_none() {
        assert_eq!(Section::default().add(&[], true), None);
        assert_eq!(Section::default().add(&[9, 0, 0], true), None);
        assert_eq!(Section::default().add(&[0, 2, 0xFF, 0xFF, 0], true), None);
        assert_eq!(map(&section(2, &[0xE1, 0, 0xFF, 0xFF])), None);
        assert!(map(&section(2, &[0xE1, 0, 0xF0, 0, 0x1B])).unwrap().is_empty());
    }
}
