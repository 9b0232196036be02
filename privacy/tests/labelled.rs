//! Precision and recall on labelled text: presidio-research's generated documents (MIT).

use std::collections::BTreeMap;

use reelgate_privacy::Span;
use serde_json::Value;

use crate::{CLASSIFIER, shared};

const TYPES: [&str; 6] =
    ["CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER", "US_SSN"];

/// The label of a kind in the corpus, where it has one.
fn label(span: &Span) -> Option<&'static str> {
    match span.kind.id {
        "CREDIT_CARD_NUMBER" | "CREDIT_CARD_NUMBER_(NO_KEYWORD)" => Some("CREDIT_CARD"),
        "EMAIL_ADDRESS" => Some("EMAIL_ADDRESS"),
        "IPV4_ADDRESS" | "IPV6_ADDRESS" => Some("IP_ADDRESS"),
        "USA_SOCIAL_SECURITY_NUMBER" => Some("US_SSN"),
        "IBAN_OTHER_COUNTRY" => Some("IBAN_CODE"),
        id if id.ends_with("_BANK_ACCOUNT_NUMBER") => Some("IBAN_CODE"),
        id if id.contains("PHONE_NUMBER") => Some("PHONE_NUMBER"),
        _ => None,
    }
}

#[derive(Default, Clone, Copy)]
struct Score {
    hit: u32,
    false_alarm: u32,
    missed: u32,
}

impl Score {
    fn precision(self) -> f64 {
        f64::from(self.hit) / f64::from((self.hit + self.false_alarm).max(1))
    }
    fn recall(self) -> f64 {
        f64::from(self.hit) / f64::from((self.hit + self.missed).max(1))
    }
    fn f1(self) -> f64 {
        2.0 * self.precision() * self.recall() / (self.precision() + self.recall()).max(f64::MIN_POSITIVE)
    }
    fn plus(self, other: Score) -> Score {
        Score {
            hit: self.hit + other.hit,
            false_alarm: self.false_alarm + other.false_alarm,
            missed: self.missed + other.missed,
        }
    }
}

/// Scores by type. A span hits where it overlaps a label of its type.
fn scores(documents: &[Value]) -> BTreeMap<&'static str, Score> {
    let mut scores = BTreeMap::from(TYPES.map(|t| (t, Score::default())));
    for document in documents {
        let place = |span: &Value, key: &str| span[key].as_u64().unwrap_or(u64::MAX) as usize;
        let labels: Vec<(&str, usize, usize)> = document["spans"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|s| {
                Some((s["entity_type"].as_str()?, place(s, "start_position"), place(s, "end_position")))
            })
            .collect();
        let text = document["full_text"].as_str().unwrap_or_default();
        let spans = CLASSIFIER.spans(text);
        let found: Vec<(&str, usize, usize)> =
            spans.iter().filter_map(|s| Some((label(s)?, s.start, s.end))).collect();
        let overlap =
            |a: &(&str, usize, usize), b: &(&str, usize, usize)| a.0 == b.0 && a.1 < b.2 && b.1 < a.2;
        let show = std::env::var_os("REELGATE_SHOW_MISSES").is_some();
        for (kind, score) in &mut scores {
            for span in found.iter().filter(|f| f.0 == *kind) {
                let hit = labels.iter().any(|l| overlap(l, span));
                score.hit += u32::from(hit);
                score.false_alarm += u32::from(!hit);
                if !hit && show {
                    eprintln!("false {span:?} {text:?}");
                }
            }
            let missed = labels.iter().filter(|l| l.0 == *kind && !found.iter().any(|f| overlap(l, f)));
            for m in missed {
                score.missed += 1;
                if show {
                    let piece: String =
                        text.chars().skip(m.1.saturating_sub(20)).take(m.2 - m.1 + 40).collect();
                    eprintln!("missed {m:?} {piece:?}");
                }
            }
        }
    }
    scores
}

/// The floors are what the classifier reaches, rounded down. This corpus is easy on a keyword reader: nearly all of its
/// phones stand beside a word for phoning.
#[test]
fn six_types_are_found_in_labelled_text_with_few_false_alarms() {
    let Some(path) = shared("privacy/presidio-research/generated_large.json") else {
        return;
    };
    let documents: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(documents.len(), 2109);
    let scores = scores(&documents);
    for (kind, score) in &scores {
        println!(
            "{kind:14} precision {:.3} recall {:.3} f1 {:.3}",
            score.precision(),
            score.recall(),
            score.f1()
        );
    }
    let all = scores.values().copied().fold(Score::default(), Score::plus);
    println!("all            precision {:.3} recall {:.3} f1 {:.3}", all.precision(), all.recall(), all.f1());
    assert!(all.precision() >= 0.99, "precision {:.4}", all.precision());
    assert!(all.f1() >= 0.99, "f1 {:.4}", all.f1());
}
