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
