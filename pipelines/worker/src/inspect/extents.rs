//! Compares the declared length of RIFF and EBML files with their real length.
//!
//! Their demuxers play what is there and end without an error, so a transfer that was cut off would look like a short
//! film.

use reelgate_flow::facts::Container;
use reelgate_flow::reason::{Code, Fault};

use crate::source::Source;

/// Percentage of the declared bytes that may be missing.
const MISSING_PERCENT_MAX: u128 = 2;
/// Bytes read of an EBML header. Real headers have about 40.
const EBML_BYTES_MAX: usize = 4_096;

/// Checks the declared length. Fails with `truncated` if more than 2 % of it is missing. Returns the
/// document type of EBML files, and an empty text for other files.
pub fn check(source: &Source, container: Container) -> Result<String, Fault> {
    let mut head = vec![0; EBML_BYTES_MAX];
    let read = source.read_at(0, &mut head).map_err(|error| {
        Fault::new(Code::Internal, format!("the source cannot be read: {}", error.kind()))
    })?;
    head.truncate(read);
    let (declared, brand) = match container {
        Container::Avi | Container::Wav => (riff_bytes(&head), String::new()),
        Container::Matroska => ebml(&head),
        _ => (None, String::new()),
    };
    let missing = declared.unwrap_or(0).saturating_sub(source.size_bytes());
    if u128::from(missing) * 100 > u128::from(declared.unwrap_or(0)) * MISSING_PERCENT_MAX {
        return Err(Fault::new(
            Code::Truncated,
            format!("{missing} of {} bytes are missing", declared.unwrap_or(0)),
        ));
    }
    Ok(brand)
}

/// Bytes of the first RIFF chunk with its header; `None` for RF64, and if the recorder never wrote the final size.
fn riff_bytes(head: &[u8]) -> Option<u64> {
    let (b"RIFF", rest) = head.split_first_chunk::<4>()? else { return None };
    let size = u32::from_le_bytes(*rest.first_chunk::<4>()?);
    (size != 0 && size < u32::MAX - 8).then(|| u64::from(size) + 8)
}

/// End of the first Segment, if it is declared, and the DocType (RFC 8794, RFC 9559).
fn ebml(head: &[u8]) -> (Option<u64>, String) {
    const EBML: u64 = 0x1A45_DFA3;
    const SEGMENT: u64 = 0x1853_8067;
    const DOC_TYPE: u64 = 0x4282;
    let mut cursor = Cursor { head, at: 0 };
    let mut doc_type = String::new();
    while let Some((id, size)) = cursor.element() {
        match (id, size) {
            (EBML, _) => {} // descend
            (SEGMENT, size) => return (size.and_then(|size| (cursor.at as u64).checked_add(size)), doc_type),
            (id, Some(size)) => {
                let body = usize::try_from(size).ok().and_then(|size| cursor.take(size));
                let Some(body) = body else { break };
                if id == DOC_TYPE {
                    let graphic = body.iter().filter(|byte| byte.is_ascii_graphic()).take(16);
                    doc_type = graphic.map(|byte| char::from(*byte)).collect();
                }
            }
            (_, None) => break,
        }
    }
    (None, doc_type)
}

struct Cursor<'a> {
    head: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let taken = self.head.get(self.at..self.at.checked_add(bytes)?)?;
        self.at += bytes;
        Some(taken)
    }

    /// Identifier with its marker, and size. All ones mean an unknown size.
    fn element(&mut self) -> Option<(u64, Option<u64>)> {
        let (id, _) = self.number(4)?;
        let (size, bytes) = self.number(8)?;
        let ones = (1u64 << (7 * bytes)) - 1;
        let size = size & ones;
        Some((id, (size != ones).then_some(size)))
    }

    /// A variable-length number with its marker bit, and its length (RFC 8794, 4).
    fn number(&mut self, bytes_max: usize) -> Option<(u64, usize)> {
        let first = *self.head.get(self.at)?;
        let bytes = first.leading_zeros() as usize + 1;
        if bytes > bytes_max {
            return None;
        }
        let value = self.take(bytes)?.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        Some((value, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::source;

    fn ebml_file(segment_size: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm".to_vec();
        bytes.extend(b"\x18\x53\x80\x67");
        bytes.extend(segment_size);
        bytes
    }

    #[test]
    fn a_segment_or_chunk_that_extends_past_the_end_is_truncated() {
        let cut = source(&ebml_file(b"\x41\x00")); // 256 bytes
        assert_eq!(check(&cut, Container::Matroska).unwrap_err().code, Code::Truncated);
        let wav = source(b"RIFF\x00\x01\x00\x00WAVE");
        assert_eq!(check(&wav, Container::Wav).unwrap_err().code, Code::Truncated);
    }

    #[test]
    fn unknown_sizes_of_live_recordings_are_fine() {
        let live = source(&ebml_file(b"\x01\xff\xff\xff\xff\xff\xff\xff"));
        assert_eq!(check(&live, Container::Matroska).unwrap(), "webm");
        for size in [[0; 4], [0xFF; 4]] {
            let bytes = [b"RIFF".as_slice(), &size, b"WAVE"].concat();
            assert_eq!(check(&source(&bytes), Container::Wav), Ok(String::new()));
        }
    }

    #[test]
    fn garbage_and_short_headers_are_left_to_the_demuxer() {
        for bytes in [b"".as_slice(), b"\x1a", b"\x1a\x45\xdf\xa3\x00\x00\x00", b"RIFF\x01"] {
            assert!(check(&source(bytes), Container::Matroska).is_ok());
            assert!(check(&source(bytes), Container::Avi).is_ok());
        }
    }
}
