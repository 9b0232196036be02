//! Files with one value each, and subtitles, as people found them to be missed.

use std::path::{Path, PathBuf};

use reelgate_privacy::{Finding, Line};

use crate::{CLASSIFIER, line};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

fn read(path: &Path) -> String {
    String::from_utf8(std::fs::read(path).expect("the case is in the repository"))
        .expect("the cases are UTF-8")
}

/// For each finding: its id, how often, and what its first place shows.
fn summary(findings: &[Finding]) -> Vec<(&'static str, u64, &str)> {
    findings.iter().map(|f| (f.kind.id, f.count, f.locations[0].masked.as_str())).collect()
}

#[test]
fn a_value_in_another_form_is_found_and_masked_by_its_own_characters() {
    const CARD: &str = "CREDIT_CARD_NUMBER";
    let expected = [
        ("01_fullwidth.txt", CARD, "４５３２ １２９０ ００１２ ３４５１", "**** **** **** ３４５１"),
        ("03_devanagari.txt", CARD, "४५३२१२९००१९४७३१२", "************७३१२"),
        ("05_nb_hyphen.txt", CARD, "4532‑1290‑0377‑1173", "****‑****‑****‑1173"),
        ("06_en_dash.txt", CARD, "4532–1290–0468–3104", "****–****–****–3104"),
        ("09_nbsp.txt", CARD, "4532\u{A0}1290\u{A0}0741\u{A0}8896", "****\u{A0}****\u{A0}****\u{A0}8896"),
        (
            "12_zwsp.txt",
            CARD,
            "4532\u{200B}1290\u{200B}1015\u{200B}4686",
            "****\u{200B}****\u{200B}****\u{200B}4686",
        ),
        (
            "14_word_joiner.txt",
            CARD,
            "4532\u{2060}1290\u{2060}1197\u{2060}8547",
            "****\u{2060}****\u{2060}****\u{2060}8547",
        ),
        ("20_fullwidth_at.txt", "EMAIL_ADDRESS", "jane.q.tester＠northwind-mail.com", "j***@***"),
        ("25_dots.txt", CARD, "4532.1290.2200.9779", "****.****.****.9779"),
        ("27_underscores.txt", CARD, "4532_1290_2383_3631", "****_****_****_3631"),
        (
            "36_slow_digits.txt",
            "CREDIT_CARD_NUMBER_(NO_KEYWORD)",
            "4 5 3 2 1 2 9 0 3 2 0 4 1 0 0 2",
            "* * * * * * * * * * * * 1 0 0 2",
        ),
        ("39_url_encoded.txt", "EMAIL_ADDRESS", "jane.q.tester%40northwind-mail.com", "j***@***"),
    ];
    let mut files: Vec<String> = std::fs::read_dir(folder("values"))
        .expect("the cases are in the repository")
        .map(|entry| entry.expect("an entry is readable").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(files, expected.map(|(file, ..)| file));
    for (file, id, value, masked) in expected {
        let text = read(&folder("values").join(file));
        let text = text.trim_end();
        let findings = CLASSIFIER.scan([line(text, "subtitle", "cue")].into_iter());
        assert_eq!(summary(&findings), [(id, 1, masked)], "{file}");
        let place = &findings[0].locations[0];
        let found: String = text.chars().skip(place.start).take(place.end - place.start).collect();
        assert_eq!(found, value, "{file}");
    }
}

/// The lines of a file as any text.
fn lines(file: &str) -> Vec<Finding> {
    let text = read(&folder("text").join(file));
    CLASSIFIER.scan(text.lines().map(|text| line(text, "text", "line")))
}

#[test]
fn markup_of_substation_alpha_inside_of_values_is_passed_over() {
    assert_eq!(
        summary(&lines("C04_overrides.ass")),
        [
            ("CREDIT_CARD_NUMBER", 2, r"****{\**} **** {\**}****{\**} 8317"),
            ("GERMANY_BANK_ACCOUNT_NUMBER", 1, r"**** **** ****\***** **49 31"),
            ("EMAIL_ADDRESS", 2, "j***@***"),
        ]
    );
}

#[test]
fn markup_and_references_of_webvtt_inside_of_values_are_passed_over() {
    let findings = lines("C05_markup.vtt");
    let found = summary(&findings).into_iter().map(|(id, count, _)| (id, count));
    assert_eq!(
        found.collect::<Vec<_>>(),
        [
            ("CREDIT_CARD_NUMBER", 2),
            ("CREDIT_CARD_NUMBER_(NO_KEYWORD)", 1),
            ("GERMANY_BANK_ACCOUNT_NUMBER", 1),
            ("EMAIL_ADDRESS", 4),
            ("PHONE_NUMBER", 1),
        ]
    );
}

/// The cues of a SubRip file: start and end, seconds, and text.
fn cues<'t>(text: &'t str, times: &[(u64, u64)]) -> Vec<Finding> {
    let words = text.split("\n\n").filter_map(|cue| cue.splitn(3, '\n').nth(2));
    let cues: Vec<Line<'t>> = words
        .zip(times)
        .map(|(text, (start, end))| {
            let mut cue = line(text.trim_end(), "subtitle", "cue");
            (cue.address.start_ns, cue.address.end_ns) =
                (Some(start * 1_000_000_000), Some(end * 1_000_000_000));
            cue
        })
        .collect();
    assert_eq!(cues.len(), times.len());
    CLASSIFIER.scan(cues.into_iter())
}

#[test]
fn a_card_that_is_dictated_with_a_pause_or_with_another_voice_in_between_is_found() {
    let pause = read(&folder("text").join("C02_card_over_20s.srt"));
    let found = cues(&pause, &[(1, 2), (22, 24)]);
    assert_eq!(summary(&found), [("CREDIT_CARD_NUMBER", 1, "**** **** **** 8317")]);
    let place = &found[0].locations[0].address;
    assert_eq!((place.start_ns, place.end_ns), (Some(1_000_000_000), Some(24_000_000_000)));
    let voices = read(&folder("text").join("C03_speakers_between.srt"));
    assert_eq!(
        summary(&cues(&voices, &[(1, 2), (2, 3), (3, 4)])),
        [("CREDIT_CARD_NUMBER", 1, "**** **** **** 8317")]
    );
}
