//! Accuracy of the classifier: precision, recall and F1 by type, on the shared labelled text if it is available, and on
//! generated captions and tags.

#[path = "../tests/captions.rs"]
mod captions;
#[path = "../tests/scoring.rs"]
mod scoring;

use reelgate_privacy::Classifier;

/// Number of generated texts.
const CAPTIONS: usize = 20_000;

fn main() {
    let classifier = Classifier::new();
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/privacy/presidio-research/generated_large.json");
    match std::fs::read_to_string(path) {
        Ok(json) => {
            let scores = scoring::scores(&classifier, &scoring::read(&json));
            scoring::print(
                "generated_large (bar: all f1 0.93, precision 0.97; Presidio 2.2.366: 0.934 / 0.892 / 0.912)",
                &scores,
            );
        }
        Err(_) => println!("skipped: no corpus: the labelled text is not beside the workspace"),
    }
    let scores = scoring::scores(&classifier, &captions::documents(7, CAPTIONS));
    scoring::print("captions and tags (bar: all f1 0.97)", &scores);
}
