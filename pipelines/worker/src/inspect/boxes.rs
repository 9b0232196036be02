//! Reads ISO base media boxes (ISO/IEC 14496-12, 4.2) and their tables without trusting any size.
//!
//! At most one block of a table is in memory. Every number that this module returns was read from the file, inside the box
//! that claims to contain it.

use reelgate_flow::reason::{Code, Fault};

use crate::source::Source;

/// Bytes of a table read at once.
const BLOCK_BYTES: usize = 32 * 1024;

/// One box and its declared position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Four-character code.
    pub kind: [u8; 4],
    /// First byte of its content.
    pub body: u64,
    /// Byte after its last one. It may be past the end of the enclosing box.
    pub end: u64,
}

/// The boxes in a range of the source, in order. The iteration ends after a box that extends past the range, and before
/// trailing bytes that are too few for a header.
pub struct Boxes<'a> {
    source: &'a Source,
    at: u64,
    end: u64,
}

impl<'a> Boxes<'a> {
    /// Over the bytes from `start` to before `end`.
    pub fn new(source: &'a Source, start: u64, end: u64) -> Self {
        Self { source, at: start, end }
    }
}

impl Iterator for Boxes<'_> {
    type Item = Result<Header, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.end.checked_sub(self.at)?;
        if left < 8 {
            return None;
        }
        let at = self.at;
        let header = read_header(self.source, at, self.end);
        self.at = header.as_ref().map_or(u64::MAX, |header| header.end);
        Some(header)
    }
}

fn read_header(source: &Source, at: u64, end: u64) -> Result<Header, Fault> {
    let mut fields = Fields::new(source, at, end);
    let short = fields.u32()?;
    let kind = fields.u32()?.to_be_bytes();
    let (header_bytes, size) = match short {
        0 => (8, end - at),
        1 => (16, fields.u64()?),
        size => (8, u64::from(size)),
    };
    if size < header_bytes {
        let detail = format!("a box at byte {at} declares {size} bytes, fewer than its own header");
        return Err(Fault::new(Code::DamagedIndex, detail));
    }
    Ok(Header { kind, body: at + header_bytes, end: at.saturating_add(size) })
}

/// Big-endian fields in a range of the source. Reads fail with `damaged_index` if the range ends too early.
pub struct Fields<'a> {
    source: &'a Source,
    at: u64,
    end: u64,
    block: Vec<u8>,
    used: usize,
}

impl<'a> Fields<'a> {
    /// Over the bytes from `start` to before `end`.
    pub fn new(source: &'a Source, start: u64, end: u64) -> Self {
        Self { source, at: start, end, block: Vec::new(), used: 0 }
    }

    /// Bytes left in the range.
    pub fn left(&self) -> u64 {
        self.end.saturating_sub(self.at) + (self.block.len() - self.used) as u64
    }

    pub fn skip(&mut self, bytes: u64) -> Result<(), Fault> {
        let buffered = (self.block.len() - self.used) as u64;
        if bytes <= buffered {
            self.used += bytes as usize; // at most the length of the block
            return Ok(());
        }
        if bytes > self.left() {
            return Err(ends_early(self.end));
        }
        self.at += bytes - buffered;
        self.used = self.block.len();
        Ok(())
    }

    pub fn u8(&mut self) -> Result<u8, Fault> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Result<u16, Fault> {
        self.take().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Fault> {
        self.take().map(u32::from_be_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Fault> {
        self.take().map(u64::from_be_bytes)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        if self.block.len() - self.used < N {
            self.refill(N)?;
        }
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.block[self.used..self.used + N]);
        self.used += N;
        Ok(bytes)
    }

    fn refill(&mut self, wanted: usize) -> Result<(), Fault> {
        self.block.drain(..self.used);
        self.used = 0;
        let room = self.end.saturating_sub(self.at).min(BLOCK_BYTES as u64) as usize;
        let unread = self.block.len();
        self.block.resize(unread + room, 0);
        let read = self.source.read_at(self.at, &mut self.block[unread..]);
        let read = read.map_err(|error| {
            Fault::new(Code::Internal, format!("the source cannot be read: {}", error.kind()))
        })?;
        self.block.truncate(unread + read);
        self.at += read as u64;
        if self.block.len() < wanted {
            return Err(ends_early(self.end));
        }
        Ok(())
    }
}

fn ends_early(end: u64) -> Fault {
    Fault::new(Code::DamagedIndex, format!("a table that ends at byte {end} is shorter than it declares"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::source;

    #[test]
    fn boxes_are_read_in_order_with_short_long_and_open_sizes() {
        let mut bytes = b"\0\0\0\x09freex".to_vec();
        bytes.extend(b"\0\0\0\x01wide\0\0\0\0\0\0\0\x11y");
        bytes.extend(b"\0\0\0\0mdatzz");
        let source = source(&bytes);
        let found: Vec<_> = Boxes::new(&source, 0, source.size_bytes()).map(Result::unwrap).collect();
        let ends: Vec<_> = found.iter().map(|found| (&found.kind, found.body, found.end)).collect();
        assert_eq!(ends, [(b"free", 8, 9), (b"wide", 25, 26), (b"mdat", 34, 36)]);
    }

    #[test]
    fn a_box_past_the_end_is_the_last_and_a_box_smaller_than_its_header_is_an_error() {
        let past = source(b"\0\0\0\x01moov\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\x08free");
        let found: Vec<_> = Boxes::new(&past, 0, past.size_bytes()).collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].as_ref().unwrap().end, i64::MAX as u64);
        let small = source(b"\0\0\0\x03free\0\0\0\0");
        let found: Vec<_> = Boxes::new(&small, 0, small.size_bytes()).collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].as_ref().unwrap_err().code, Code::DamagedIndex);
    }

    #[test]
    fn fields_stop_at_the_end_of_their_range_across_blocks() {
        let bytes: Vec<u8> = (0..BLOCK_BYTES as u32 + 2).flat_map(u32::to_be_bytes).collect();
        let source = source(&bytes);
        let mut fields = Fields::new(&source, 0, source.size_bytes() - 4);
        fields.skip(4).unwrap();
        for expected in 1..BLOCK_BYTES as u32 + 1 {
            assert_eq!(fields.u32().unwrap(), expected);
        }
        assert_eq!(fields.left(), 0);
        assert_eq!(fields.u8().unwrap_err().code, Code::DamagedIndex);
        assert!(Fields::new(&source, 0, 8).skip(9).is_err());
    }
}
