//! What must hold for any custom identifier and any text, pushed in any pieces. The fuzz target checks the same.

use reelgate_flow::place::TextPlace;
use reelgate_privacy::{Classifier, CustomIdentifier, Options};

/// A text in pieces.
pub(crate) struct Pieces<'a> {
    pub surface: &'a str,
    pub field: &'a str,
    /// Pause between two pieces, seconds; without it, the pieces have no times.
    pub pause_s: Option<u64>,
    pub lines: &'a [&'a str],
}

/// A classifier of the built-in identifiers and these expressions; `None` if the configuration refuses one of them.
pub(crate) fn classifier(regexes: &[&str], keywords: &[&str]) -> Option<Classifier> {
    let custom: Vec<CustomIdentifier> = regexes
        .iter()
        .enumerate()
        .map(|(i, regex)| CustomIdentifier {
            name: format!("custom {i}"),
            regex: (*regex).to_owned(),
            keywords: keywords.iter().map(|word| (*word).to_owned()).collect(),
            ignore_words: Vec::new(),
            maximum_match_distance: 50,
            severity_levels: Vec::new(),
        })
        .collect();
    Classifier::with(&custom, &[], Options::default()).ok()
}

/// Checks the places of everything that is found, and returns the number of occurrences.
///
/// # Panics
/// If a place is not inside of its lines.
pub(crate) fn check(classifier: &Classifier, pieces: &Pieces) -> u64 {
    let chars: Vec<usize> = pieces.lines.iter().map(|line| line.chars().count()).collect();
    let mut scanner = classifier.scanner();
    for (number, line) in (0u64..).zip(pieces.lines) {
        const SECOND: u64 = 1_000_000_000;
        let start_ns = pieces.pause_s.map(|pause_s| number * (pause_s + 2) * SECOND);
        let address = TextPlace {
            start_ns,
            end_ns: start_ns.map(|start| start + 2 * SECOND),
            line: Some(number),
            ..TextPlace::untimed(pieces.surface, pieces.field, Some(1))
        };
        scanner.push_at(&address, line);
        check_spans(classifier, line);
    }
    check_spans(classifier, &pieces.lines.concat());
    check_spans(classifier, pieces.field);
    let findings = scanner.finish();
    for location in findings.iter().flat_map(|finding| &finding.locations) {
        let first = location.address.line.and_then(|line| usize::try_from(line).ok()).unwrap_or(usize::MAX);
        let in_name = location.end <= pieces.field.chars().count();
        let rest: usize = chars[first..].iter().map(|chars| chars + 1).sum();
        assert!(location.start < location.end, "an empty place {}..{}", location.start, location.end);
        assert!(
            in_name || (location.start < chars[first] && location.end < rest),
            "{}..{} in a line of {} characters",
            location.start,
            location.end,
            chars[first]
        );
        assert!(!location.masked.is_empty());
    }
    findings.iter().map(|finding| finding.count).sum()
}

/// Checks that places in one text are inside of it, in order, and apart.
fn check_spans(classifier: &Classifier, text: &str) {
    let (spans, chars) = (classifier.spans(text), text.chars().count());
    for span in &spans {
        assert!(span.start < span.end && span.end <= chars, "{}..{} of {chars}", span.start, span.end);
    }
    assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start));
    assert_eq!(classifier.hide(text).chars().count(), chars);
}
