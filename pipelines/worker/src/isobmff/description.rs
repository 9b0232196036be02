//! The content of sample descriptions (ISO/IEC 14496-12, 8.5.2).

use std::collections::BTreeMap;

use gstreamer as gst;

use crate::inspect::boxes::Header;
use crate::source::Source;

/// Bytes read of one sample description. Set-up data of real codecs has some kilobytes.
const DESCRIPTION_BYTES_MAX: u64 = 1 << 20;

/// The boxes in a sample description, by their type. The first of each counts.
pub struct Content<'a>(BTreeMap<[u8; 4], &'a [u8]>);

impl<'a> Content<'a> {
    pub fn of(mut bytes: &'a [u8]) -> Self {
        let mut found = BTreeMap::new();
        // QuickTime ends lists with four zero bytes, and some writers pad.
        while let Some((kind, body, rest)) = next_box(bytes) {
            found.entry(*kind).or_insert(body);
            bytes = rest;
        }
        Self(found)
    }

    pub fn get(&self, kind: [u8; 4]) -> Option<&'a [u8]> {
        self.0.get(&kind).copied()
    }
}

/// The bytes of a sample description after its header, as far as they are read.
pub fn bytes(source: &Source, entry: Header) -> Vec<u8> {
    let wanted = entry.end.saturating_sub(entry.body).min(DESCRIPTION_BYTES_MAX);
    let mut bytes = vec![0; wanted as usize]; // bounded
    let read = source.read_at(entry.body, &mut bytes).unwrap_or(0);
    bytes.truncate(read);
    bytes
}

pub fn simple(name: &str) -> gst::Caps {
    gst::Caps::new_empty_simple(name)
}

/// The name of a format that nothing here knows.
pub fn unknown(family: &str, format: [u8; 4]) -> String {
    let shown = |b: u8| if b.is_ascii_alphanumeric() { char::from(b.to_ascii_lowercase()) } else { '_' };
    let format: String = format.into_iter().map(shown).collect();
    format!("{family}/x-gst-fourcc-{format}")
}

pub fn buffer(bytes: &[u8]) -> gst::Buffer {
    gst::Buffer::from_slice(bytes.to_vec())
}

/// Type and content of the first box, and what is behind it; `None` if no whole box is there.
pub fn next_box(bytes: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, _) = rest.split_first_chunk::<4>()?;
    let size = u32::from_be_bytes(*size) as usize;
    let body = bytes.get(8..size)?;
    Some((kind, body, &bytes[size..]))
}
