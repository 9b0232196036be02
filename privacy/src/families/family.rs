//! A family: the identifiers it adds, where the reader asks it, and how it reads a candidate.

use crate::candidate::Candidate;
use crate::identifier::Identifier;

/// Where in a text the reader asks a family. Most text is letters and spaces, so every anchor is something rare.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    /// At the start of a run of letters and digits that has a digit, and at a `+`, `-` or `(` right before such a run;
    /// only if the function accepts the byte there.
    Number(fn(u8) -> bool),
    /// At this byte, anywhere in the text.
    Sign(u8),
}

/// A group of identifiers that share a shape.
pub(crate) struct Family {
    /// The rows it adds to the registry.
    pub identifiers: fn() -> Vec<Identifier>,
    /// Where the reader calls [`Family::find`].
    pub anchor: Anchor,
    /// Reads a candidate that starts, or has its anchor, at an index of the text. It reads a bounded number of bytes,
    /// so that a whole text takes linear time, and its candidates begin and end between whole characters.
    pub find: fn(&[u8], usize) -> Option<Candidate>,
}
