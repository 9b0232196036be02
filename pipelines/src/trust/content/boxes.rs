//! Reads boxes of ISO BMFF (ISO/IEC 14496-12 4.2) that must come in a known order, as our own writer writes them.

use reelgate_flow::reason::Fault;

use crate::trust::range_checks::untrue;

/// Bytes of size and type.
pub const HEADER_BYTES: usize = 8;

/// Number of the one track that every file has.
pub const TRACK: u32 = 1;

/// The size of a box with its header, and its type. Sizes of 0 (to the end of the file) and 1 (64 bits) are refused: no
/// output of a worker needs them.
pub fn header(bytes: &[u8; HEADER_BYTES]) -> Result<(u32, [u8; 4]), Fault> {
    let [a, b, c, d, kind @ ..] = *bytes;
    let size = u32::from_be_bytes([a, b, c, d]);
    if (size as usize) < HEADER_BYTES {
        return Err(untrue(
            "a box with its size in 32 bits",
            &format!("a box {} of size {size}", name(kind)),
        ));
    }
    Ok((size, kind))
}

/// A type as it may be shown: the worker's bytes only if they are letters or digits.
pub fn name(kind: [u8; 4]) -> String {
    let shown = kind.map(|b| if b.is_ascii_alphanumeric() { char::from(b) } else { '?' });
    shown.iter().collect()
}

/// The children of a box that are not read yet.
pub struct Boxes<'a> {
    parent: &'static str,
    rest: &'a [u8],
}

impl<'a> Boxes<'a> {
    pub fn new(parent: &'static str, bytes: &'a [u8]) -> Self {
        Self { parent, rest: bytes }
    }

    /// The body of the next box, which must be of this type.
    pub fn next(&mut self, kind: &'static [u8; 4]) -> Result<&'a [u8], Fault> {
        let expected = || format!("a box {} in {}", name(*kind), self.parent);
        let Some((head, _)) = self.rest.split_first_chunk() else {
            return Err(untrue(&expected(), "its end"));
        };
        let (size, found) = header(head)?;
        if found != *kind {
            return Err(untrue(&expected(), &format!("a box {}", name(found))));
        }
        let Some((whole, rest)) = self.rest.split_at_checked(size as usize) else {
            return Err(untrue(
                &format!("{} of at most {} bytes", name(*kind), self.rest.len()),
                &size.to_string(),
            ));
        };
        self.rest = rest;
        Ok(&whole[HEADER_BYTES..])
    }

    /// The body of the next box if it is of this type.
    pub fn next_if(&mut self, kind: &'static [u8; 4]) -> Result<Option<&'a [u8]>, Fault> {
        let is_next = self.rest.get(4..HEADER_BYTES).is_some_and(|found| found == kind);
        if is_next { self.next(kind).map(Some) } else { Ok(None) }
    }

    /// Fails if there is more.
    pub fn end(self) -> Result<(), Fault> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let found = self.rest.get(4..HEADER_BYTES).and_then(|kind| kind.try_into().ok());
        let found = found
            .map_or_else(|| format!("{} bytes", self.rest.len()), |kind| format!("a box {}", name(kind)));
        Err(untrue(&format!("the end of {}", self.parent), &found))
    }
}

/// A body of exactly this many bytes.
pub fn exactly<'a, const N: usize>(what: &str, body: &'a [u8]) -> Result<&'a [u8; N], Fault> {
    body.try_into().map_err(|_| untrue(&format!("{what} of {N} bytes"), &body.len().to_string()))
}

/// Four bytes at a position that is known to exist.
pub fn u32_at<const N: usize>(body: &[u8; N], at: usize) -> u32 {
    u32::from_be_bytes([body[at], body[at + 1], body[at + 2], body[at + 3]])
}

/// Two bytes at a position that is known to exist.
pub fn u16_at<const N: usize>(body: &[u8; N], at: usize) -> u16 {
    u16::from_be_bytes([body[at], body[at + 1]])
}
