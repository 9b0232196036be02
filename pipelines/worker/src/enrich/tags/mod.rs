//! Reads tags and names directly from the file. GStreamer's tag lists contain only tags that GStreamer knows. Other text of
//! people and cameras (QuickTime keys, 3GPP boxes, XMP, user text of ID3, Matroska's simple tags) is read here.
//!
//! A damaged tag never fails the job, because inspection has already found the media playable. It is recorded as not
//! searched.

mod as_facts;
mod bmff;
mod demuxed;
mod id3;
mod matroska;
mod names;
mod qt_text;
mod value;
mod xmp;

pub use as_facts::facts_of_movie;
pub use demuxed::TagEvents;

use reelgate_flow::facts::Container;
use reelgate_flow::surface::{NotSearched, Surface};

use super::lines::Lines;
use crate::source::Source;

/// Whether the tags of a container are read here. Those of others are only what the demuxer announces.
pub fn is_read_directly(container: Container) -> bool {
    matches!(
        container,
        Container::IsoBmff | Container::Matroska | Container::Mp3 | Container::Flac | Container::Adts
    )
}

/// Reads every tag of the file whose position this module knows.
pub fn collect(source: &Source, container: Container, lines: &mut Lines) {
    let read = match container {
        Container::IsoBmff => bmff::collect(source, lines),
        Container::Matroska => matroska::collect(source, lines),
        Container::Mp3 | Container::Flac | Container::Adts => id3::collect(source, lines),
        _ => Ok(()),
    };
    if read.is_err() {
        lines.record_gap(Surface::Tags, None, NotSearched::Damaged);
    }
}
