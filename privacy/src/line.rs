//! One piece of text as the classifier reads it.

use reelgate_flow::place::TextPlace;

/// One piece of text with its place. It has no `Debug`: its text is what must not be printed.
pub struct Line<'a> {
    /// The text itself, one tag value, cue or name.
    pub text: &'a str,
    /// Where the text sits.
    pub address: TextPlace,
}
