//! Checksums that S3 stores with an object, and the verification of read bytes against them.
//!
//! Amazon S3 User Guide, "Checking object integrity": a full-object checksum covers the object's bytes; a composite one
//! (ends with `-PARTS`) covers the checksums of its parts. CRCs of ranges are combined, so ranges may arrive in any
//! order. SHA-256 is computed over the complete file. SHA-1 and other checksums are not verified.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crc_fast::{CrcAlgorithm, Digest as Crc, checksum, checksum_combine};
use data_encoding::BASE64;
use sha2::{Digest, Sha256};

/// Bytes read at once while hashing a file.
const READ_BYTES: usize = 1 << 18;

/// The algorithms that are verified, preferred first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Algorithm {
    Crc64Nvme,
    Crc32c,
    Crc32,
    Sha256,
}

impl Algorithm {
    /// The CRC algorithm; `None` for SHA-256.
    pub(crate) fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Sha256 => None,
        }
    }

    /// A CRC in S3's form before base64: big-endian.
    fn bytes(self, crc: u64) -> Vec<u8> {
        let all = crc.to_be_bytes();
        if self == Self::Crc64Nvme { all.to_vec() } else { all[4..].to_vec() }
    }
}

/// A checksum that S3 stores for an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StoredChecksum {
    pub algorithm: Algorithm,
    value: Vec<u8>,
    /// Number of parts whose checksums it covers; `None` if it covers the bytes.
    pub parts: Option<u64>,
}

impl StoredChecksum {
    /// Parses `base64` or `base64-PARTS`; `None` if the text is neither.
    pub(crate) fn parse(algorithm: Algorithm, text: &str) -> Option<Self> {
        let (value, parts) = match text.split_once('-') {
            Some((value, parts)) => (value, Some(parts.parse().ok()?)),
            None => (text, None),
        };
        Some(Self { algorithm, value: BASE64.decode(value.as_bytes()).ok()?, parts })
    }

    /// The same checksum of a file, as S3 would have stored it. `pieces` are in order; `part_bytes` are the lengths of the parts.
    pub(crate) fn of(&self, file: &File, pieces: &[Piece], part_bytes: &[u64]) -> io::Result<Self> {
        let sums = match self.algorithm.crc() {
            Some(crc) => crc_of_parts(crc, pieces, part_bytes.len())
                .into_iter()
                .map(|sum| self.algorithm.bytes(sum))
                .collect(),
            None => sha256_of_parts(file, part_bytes)?,
        };
        let value = sums.concat();
        let value = if self.parts.is_some() { self.over(&value) } else { value };
        Ok(Self { value, ..self.clone() })
    }

    fn over(&self, bytes: &[u8]) -> Vec<u8> {
        match self.algorithm.crc() {
            Some(crc) => self.algorithm.bytes(checksum(crc, bytes)),
            None => Sha256::digest(bytes).to_vec(),
        }
    }
}

/// As in the header of its algorithm: `CRC32C wdBDMA==` or, of an object in parts, `SHA256 u8OS…-3`.
impl fmt::Display for StoredChecksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = match self.algorithm {
            Algorithm::Crc64Nvme => "CRC64NVME",
            Algorithm::Crc32c => "CRC32C",
            Algorithm::Crc32 => "CRC32",
            Algorithm::Sha256 => "SHA256",
        };
        write!(f, "{algorithm} {}", BASE64.encode(&self.value))?;
        self.parts.map_or(Ok(()), |parts| write!(f, "-{parts}"))
    }
}

/// The CRC of one range of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Piece {
    /// Index of its part.
    pub part: usize,
    pub crc: u64,
    pub size_bytes: u64,
}

/// The CRC of a range while the range arrives; does nothing without an algorithm.
pub(crate) struct RunningCrc(Option<Crc>);

impl RunningCrc {
    pub(crate) fn new(algorithm: Option<Algorithm>) -> Self {
        Self(algorithm.and_then(Algorithm::crc).map(Crc::new))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some(crc) = &mut self.0 {
            crc.update(bytes);
        }
    }

    pub(crate) fn finish(self) -> u64 {
        self.0.map_or(0, |crc| crc.finalize())
    }
}

pub(crate) fn crc64nvme(bytes: &[u8]) -> u64 {
    checksum(CrcAlgorithm::Crc64Nvme, bytes)
}

/// CRC-64/NVME of a whole, from the CRC and length in bytes of each piece, in order.
pub(crate) fn whole_crc(pieces: impl Iterator<Item = (u64, u64)>) -> u64 {
    let add = |crc, (piece, bytes)| checksum_combine(CrcAlgorithm::Crc64Nvme, crc, piece, bytes);
    pieces.fold(crc64nvme(b""), add)
}

/// CRC-64/NVME in S3's form: base64.
pub(crate) fn crc64nvme_text(crc: u64) -> String {
    BASE64.encode(&crc.to_be_bytes())
}

fn crc_of_parts(crc: CrcAlgorithm, pieces: &[Piece], parts: usize) -> Vec<u64> {
    let empty = checksum(crc, b"");
    let mut sums = vec![empty; parts];
    for piece in pieces {
        if let Some(sum) = sums.get_mut(piece.part) {
            *sum = checksum_combine(crc, *sum, piece.crc, piece.size_bytes);
        }
    }
    sums
}

fn sha256_of_parts(file: &File, part_bytes: &[u64]) -> io::Result<Vec<Vec<u8>>> {
    let mut buffer = vec![0; READ_BYTES];
    let mut offset = 0u64;
    let mut sums = Vec::new();
    for bytes in part_bytes {
        let end = offset.saturating_add(*bytes);
        let mut hash = Sha256::new();
        while offset < end {
            let most = usize::try_from(end - offset).unwrap_or(READ_BYTES).min(READ_BYTES);
            match file.read_at(&mut buffer[..most], offset)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => {
                    hash.update(&buffer[..count]);
                    offset += count as u64;
                }
            }
        }
        sums.push(hash.finalize().to_vec());
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const ALL: [Algorithm; 4] =
        [Algorithm::Crc64Nvme, Algorithm::Crc32c, Algorithm::Crc32, Algorithm::Sha256];

    /// Check values of "123456789": CRC RevEng catalogue; SHA-256 of the same by `sha256sum`.
    #[test]
    fn checksums_are_those_of_the_standards() {
        let nine = b"123456789";
        assert_eq!(checksum(CrcAlgorithm::Crc64Nvme, nine), 0xae8b_1486_0a79_9888);
        assert_eq!(checksum(CrcAlgorithm::Crc32Iscsi, nine), 0xe306_9283);
        assert_eq!(checksum(CrcAlgorithm::Crc32IsoHdlc, nine), 0xcbf4_3926);
        assert_eq!(
            whole_crc([(crc64nvme(b"1234"), 4), (crc64nvme(b"56789"), 5)].into_iter()),
            crc64nvme(nine)
        );
    }

    fn pieces(algorithm: Algorithm, parts: &[&[&[u8]]]) -> Vec<Piece> {
        let each = parts.iter().enumerate();
        let each = each.flat_map(|(part, ranges)| ranges.iter().map(move |range| (part, *range)));
        let piece = |(part, range): (usize, &[u8])| {
            let mut running = RunningCrc::new(Some(algorithm));
            running.update(range);
            Piece { part, crc: running.finish(), size_bytes: range.len() as u64 }
        };
        each.map(piece).collect()
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_full_object_checksum_is_combined_from_ranges_and_detects_a_changed_byte() {
        for algorithm in ALL {
            let whole = match algorithm.crc() {
                Some(crc) => algorithm.bytes(checksum(crc, b"123456789")),
                None => Sha256::digest(b"123456789").to_vec(),
            };
            let stored = StoredChecksum::parse(algorithm, &BASE64.encode(&whole)).unwrap();
            let good = pieces(algorithm, &[&[b"12", b"", b"345678", b"9"]]);
            assert_eq!(stored.of(&file(b"123456789"), &good, &[9]).unwrap(), stored);
            let bad = pieces(algorithm, &[&[b"12", b"", b"345678", b"8"]]);
            assert_ne!(stored.of(&file(b"123456788"), &bad, &[9]).unwrap(), stored);
        }
    }

    #[test]
    fn a_composite_checksum_covers_the_checksums_of_the_parts() {
        for algorithm in ALL {
            let sum = |bytes: &[u8]| match algorithm.crc() {
                Some(crc) => algorithm.bytes(checksum(crc, bytes)),
                None => Sha256::digest(bytes).to_vec(),
            };
            let value = sum(&[sum(b"12345"), sum(b"6789")].concat());
            let stored = StoredChecksum::parse(algorithm, &format!("{}-2", BASE64.encode(&value))).unwrap();
            assert_eq!(stored.parts, Some(2));
            let found = pieces(algorithm, &[&[b"123", b"45"], &[b"67", b"89"]]);
            assert_eq!(stored.of(&file(b"123456789"), &found, &[5, 4]).unwrap(), stored);
            let moved = pieces(algorithm, &[&[b"1234"], &[b"56789"]]);
            assert_ne!(stored.of(&file(b"123456789"), &moved, &[4, 5]).unwrap(), stored);
        }
    }

    #[test]
    fn a_checksum_is_shown_as_its_header_has_it() {
        for (algorithm, text, shown) in [
            (Algorithm::Crc64Nvme, "rosUhgp5mIg=", "CRC64NVME rosUhgp5mIg="),
            (Algorithm::Crc32c, "4waSgw==-2", "CRC32C 4waSgw==-2"),
        ] {
            assert_eq!(StoredChecksum::parse(algorithm, text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_checksum_that_cannot_be_parsed_is_none() {
        for text in ["?", "AAAA-x", "AAAA-", "A"] {
            assert_eq!(StoredChecksum::parse(Algorithm::Crc32, text), None, "{text}");
        }
    }

    #[test]
    fn a_file_that_is_too_short_for_its_parts_is_an_error() {
        let stored = StoredChecksum::parse(Algorithm::Sha256, "AAAA").unwrap();
        assert!(stored.of(&file(b"1234"), &[], &[5]).is_err());
    }
}
