//! Reads tags and names directly from the file. GStreamer's tag lists contain only tags that GStreamer knows. Other text of
//! people and cameras (QuickTime keys, 3GPP boxes, XMP, user text of ID3, Matroska's simple tags) is read here.
//!
//! A damaged tag never fails the job, because inspection has already found the media playable. It is recorded as not
//! searched.

mod ape;
mod as_facts;
mod attachments;
mod bmff;
mod demuxed;
mod dvb;
mod dvb_tables;
mod dvb_text;
mod exif;
mod flac;
mod flv;
mod id3;
mod iptc;
mod matroska;
mod mxf;
mod names;
mod ogg;
mod picture;
mod printable;
mod program_stream;
mod qt_text;
mod riff;
mod runs;
#[cfg(test)]
mod samples;
mod unknown_boxes;
mod value;
mod vorbis;
mod xmp;

pub use as_facts::facts_of_movie;
pub use demuxed::TagEvents;
pub use picture::collect as search_picture;
pub use printable::search_bytes;

use reelgate_flow::facts::Container;
use reelgate_flow::surface::{NotSearched, Surface};

use super::lines::Lines;
use crate::source::Source;

/// Whether the tags of a container are read here. Those of others are only what the demuxer announces.
pub fn is_read_directly(container: Container) -> bool {
    !matches!(container, Container::Mxf | Container::MpegPs)
}

/// Reads every tag of the file whose position this module knows.
pub fn collect(source: &Source, container: Container, lines: &mut Lines) {
    let sound = |lines: &mut Lines| [id3::collect(source, lines), ape::collect(source, container, lines)];
    let read = match container {
        Container::IsoBmff => vec![bmff::collect(source, lines), unknown_boxes::collect(source, lines)],
        Container::Matroska => vec![matroska::collect(source, lines)],
        Container::Mp3 | Container::Adts => sound(lines).to_vec(),
        Container::Flac => [&sound(lines)[..], &[flac::collect(source, lines)]].concat(),
        Container::Wav | Container::Avi => vec![riff::collect(source, lines)],
        Container::Flv => vec![flv::collect(source, lines)],
        Container::Ogg => vec![ogg::collect(source, lines)],
        Container::MpegTs => vec![dvb::collect(source, lines)],
        Container::MpegPs => vec![program_stream::collect(source, lines)],
        Container::Mxf => vec![mxf::collect(source, lines)],
    };
    if read.contains(&Err(value::Damaged)) {
        lines.record_gap(Surface::Tags, None, NotSearched::Damaged);
    }
}

/// Reads a tag that is not at the front of a file. Returns whether it is whole.
pub fn read_id3(tag: &[u8], lines: &mut Lines) -> bool {
    id3::collect_bytes(tag, lines).is_ok()
}
