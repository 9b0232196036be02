//! One piece of text as the classifier reads it.

use reelgate_flow::place::TextPlace;

/// One piece of text with its place. It has no `Debug`, because its text must not be printed.
pub struct Line<'a> {
    /// The text: one tag value, cue or name.
    pub text: &'a str,
    /// The place of the text in the video.
    pub address: TextPlace,
}
