//! Custom identifiers over any text that is pushed in any pieces: no panic, places inside of the text, and the same
//! findings as in one piece.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::line;
use crate::pieces::{Pieces, check, classifier};

const SURFACES: &[&str] = &["subtitle", "tag", "file_name", "on_screen_text"];
const FIELDS: &[&str] =
    &["", "comment", "CARD_4539578763621486", "ｂａｄｇｅ no", "E-12345", " ", "é%40\u{200B}"];

/// Parts of expressions. What is made of them is often refused; the rest are expressions that people would not write.
const ATOMS: &[&str] = &[
    " ",
    r"\s",
    r"\S",
    r"\d",
    r"\D",
    r"\w",
    r"\W",
    r"\b",
    r"\B",
    "^",
    "$",
    "(?m:^)",
    "(?m:$)",
    ".",
    "(?s:.)",
    "E",
    "-",
    "é",
    "４",
    "邮",
    "[0-9]",
    "[^a]",
    "[A-Z]",
    r"\n",
    r"\t",
    r"\pL",
    r"\PL",
    "(?i:e-)",
    "|",
    "[ -]",
    r"\u{200B}",
];
const REPEATS: &[&str] = &["", "", "", "?", "+", "*", "{2,3}", "+?"];

/// Parts of texts.
const WORDS: &[&str] = &[
    "E-12345",
    "E-",
    "4539 5787",
    "6362 1486",
    "badge",
    "jane.doe@example.org",
    " ",
    "  ",
    "\n",
    "\t",
    "é",
    "邮",
    "４５３９",
    "\u{200B}",
    "😀",
    "%40",
    "<i>",
    "{\\i1}",
    "&nbsp;",
    "-",
    ".",
    "_",
    "a",
    "Z",
    "0",
    "12",
    "",
    "。",
    "\u{202E}",
];

fn expression() -> impl Strategy<Value = String> {
    prop::collection::vec((select(ATOMS), select(REPEATS)), 1..6)
        .prop_map(|parts| parts.into_iter().map(|(atom, repeat)| format!("{atom}{repeat}")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, ..ProptestConfig::default() })]

    #[test]
    fn any_custom_identifier_reads_any_text_in_any_pieces(
        expressions in prop::collection::vec(expression(), 1..6),
        keyed in any::<bool>(),
        texts in prop::collection::vec(prop::collection::vec(select(WORDS), 0..12), 8),
        cuts in prop::collection::vec(any::<Index>(), 0..5),
        (surface, field) in (select(SURFACES), select(FIELDS)),
        pause_s in prop::option::of(select(&[0u64, 5, 11, 25][..])),
    ) {
        let keywords: &[&str] = if keyed { &["badge"] } else { &[] };
        let accepted: Vec<&str> =
            expressions.iter().map(String::as_str).filter(|one| classifier(&[one], &[]).is_some()).collect();
        let classifier = classifier(&accepted, keywords).expect("each of them is accepted");
        for text in texts {
            let text = text.concat();
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            places.extend([0, text.len()]);
            places.iter_mut().for_each(|place| *place = text.floor_char_boundary(*place));
            places.sort_unstable();
            let lines: Vec<&str> = places.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            check(&classifier, &Pieces { surface, field, pause_s, lines: &lines });
        }
    }

    #[test]
    fn pieces_that_end_between_words_have_the_findings_of_one_piece(
        (lead, trail) in select(&[
            ("", ""), (" ", ""), (r"\s", ""), (r"\s+", ""), (r"\W", ""), (r"\b", r"\b"), ("", " "), ("", r"\s+"), ("", r"\s?"),
        ][..]),
        words in prop::collection::vec(select(&["badge", "E", "EMP", "to", "é"][..]), 1..24),
        ends in prop::collection::vec(any::<bool>(), 24),
    ) {
        let classifier = classifier(&[&format!("{lead}(?:E-[0-9]{{5}}|EMP [0-9]{{5}}){trail}")], &[]).unwrap();
        // Each value is another, for a value that the next line shows again is one occurrence.
        let shown = |(i, word): (usize, &&str)| match *word {
            "E" => format!("E-{i:05}"),
            "EMP" => format!("EMP {i:05}"),
            word => word.to_owned(),
        };
        let text = words.iter().enumerate().map(shown).collect::<Vec<_>>().join(" ");
        let (mut lines, mut ends) = (vec![String::new()], ends.into_iter().cycle());
        for word in text.split(' ') {
            let last = lines.last_mut().expect("there is always one");
            if last.is_empty() {
                *last = word.to_owned();
            } else if last.contains(' ') && ends.next() == Some(true) {
                lines.push(word.to_owned());
            } else {
                *last = format!("{last} {word}");
            }
        }
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let count = |lines: &[&str]| {
            check(&classifier, &Pieces { surface: "subtitle", field: "cue", pause_s: Some(0), lines })
        };
        prop_assert_eq!(count(&lines), count(&[&text]), "{:?}", lines);
    }
}

#[test]
fn an_expression_that_begins_or_ends_with_the_space_between_two_lines_has_its_place_in_one_of_them() {
    for (regex, first, second, place) in [
        (r"\sE-[0-9]{5}", "we have", "E-12345 here", (1, 0, 7)),
        (r"E-[0-9]{5}\s", "it is E-12345", "then 1", (0, 6, 13)),
        (r"\s+", "a", "b 1", (1, 1, 2)),
    ] {
        let classifier = classifier(&[regex], &[]).expect("it is accepted");
        let timed = |text, second: u64| {
            let mut cue = line(text, "subtitle", "cue");
            (cue.address.start_ns, cue.address.line) = (Some(second * 1_000_000_000), Some(second));
            cue
        };
        let findings = classifier.scan([timed(first, 0), timed(second, 1)].into_iter());
        let [finding] = findings.as_slice() else { panic!("{regex}: one finding, not {}", findings.len()) };
        assert_eq!(finding.count, 1, "{regex}");
        let found = &finding.locations[0];
        assert_eq!((found.address.line.unwrap(), found.start, found.end), place, "{regex}");
    }
}

#[test]
fn a_custom_identifier_over_two_lines_leaves_a_built_in_one_where_it_is() {
    let classifier = classifier(&[r"[a-z.]+@example\.org thanks"], &[]).expect("it is accepted");
    let timed = |text, second: u64| {
        let mut cue = line(text, "subtitle", "cue");
        cue.address.start_ns = Some(second * 1_000_000_000);
        cue
    };
    let findings = classifier.scan([timed("jane.doe@example.org", 0), timed("thanks", 1)].into_iter());
    let ids: Vec<&str> = findings.iter().map(|finding| finding.kind.id).collect();
    assert_eq!(ids, ["EMAIL_ADDRESS", "custom 0"]);
}
