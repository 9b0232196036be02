//! What a family is: the identifiers it adds, where it is asked, and how it reads a candidate.

use crate::candidate::Candidate;
use crate::identifier::Identifier;

/// Where in a text a family is asked. Most text is letters and spaces, so families are tied to what is rare.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    /// At the start of a run of letters and digits that holds a digit, and at a `+`, `-` or `(` right before one; only
    /// where the byte there is accepted.
    Number(fn(u8) -> bool),
    /// At this byte, wherever it stands.
    Sign(u8),
}

/// A group of identifiers that share a shape.
pub(crate) struct Family {
    /// The rows it adds to the registry.
    pub identifiers: fn() -> Vec<Identifier>,
    /// Where [`Family::find`] is asked.
    pub anchor: Anchor,
    /// Reads a candidate that starts (or has its anchor) at an index of the text. Looks at a bounded number of bytes, so
    /// that a whole text costs linear time, and cuts between whole characters.
    pub find: fn(&[u8], usize) -> Option<Candidate>,
}
