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
