//! Skips ID3v2 tags in front of raw audio streams.
//!
//! GStreamer's own reader detects the type of the data behind the tag, among all types it knows. Here the tag is only
//! skipped, because the container has already been sniffed.

use reelgate_flow::facts::Container;

use crate::source::Source;

/// Consecutive tags that are skipped. More than one is rare, and an endless row is an attack.
const TAGS_MAX: usize = 8;
/// Bytes of an ID3v2 header (id3v2.4.0-structure, 3.1).
const HEADER_BYTES: usize = 10;

/// The source from the first byte after its leading ID3v2 tags, for containers that may begin with them.
pub fn without_leading_tags(source: &Source, container: Container) -> Source {
    let mut source = source.clone();
    if !matches!(container, Container::Mp3 | Container::Flac | Container::Adts) {
        return source;
    }
    for _ in 0..TAGS_MAX {
        match tag_bytes(&source) {
            Some(bytes) => source = source.skip(bytes),
            None => break,
        }
    }
    source
}

/// Bytes of the tag at the start, including header and footer.
fn tag_bytes(source: &Source) -> Option<u64> {
    let mut header = [0; HEADER_BYTES];
    let read = source.read_at(0, &mut header).ok()?;
    let [b'I', b'D', b'3', _, _, flags, size @ ..] = header else { return None };
    if read < HEADER_BYTES || size.iter().any(|byte| byte & 0x80 != 0) {
        return None;
    }
    let body = size.iter().fold(0u64, |sum, byte| sum << 7 | u64::from(*byte));
    let footer = if flags & 0x10 != 0 { HEADER_BYTES as u64 } else { 0 };
    Some(HEADER_BYTES as u64 + body + footer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::source;

    #[test]
    fn leading_tags_are_skipped_for_raw_audio_only() {
        let mut bytes = b"ID3\x04\0\0\0\0\x01\x02".to_vec(); // 130 bytes of body
        bytes.extend([0; 130]);
        bytes.extend(b"ID3\x04\0\x10\0\0\0\0"); // empty body, footer
        bytes.extend(b"3DI\x04\0\x10\0\0\0\0");
        bytes.extend(b"\xff\xfb");
        let source = source(&bytes);
        assert_eq!(without_leading_tags(&source, Container::Mp3).size_bytes(), 2);
        assert_eq!(without_leading_tags(&source, Container::Wav).size_bytes(), bytes.len() as u64);
    }
}
