//! The classifier through its public interface: labelled text, text without personal data, and hostile text.

mod captions;
mod cases;
mod custom;
mod custom_pieces;
mod documentation;
mod findings;
mod forms;
mod hostile;
mod labelled;
mod names;
mod negatives;
mod pieces;
mod scoring;
mod seams;
mod written_forms;

use std::sync::LazyLock;

use reelgate_flow::place::TextPlace;
use reelgate_privacy::{Classifier, Line};

static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(Classifier::new);

/// A line of text with an element name.
fn line<'a>(text: &'a str, surface: &str, field: &str) -> Line<'a> {
    Line { text, address: TextPlace::untimed(surface, field, None) }
}

/// Ids found in one plain text.
fn ids(text: &str) -> Vec<&'static str> {
    CLASSIFIER.spans(text).iter().map(|span| span.kind.id).collect()
}
