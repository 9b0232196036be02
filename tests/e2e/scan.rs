//! `scan` reads files outside of any home as the pipeline would, and prints no part of a value.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{TempHome, lines, sample, talk};

/// Invented values.
const CARD: &str = "4539 5787 6362 1486";
const MAIL: &str = "planted.person@example-mail.net";
const NUMBER: &str = "219-09-9876";

/// Subtitles with a value in one cue and one over two cues, after letters of several bytes.
fn subtitles(home: &TempHome) -> (PathBuf, String) {
    let text = format!(
        "1\n00:00:01,000 --> 00:00:02,000\nGrüße 🎬 an {MAIL}\n\n\
         2\n00:00:03,500 --> 00:00:04,000\nmy card is 4539 5787\n\n\
         3\n00:00:04,000 --> 00:00:05,000\n6362 1486 and so on\n\n\
         4\n00:01:06,000 --> 00:01:07,000\nsocial security number {NUMBER}\n"
    );
    let path = home.file("talk.srt");
    std::fs::write(&path, &text).unwrap();
    (path, text)
}

fn scan(home: &TempHome, arguments: &[&str], path: &Path) -> (Option<i32>, String) {
    let output = home.command(&["scan"]).args(arguments).arg(path).output().unwrap();
    assert!(!home.path().exists(), "scan made a home");
    let talk = talk(&output);
    (output.status.code(), String::from_utf8(output.stdout).unwrap() + &talk)
}

fn finding<'a>(line: &'a Value, kind: &str) -> &'a Value {
    let findings = line["findings"].as_array().unwrap();
    findings.iter().find(|one| one["type"] == kind).unwrap_or_else(|| panic!("no {kind}: {line}"))
}

fn holds_no_value(printed: &str) {
    for value in [CARD, &CARD.replace(' ', ""), MAIL, NUMBER, "4539 5787", "6362 1486", "planted.person"] {
        assert!(!printed.contains(value), "{value} is printed: {printed}");
    }
}

#[test]
fn subtitle_findings_use_macies_terms_with_times_and_without_values() {
    let home = TempHome::new();
    let (path, _) = subtitles(&home);
    let (status, printed) = scan(&home, &["--json"], &path);
    assert_eq!(status, Some(3), "{printed}");
    holds_no_value(&printed);
    let line: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&line["readAs"], &line["reason"]), (&"text".into(), &Value::Null));
    assert_eq!(line["type"], "SensitiveData:S3Object/Multiple");
    assert_eq!(line["severity"], serde_json::json!({"score": 3, "description": "High"}));
    assert_eq!(line["policy"], "quarantine");
    let card = finding(&line, "CREDIT_CARD_NUMBER");
    assert_eq!(card["category"], "FINANCIAL_INFORMATION");
    assert_eq!(card["findingType"], "SensitiveData:S3Object/Financial");
    assert_eq!((&card["count"], &card["additionalOccurrences"]), (&1.into(), &0.into()));
    let place = &card["locations"][0];
    assert_eq!(place["surface"], "subtitle");
    assert_eq!(
        (&place["line"], &place["start_ns"], &place["end_ns"]),
        (&7.into(), &3_500_000_000u64.into(), &5_000_000_000u64.into())
    );
    assert_eq!(place["masked"], "**** **** **** 1486");
    assert_eq!(finding(&line, "USA_SOCIAL_SECURITY_NUMBER")["locations"][0]["start_ns"], 66_000_000_000u64);
}

#[test]
fn the_table_shows_types_counts_and_masked_places() {
    let home = TempHome::new();
    let (path, _) = subtitles(&home);
    let (status, printed) = scan(&home, &[], &path);
    assert_eq!(status, Some(3), "{printed}");
    holds_no_value(&printed);
    for part in [
        "talk.srt (text): High; policy: quarantine",
        "CREDIT_CARD_NUMBER",
        "subtitle text, line 7, 3.5 s: **** **** **** 1486",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

#[test]
fn a_name_is_read_like_the_rest_and_printed_masked() {
    let home = TempHome::new();
    let path = home.file("card 4539578763621486.txt");
    std::fs::write(&path, "nothing here\n").unwrap();
    let (status, printed) = scan(&home, &["--json"], &path);
    assert_eq!(status, Some(3), "{printed}");
    holds_no_value(&printed);
    let line: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(finding(&line, "CREDIT_CARD_NUMBER")["locations"][0]["surface"], "file_name");
    assert!(line["file"].as_str().unwrap().ends_with("card ****************.txt"), "{line}");
}

#[test]
fn text_without_a_finding_of_medium_or_above_exits_with_0() {
    let home = TempHome::new();
    let path = home.file("log.txt");
    std::fs::write(&path, "2024-05-01T10:00:00Z frame 00:01:02:03 of v1.2.3\nhost 93.184.216.34\n").unwrap();
    let (status, printed) = scan(&home, &[], &path);
    assert_eq!(status, Some(0), "{printed}");
    let empty = home.file("empty.txt");
    std::fs::write(&empty, "").unwrap();
    let (status, printed) = scan(&home, &[], &empty);
    assert_eq!((status, printed.contains("nothing found")), (Some(0), true), "{printed}");
}

#[test]
fn media_is_read_in_the_jail_and_the_result_lists_what_was_not_searched() {
    let home = TempHome::new();
    let (status, printed) = scan(&home, &["--json"], &sample("planted-card-number.mp4"));
    assert_eq!(status, Some(3), "{printed}");
    let line: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(line["readAs"], "media");
    let card = finding(&line, "CREDIT_CARD_NUMBER");
    assert_eq!(card["severity"]["description"], "High");
    let masked = card["locations"][0]["masked"].as_str().unwrap();
    assert!(masked.starts_with("****"), "{masked}");
    let state = |surface: &str| {
        let surfaces = line["surfaces"].as_array().unwrap();
        surfaces.iter().find(|one| one["surface"] == surface).unwrap()["state"].clone()
    };
    assert_eq!((state("name"), state("subtitles")), ("analysed".into(), "absent".into()), "{line}");
    assert_eq!((state("faces"), state("on_screen_text")), ("not_analysed".into(), "not_analysed".into()));
    let (status, printed) = scan(&home, &[], &sample("big-buck-bunny-5s.mp4"));
    assert_eq!(status, Some(0), "{printed}");
    assert!(printed.contains("(media): nothing found") && printed.contains("not analysed"), "{printed}");
}

#[test]
fn an_unreadable_file_is_reported_and_is_not_clean() {
    let home = TempHome::new();
    let path = home.file("archive.bin");
    std::fs::write(&path, b"PK\x03\x04\0\0\0\0 pay with 4539578763621486").unwrap();
    let (status, printed) = scan(&home, &["--json"], &path);
    assert_eq!(status, Some(3), "{printed}");
    let line: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&line["readAs"], &line["reason"]["code"]), (&Value::Null, &"not_media".into()), "{line}");
}

#[test]
fn spans_are_characters_of_the_whole_file() {
    let home = TempHome::new();
    let text = format!("Grüße 🎬\nwrite to {MAIL}\npay with card {CARD}.\n");
    let path = home.file("letter.txt");
    std::fs::write(&path, &text).unwrap();
    let (status, printed) = scan(&home, &["--spans"], &path);
    assert_eq!(status, Some(0), "{printed}");
    let chars: Vec<char> = text.chars().collect();
    let found: Vec<(String, String)> = lines(printed.as_bytes(), "")
        .iter()
        .map(|span| {
            let place = |key: &str| usize::try_from(span[key].as_u64().unwrap()).unwrap();
            assert!(span["confidence"].as_u64().is_some_and(|sure| (1..=100).contains(&sure)), "{span}");
            let value = chars[place("start")..place("end")].iter().collect();
            (span["type"].as_str().unwrap().to_owned(), value)
        })
        .collect();
    let expected = [("EMAIL_ADDRESS", MAIL), ("CREDIT_CARD_NUMBER", CARD)];
    assert_eq!(found, expected.map(|(kind, value)| (kind.to_owned(), value.to_owned())));
    holds_no_value(&printed);
}

#[test]
fn the_types_are_those_of_the_guide_and_follow_the_configuration() {
    let home = TempHome::new();
    let listed = |extra: &[&str]| {
        let output = home.reelgate(&[&["scan", "--types", "--json"], extra].concat());
        assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
        lines(&output.stdout, "")
    };
    let guide = include_str!("../../docs/reference/identifiers.md");
    let covered = guide.split("## Covered").nth(1).unwrap().split("## Not covered").next().unwrap();
    let documented = covered.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(listed(&[]).len(), documented);
    let config = home.file("reelgate.toml");
    let text = "[privacy]\ndisabled = [\"ADDRESS\"]\n[[privacy.custom_identifiers]]\nname = \"badge\"\nregex = \"B-[0-9]{4}\"\n";
    std::fs::write(&config, text).unwrap();
    let types = listed(&["--config", config.to_str().unwrap()]);
    assert_eq!(types.len(), documented);
    assert!(types.iter().all(|one| one["type"] != "ADDRESS"));
    assert!(types.iter().any(|one| one["type"] == "badge" && one["category"] == "CUSTOM_IDENTIFIER"));
}

#[test]
fn the_configuration_adds_allows_and_fingerprints() {
    let home = TempHome::new();
    let config = home.file("reelgate.toml");
    let text = format!(
        "[privacy]\nfingerprint_key = \"a key of sixteen bytes\"\n\
         [[privacy.custom_identifiers]]\nname = \"badge\"\nregex = \"B-[0-9]{{4}}\"\n\
         [[privacy.allow_lists]]\nwords = [\"{MAIL}\"]\n"
    );
    std::fs::write(&config, text).unwrap();
    let path = home.file("letter.txt");
    std::fs::write(&path, format!("B-1234 wrote to {MAIL}, card {CARD}\nB-1234 again\n")).unwrap();
    let (_, printed) = scan(&home, &["--json", "--config", config.to_str().unwrap()], &path);
    assert!(!printed.contains("B-1234") && !printed.contains("EMAIL_ADDRESS"), "{printed}");
    let line: Value = serde_json::from_str(&printed).unwrap();
    let places = finding(&line, "badge")["locations"].as_array().unwrap();
    assert_eq!(places.len(), 2);
    assert_eq!(places[0]["fingerprint"].as_str().unwrap().len(), 32);
    assert_eq!(places[0]["fingerprint"], places[1]["fingerprint"]);
    assert_ne!(places[0]["fingerprint"], finding(&line, "CREDIT_CARD_NUMBER")["locations"][0]["fingerprint"]);
}

#[test]
fn what_policy_would_do_follows_the_rules() {
    let home = TempHome::new();
    let config = home.file("reelgate.toml");
    let rules = "[[privacy.rules]]\nkinds = [\"CREDIT_CARD_NUMBER\"]\naction = \"redact_then_publish\"\n\
                 [[privacy.rules]]\nkinds = [\"EMAIL_ADDRESS\", \"USA_SOCIAL_SECURITY_NUMBER\"]\naction = \"log\"\n";
    std::fs::write(&config, rules).unwrap();
    let (path, _) = subtitles(&home);
    let (status, printed) = scan(&home, &["--json", "--config", config.to_str().unwrap()], &path);
    let line: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((status, &line["policy"]), (Some(3), &"redact_then_publish".into()), "{printed}");
}

#[test]
fn wrong_usage_is_reported_in_one_line() {
    let home = TempHome::new();
    let text = home.file("a.txt");
    std::fs::write(&text, "a\n").unwrap();
    let (text, media) = (text.display().to_string(), sample("big-buck-bunny-5s.mp4").display().to_string());
    let config = home.file("reelgate.toml");
    std::fs::write(&config, "[privacy]\ndisabled = [\"CREDIT_CARD\"]\n").unwrap();
    for (arguments, expected) in [
        (&["scan", "no-such-file.txt"][..], "no-such-file.txt: expected a readable file"),
        (&["scan", "/"][..], "expected an ordinary file"),
        (&["scan", "--spans", &text, &text][..], "expected one text file, found 2"),
        (&["scan", "--spans", &media][..], "expected text in UTF-8"),
        (
            &["scan", &text, "--config", config.to_str().unwrap()][..],
            "privacy.disabled: there is no identifier",
        ),
    ] {
        let output = home.reelgate(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", talk(&output));
        assert!(talk(&output).contains(expected), "{arguments:?}: {}", talk(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}: data without success");
    }
    assert_eq!(home.reelgate(&["scan"]).status.code(), Some(2));
}
