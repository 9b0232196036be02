//! Precision and recall by type. A span is correct if it overlaps a label of its type.

use std::collections::BTreeMap;

use reelgate_privacy::{Classifier, Span};
use serde_json::Value;

/// The labels that are scored together.
pub(crate) const TYPES: [&str; 6] =
    ["CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER", "US_SSN"];

/// A label that is scored separately, because its numbers need a keyword, as in Macie.
const APART: &str = "US_DRIVER_LICENSE";

/// A text with its labels: label, first character, index after the last character.
pub(crate) struct Document {
    pub text: String,
    pub labels: Vec<(String, usize, usize)>,
}

/// The label of a kind; `None` if it has none.
fn label(span: &Span) -> Option<&'static str> {
    match span.kind.id {
        "CREDIT_CARD_NUMBER" | "CREDIT_CARD_NUMBER_(NO_KEYWORD)" => Some("CREDIT_CARD"),
        "EMAIL_ADDRESS" => Some("EMAIL_ADDRESS"),
        "IPV4_ADDRESS" | "IPV6_ADDRESS" => Some("IP_ADDRESS"),
        "USA_SOCIAL_SECURITY_NUMBER" => Some("US_SSN"),
        "IBAN_OTHER_COUNTRY" => Some("IBAN_CODE"),
        "DRIVERS_LICENSE" => Some(APART),
        "BANK_ACCOUNT_NUMBER" => None,
        id if id.ends_with("_BANK_ACCOUNT_NUMBER") => Some("IBAN_CODE"),
        id if id.contains("PHONE_NUMBER") => Some("PHONE_NUMBER"),
        _ => None,
    }
}

#[derive(Default, Clone, Copy)]
pub(crate) struct Score {
    hit: u32,
    false_alarm: u32,
    missed: u32,
}

impl Score {
    pub fn precision(self) -> f64 {
        f64::from(self.hit) / f64::from((self.hit + self.false_alarm).max(1))
    }

    pub fn recall(self) -> f64 {
        f64::from(self.hit) / f64::from((self.hit + self.missed).max(1))
    }

    pub fn f1(self) -> f64 {
        2.0 * self.precision() * self.recall() / (self.precision() + self.recall()).max(f64::MIN_POSITIVE)
    }

    fn labels(self) -> u32 {
        self.hit + self.missed
    }

    fn plus(self, other: Score) -> Score {
        Score {
            hit: self.hit + other.hit,
            false_alarm: self.false_alarm + other.false_alarm,
            missed: self.missed + other.missed,
        }
    }
}

/// Scores by type; `all` has those of the six types together.
pub(crate) fn scores(classifier: &Classifier, documents: &[Document]) -> BTreeMap<&'static str, Score> {
    let mut scores = BTreeMap::from(TYPES.map(|t| (t, Score::default())));
    scores.insert(APART, Score::default());
    let show = std::env::var_os("REELGATE_SHOW_MISSES").is_some();
    for Document { text, labels } in documents {
        let spans = classifier.spans(text);
        let found: Vec<(&str, usize, usize)> =
            spans.iter().filter_map(|s| Some((label(s)?, s.start, s.end))).collect();
        let overlap =
            |a: &(String, usize, usize), b: &(&str, usize, usize)| a.0 == b.0 && a.1 < b.2 && b.1 < a.2;
        for (kind, score) in &mut scores {
            for span in found.iter().filter(|f| f.0 == *kind) {
                let hit = labels.iter().any(|l| overlap(l, span));
                score.hit += u32::from(hit);
                score.false_alarm += u32::from(!hit);
                if !hit && show {
                    eprintln!("false {span:?} {text:?}");
                }
            }
            for missed in labels.iter().filter(|l| l.0 == *kind && !found.iter().any(|f| overlap(l, f))) {
                score.missed += 1;
                if show {
                    eprintln!("missed {missed:?} {text:?}");
                }
            }
        }
    }
    let all = TYPES.iter().filter_map(|t| scores.get(t)).copied().fold(Score::default(), Score::plus);
    scores.insert("all", all);
    scores
}

/// The scores, one line per type.
pub(crate) fn print(title: &str, scores: &BTreeMap<&'static str, Score>) {
    println!("{title}");
    for (kind, score) in scores.iter().filter(|(_, score)| score.labels() > 0) {
        let (precision, recall, f1) = (score.precision(), score.recall(), score.f1());
        println!("  {kind:17} precision {precision:.3} recall {recall:.3} f1 {f1:.3}");
    }
}

/// The documents of a file in the format of presidio-research.
pub(crate) fn read(json: &str) -> Vec<Document> {
    let documents: Vec<Value> = serde_json::from_str(json).expect("the corpus is JSON");
    let document = |document: &Value| {
        let place = |span: &Value, key: &str| span[key].as_u64().unwrap_or(u64::MAX) as usize;
        let spans = document["spans"].as_array().into_iter().flatten();
        let labels = spans.filter_map(|s| {
            let kind = s["entity_type"].as_str()?.to_owned();
            Some((kind, place(s, "start_position"), place(s, "end_position")))
        });
        Document {
            text: document["full_text"].as_str().unwrap_or_default().to_owned(),
            labels: labels.collect(),
        }
    };
    documents.iter().map(document).collect()
}
