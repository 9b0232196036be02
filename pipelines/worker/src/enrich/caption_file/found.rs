//! What a caption file holds, whatever its format.

use crate::enrich::lines::cut;

/// Bytes of one text that is searched or shown.
pub const TEXT_BYTES_MAX: usize = 16 << 10;

/// What a file holds.
#[derive(Default, Debug)]
pub struct Captions {
    pub captions: Vec<Caption>,
    /// Text that is no caption: headers, notes, styles.
    pub others: Vec<String>,
}

/// One caption.
#[derive(PartialEq, Eq, Debug)]
pub struct Caption {
    pub start_ns: u64,
    /// `None` if the file does not say.
    pub end_ns: Option<u64>,
    /// What is searched.
    pub words: String,
    /// What a viewer sees of it; lines are separated by `\n`.
    pub shown: String,
}

/// Adds a text that is no caption, in pieces that can be searched.
pub fn add_other(found: &mut Captions, text: &str) {
    let mut rest = text.trim();
    while !rest.is_empty() {
        let piece = cut(rest, TEXT_BYTES_MAX);
        found.others.push(piece.to_owned());
        rest = &rest[piece.len()..];
    }
}
