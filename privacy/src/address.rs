//! Where a line of text sits inside a video, so that a finding can be shown, cut or blurred later.

/// The place of a piece of text inside an asset.
///
/// `surface` and `field` are our own or the container's words. A hostile upload may write a value into a tag's name,
/// so the classifier reads `field` too and masks what it finds there before an address leaves in a finding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Kind of place: `file_name`, `tag`, `subtitle`, and so on. Low in number; ours.
    pub surface: String,
    /// Element name, for example `comment`. Counts as keyword context at any distance.
    pub field: String,
    /// Track number, where the text belongs to a track.
    pub track: Option<u32>,
    /// Start of the text on the presentation timeline, nanoseconds.
    pub start_ns: Option<u64>,
    /// End of the text on the presentation timeline, nanoseconds.
    pub end_ns: Option<u64>,
    /// Where the text stands in the picture, for text that was read off one.
    pub frame_box: Option<FrameBox>,
    /// Number of the line, from 1, for text that is a file of lines.
    pub line: Option<u64>,
}

impl Address {
    /// The place that begins here and ends at `last`.
    pub(crate) fn to(&self, last: &Address) -> Address {
        let frame_box = match (self.frame_box, last.frame_box) {
            (Some(first), Some(last)) => Some(first.around(last)),
            (first, last) => first.or(last),
        };
        Address { end_ns: last.end_ns.max(self.end_ns), frame_box, ..self.clone() }
    }
}

/// A rectangle of the picture as displayed (rotation and pixel shape applied), pixels from its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameBox {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width; 0 is an empty box.
    pub width: u32,
    /// Height; 0 is an empty box.
    pub height: u32,
}

impl FrameBox {
    /// The smallest box around both.
    pub fn around(self, other: FrameBox) -> FrameBox {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = self.x.saturating_add(self.width).max(other.x.saturating_add(other.width));
        let bottom = self.y.saturating_add(self.height).max(other.y.saturating_add(other.height));
        FrameBox { x, y, width: right - x, height: bottom - y }
    }
}

/// Written by hand because an address that was not through the classifier yet may hold a value in its `field`.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address")
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

/// One piece of text with its address. It has no `Debug`: its text is what must not be printed.
pub struct Line<'a> {
    /// The text itself, one tag value, cue or name.
    pub text: &'a str,
    /// Where the text sits.
    pub address: Address,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_around_two_holds_both_and_never_overflows() {
        let left = FrameBox { x: 10, y: 40, width: 20, height: 5 };
        let right = FrameBox { x: 100, y: 30, width: u32::MAX, height: 5 };
        let both = left.around(right);
        assert_eq!(both, FrameBox { x: 10, y: 30, width: u32::MAX - 10, height: 15 });
        assert_eq!(right.around(left), both);
    }
}
