//! Reading of one tag value, bounded, and what counts as text.

use crate::source::Source;

/// Bytes read of one value.
pub const VALUE_BYTES_MAX: usize = 64 << 10;

/// A tag contradicts what it declares, or cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Damaged;

/// Up to `bytes_max` bytes of a range of the source.
pub fn read(source: &Source, start: u64, end: u64, bytes_max: usize) -> Result<Vec<u8>, Damaged> {
    let length = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX).min(bytes_max);
    let mut bytes = vec![0; length];
    let count = source.read_at(start, &mut bytes).map_err(|_| Damaged)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// The bytes as text; `None` unless they are UTF-8 without control characters.
pub fn plain_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?.trim_matches(['\0', ' ', '\r', '\n']);
    let is_text = !text.is_empty() && !text.contains(|c: char| c.is_control() && !c.is_whitespace());
    is_text.then_some(text)
}

/// Bytes of the source at any place, read in blocks, for walks over many small headers.
pub struct Window<'a> {
    source: &'a Source,
    start: u64,
    block: Vec<u8>,
}

/// Bytes of one block.
const BLOCK_BYTES: usize = 64 << 10;

impl<'a> Window<'a> {
    pub fn new(source: &'a Source) -> Self {
        Self { source, start: 0, block: Vec::new() }
    }

    /// `length` bytes at a place; `None` if the source ends before.
    pub fn get(&mut self, at: u64, length: usize) -> Option<&[u8]> {
        let end = at.checked_add(length as u64)?;
        if at < self.start || end > self.start + self.block.len() as u64 {
            self.block.resize(length.max(BLOCK_BYTES), 0);
            let read = self.source.read_at(at, &mut self.block).ok()?;
            self.block.truncate(read);
            self.start = at;
        }
        let from = usize::try_from(at - self.start).ok()?;
        self.block.get(from..from.checked_add(length)?)
    }

    /// The same with a length that is known when compiling.
    pub fn array<const N: usize>(&mut self, at: u64) -> Option<[u8; N]> {
        self.get(at, N)?.try_into().ok()
    }
}

/// Text in UTF-8, or in ISO 8859-1 where it is not UTF-8. Its code points equal those of Unicode.
pub fn utf8_or_latin(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}
