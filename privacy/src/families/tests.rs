//! Shared by the families' tests: one classifier of all identifiers, and what it finds.

use std::sync::LazyLock;

use crate::Classifier;

static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(Classifier::new);

/// The ids found in `text`, in order of place.
pub(crate) fn found(text: &str) -> Vec<&'static str> {
    CLASSIFIER.spans(text).iter().map(|span| span.kind.id).collect()
}

/// The parts of `text` that were found.
pub(crate) fn pieces(text: &str) -> Vec<String> {
    let spans = CLASSIFIER.spans(text);
    spans.iter().map(|s| text.chars().skip(s.start).take(s.end - s.start).collect()).collect()
}
