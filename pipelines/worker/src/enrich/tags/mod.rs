//! Tags and names from the file itself. GStreamer's tag lists hold what GStreamer has a word for; what people and
//! cameras write elsewhere (QuickTime keys, 3GPP boxes, XMP, user text of ID3, Matroska's simple tags) is read here.
//!
//! A damaged tag never fails the job: the media were found playable before. It is recorded as not analysed.

mod bmff;
mod demuxed;
mod id3;
mod matroska;
mod names;
mod qt_text;
mod xmp;

pub use demuxed::TagEvents;

use reelgate_flow::facts::Container;
use reelgate_pipelines::messages::{NotSearched, Surface};

use super::lines::Lines;
use crate::source::Source;

/// Bytes read of one value.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// Something in the tags is not what it declares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Damaged;

/// Reads every tag of the file that this module knows the place of.
pub fn collect(source: &Source, container: Container, lines: &mut Lines) {
    let read = match container {
        Container::IsoBmff => bmff::collect(source, lines),
        Container::Matroska => matroska::collect(source, lines),
        Container::Mp3 | Container::Flac | Container::Adts => id3::collect(source, lines),
        _ => Ok(()),
    };
    if read.is_err() {
        lines.miss(Surface::Tags, None, NotSearched::Damaged);
    }
}

/// Up to `bytes_max` bytes of a range of the source.
fn read(source: &Source, start: u64, end: u64, bytes_max: usize) -> Result<Vec<u8>, Damaged> {
    let length = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX).min(bytes_max);
    let mut bytes = vec![0; length];
    let count = source.read_at(start, &mut bytes).map_err(|_| Damaged)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// The bytes as text where they are one: UTF-8 without control characters.
fn plain_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?.trim_matches(['\0', ' ', '\r', '\n']);
    let is_text = !text.is_empty() && !text.contains(|c: char| c.is_control() && !c.is_whitespace());
    is_text.then_some(text)
}
