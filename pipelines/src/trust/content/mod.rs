//! Checks the bytes of an output while they pass to the sink. What a worker sends is published, so a worker that was taken
//! over must not be able to publish anything but what its job writes: a CMAF header, CMAF segments and JPEG pictures,
//! complete, with nothing beside it, that lead to no other file. What stands in the file is also compared with what the
//! worker says about it.
//!
//! Only headers are kept, up to a limit. The coded media itself is not decoded here: that needs a codec, and a jail.

mod boxes;
mod codec_records;
mod header;
mod init_segment;
mod jpeg;
mod media_segment;

pub use init_segment::{ExpectedTrack, InitSegment};
pub use jpeg::PictureSize;
pub use media_segment::{MediaSegment, Sample, SegmentSamples};

use reelgate_flow::reason::Fault;

use init_segment::InitSegmentCheck;
use jpeg::JpegCheck;
use media_segment::MediaSegmentCheck;

/// The check of one open output.
pub enum ContentCheck {
    /// `init.mp4`.
    InitSegment(InitSegmentCheck),
    /// `00000.m4s`.
    MediaSegment(MediaSegmentCheck),
    /// A picture.
    Jpeg(JpegCheck),
    /// Text that is never published. Each line is checked when it is read: see [`crate::trust::text_line`].
    Text,
}

/// What the bytes of a complete output say about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// The header of a track.
    InitSegment(InitSegment),
    /// A part of a track.
    MediaSegment(MediaSegment),
    /// A picture.
    Jpeg(PictureSize),
    /// Text that is never published.
    Text,
}

impl ContentCheck {
    /// The check of the header of this track.
    pub fn init_segment(track: ExpectedTrack) -> Self {
        Self::InitSegment(InitSegmentCheck::new(track))
    }

    /// The check of a segment.
    pub fn media_segment() -> Self {
        Self::MediaSegment(MediaSegmentCheck::default())
    }

    /// The check of a picture of at most this size.
    pub fn jpeg(most: PictureSize) -> Self {
        Self::Jpeg(JpegCheck::new(most))
    }

    /// Takes the next bytes of the output.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        match self {
            Self::InitSegment(check) => check.push(bytes),
            Self::MediaSegment(check) => check.push(bytes),
            Self::Jpeg(check) => check.push(bytes),
            Self::Text => Ok(()),
        }
    }

    /// Ends the output.
    pub fn finish(self) -> Result<Content, Fault> {
        match self {
            Self::InitSegment(check) => check.finish().map(Content::InitSegment),
            Self::MediaSegment(check) => check.finish().map(Content::MediaSegment),
            Self::Jpeg(check) => check.finish().map(Content::Jpeg),
            Self::Text => Ok(Content::Text),
        }
    }
}

#[cfg(test)]
mod tests;
