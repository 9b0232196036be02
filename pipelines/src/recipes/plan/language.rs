//! Languages that a source states.

use reelgate_flow::caption_file::is_language;

/// A language for a playlist. It comes from the file, so only a short code passes.
pub(super) fn language(text: &str) -> Option<String> {
    is_language(text).then(|| text.to_owned())
}
