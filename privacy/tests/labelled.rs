//! Precision and recall on labelled text: presidio-research's generated documents (MIT), and generated
//! captions and tags.

use crate::scoring::{self, Document, scores};
use crate::{CLASSIFIER, captions};

/// F1 of Presidio 2.2.366 on the same file, with pattern recognisers only, for all six types together.
const PRESIDIO_F1: f64 = 0.912;

/// The floors are what the classifier reaches, rounded down. This corpus is easy for a classifier with keywords: nearly
/// all of its phone numbers are near a word such as `phone`.
#[test]
fn shared_labelled_text_gives_six_types_with_few_false_alarms() {
    let path = reelgate_test_media::shared("privacy/presidio-research/generated_large.json");
    let documents = scoring::read(&std::fs::read_to_string(path).unwrap());
    assert_eq!(documents.len(), 2109);
    assert_floors("generated_large", &documents, 0.99, 0.99);
}

/// Captions and tags as in videos, with near misses between them. The seed differs from the one that was used while the
/// classifier was written.
#[test]
fn six_types_are_found_in_captions_and_tags_between_near_misses() {
    let documents = captions::documents(20_261, 6_000);
    assert!(documents.iter().filter(|d| d.labels.is_empty()).count() > 1_500, "near misses are among them");
    assert_floors("captions and tags", &documents, 0.97, 0.97);
}

fn assert_floors(title: &str, documents: &[Document], precision: f64, f1: f64) {
    let scores = scores(&CLASSIFIER, documents);
    scoring::print(title, &scores);
    for (kind, score) in scores.iter().filter(|(kind, _)| scoring::TYPES.contains(kind)) {
        assert!(score.f1() > PRESIDIO_F1, "{kind} f1 {:.4}", score.f1());
    }
    let all = scores["all"];
    assert!(all.precision() >= precision, "precision {:.4}", all.precision());
    assert!(all.f1() >= f1, "f1 {:.4}", all.f1());
}
