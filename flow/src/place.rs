//! The place of a piece of text inside an asset. The media worker, the classifier and findings use the same type, so that no
//! part of it is lost or renamed on the way.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

/// A part of a picture, in pixels of the source as displayed: after its rotation, before any scaling, so pixels need not
/// be square. The upper left pixel is at 0, 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct FrameBox {
    /// Left edge of the box, pixels from the left edge of the picture.
    pub x: u32,
    /// Upper edge of the box, pixels from the upper edge of the picture.
    pub y: u32,
    /// Pixels; 0 is an empty box.
    pub width: u32,
    /// Pixels; 0 is an empty box.
    pub height: u32,
}

impl FrameBox {
    /// The smallest box around both.
    pub fn around(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = self.x.saturating_add(self.width).max(other.x.saturating_add(other.width));
        let bottom = self.y.saturating_add(self.height).max(other.y.saturating_add(other.height));
        Self { x, y, width: right - x, height: bottom - y }
    }
}

/// The place of a piece of text inside an asset.
///
/// `surface` is one of our words; `field` may be a word of the container. A hostile upload may write a value into the name of
/// a tag, so the classifier also reads `field` and masks what it finds there before a finding contains the place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TextPlace {
    /// Kind of place, one of a few words of ours: `file_name`, `tag`, `subtitle`, and so on.
    pub surface: String,
    /// Element name, for example `comment`. Counts as keyword context at any distance.
    pub field: String,
    /// Track number, if the text belongs to a track.
    pub track: Option<u32>,
    /// Start of the text on the presentation timeline, nanoseconds.
    pub start_ns: Option<u64>,
    /// End of the text on the presentation timeline, nanoseconds.
    pub end_ns: Option<u64>,
    /// Where the text is in the picture, for text that was recognised in a picture.
    pub frame_box: Option<FrameBox>,
    /// Number of the line, from 1, for text that is a file of lines.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub line: Option<u64>,
}

impl TextPlace {
    /// The place of a text that belongs to a whole track, or with `None` to the file.
    pub fn untimed(surface: &str, field: &str, track: Option<u32>) -> Self {
        Self {
            surface: surface.to_owned(),
            field: field.to_owned(),
            track,
            start_ns: None,
            end_ns: None,
            frame_box: None,
            line: None,
        }
    }

    /// The place from the start of this one to the end of `last`.
    pub fn to(&self, last: &Self) -> Self {
        let frame_box = match (self.frame_box, last.frame_box) {
            (Some(first), Some(last)) => Some(first.around(last)),
            (first, last) => first.or(last),
        };
        Self { end_ns: last.end_ns.max(self.end_ns), frame_box, ..self.clone() }
    }
}

/// Written by hand, because `field` may contain personal data before the classifier has masked it.
impl fmt::Debug for TextPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextPlace")
            .field("surface", &self.surface)
            .field("field_bytes", &self.field.len())
            .field("track", &self.track)
            .field("start_ns", &self.start_ns)
            .field("end_ns", &self.end_ns)
            .field("frame_box", &self.frame_box)
            .field("line", &self.line)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_around_two_boxes_contains_both_and_never_overflows() {
        let left = FrameBox { x: 10, y: 40, width: 20, height: 5 };
        let right = FrameBox { x: 100, y: 30, width: u32::MAX, height: 5 };
        let both = left.around(right);
        assert_eq!(both, FrameBox { x: 10, y: 30, width: u32::MAX - 10, height: 15 });
        assert_eq!(right.around(left), both);
    }
}
