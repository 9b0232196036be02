//! What a deployment adds and takes away: custom identifiers, allow lists, ids switched off, fingerprints.

use reelgate_privacy::{
    AllowList, Classifier, ConfigError, CustomIdentifier, Fingerprinter, Options, Severity, SeverityLevel,
};

use crate::line;

fn employee() -> CustomIdentifier {
    serde_json::from_str(r#"{"name": "employee number", "regex": "E-[0-9]{5}"}"#).expect("well formed")
}

fn with(custom: CustomIdentifier) -> Classifier {
    Classifier::with(&[custom], &[], Options::default()).expect("within the limits")
}

/// Ids, counts and severities of what one line holds.
fn told(classifier: &Classifier, text: &str, field: &str) -> Vec<(&'static str, u64, Severity)> {
    let findings = classifier.scan([line(text, "tag", field)].into_iter());
    findings.iter().map(|f| (f.kind.id, f.count, f.severity)).collect()
}

#[test]
fn a_custom_identifier_is_medium_from_one_on_and_shows_nothing() {
    let classifier = with(employee());
    let findings = classifier.scan([line("by E-12345 and E-54321", "tag", "comment")].into_iter());
    let [finding] = findings.as_slice() else { panic!("one finding, not {}", findings.len()) };
    assert_eq!((finding.kind.id, finding.count, finding.severity), ("employee number", 2, Severity::Medium));
    assert_eq!(finding.finding_type(), "SensitiveData:S3Object/CustomIdentifier");
    assert_eq!(finding.category(), "CUSTOM_IDENTIFIER");
    assert_eq!((finding.locations[1].start, finding.locations[1].masked.as_str()), (15, "********"));
}

#[test]
fn a_keyword_has_to_end_within_the_distance_before_the_end_of_the_match() {
    let keyed = CustomIdentifier { keywords: vec!["badge".into()], maximum_match_distance: 12, ..employee() };
    let classifier = with(keyed);
    let found = |text: &str, field: &str| told(&classifier, text, field).len();
    assert_eq!(found("BADGE E-12345", ""), 1, "8 characters from the end of the keyword");
    assert_eq!(found("badge éééé E-12345", ""), 0, "13 characters");
    assert_eq!(found("badge ééé E-12345", ""), 1, "12 characters");
    assert_eq!(found("E-12345 badge", ""), 0, "a keyword after the match does not count");
    assert_eq!(found("E-12345", "user.badge"), 1, "the element's name counts");
    assert_eq!(found("E-12345", "user.name"), 0);
}

#[test]
fn an_ignore_word_cancels_the_match_that_holds_it_in_its_case() {
    let classifier = with(CustomIdentifier {
        regex: "E-[0-9]{5}(?:-[A-Za-z]+)?".into(),
        ignore_words: vec!["Test".into()],
        ..employee()
    });
    assert_eq!(told(&classifier, "E-12345-Test", "").len(), 0);
    assert_eq!(told(&classifier, "E-12345-test", "").len(), 1);
    assert_eq!(told(&classifier, "Test E-12345", "").len(), 1);
}

#[test]
fn severity_follows_the_thresholds_and_fewer_are_no_finding() {
    let level = |occurrences_threshold, severity| SeverityLevel { occurrences_threshold, severity };
    let levels = vec![level(2, Severity::Low), level(3, Severity::High)];
    let classifier = with(CustomIdentifier { severity_levels: levels, ..employee() });
    let severities: Vec<Option<Severity>> = (1..5)
        .map(|count| told(&classifier, &"E-12345 ".repeat(count), "").first().map(|found| found.2))
        .collect();
    assert_eq!(severities, [None, Some(Severity::Low), Some(Severity::High), Some(Severity::High)]);
}

#[test]
fn a_custom_identifier_counts_beside_a_built_in_one_and_spans_stay_apart() {
    let classifier = with(CustomIdentifier { regex: r"[a-z.]+@example\.org".into(), ..employee() });
    let ids: Vec<&str> = told(&classifier, "jane.doe@example.org", "").iter().map(|found| found.0).collect();
    assert_eq!(ids, ["EMAIL_ADDRESS", "employee number"]);
    assert_eq!(classifier.spans("jane.doe@example.org").len(), 1);
}

#[test]
fn definitions_outside_the_limits_are_refused_with_what_is_wrong() {
    let refused =
        |custom: CustomIdentifier| Classifier::with(&[custom], &[], Options::default()).err().unwrap();
    let words = |count: usize, length: usize| vec!["w".repeat(length); count];
    let level = |occurrences_threshold| SeverityLevel { occurrences_threshold, severity: Severity::Low };
    assert!(matches!(
        refused(CustomIdentifier { name: String::new(), ..employee() }),
        ConfigError::NameLength { chars: 0 }
    ));
    assert!(matches!(
        refused(CustomIdentifier { regex: "x".repeat(513), ..employee() }),
        ConfigError::RegexLength { chars: 513, .. }
    ));
    assert!(matches!(
        refused(CustomIdentifier { regex: "(?=x)".into(), ..employee() }),
        ConfigError::Regex { .. }
    ));
    assert!(matches!(
        refused(CustomIdentifier { regex: "x*".into(), ..employee() }),
        ConfigError::RegexMatchesNothing { .. }
    ));
    for keywords in [words(51, 5), words(1, 2), words(1, 91)] {
        assert!(matches!(refused(CustomIdentifier { keywords, ..employee() }), ConfigError::Keywords { .. }));
    }
    for ignore_words in [words(11, 5), words(1, 3), words(1, 91)] {
        assert!(matches!(
            refused(CustomIdentifier { ignore_words, ..employee() }),
            ConfigError::IgnoreWords { .. }
        ));
    }
    for maximum_match_distance in [0, 301] {
        assert!(matches!(
            refused(CustomIdentifier { maximum_match_distance, ..employee() }),
            ConfigError::Distance { .. }
        ));
    }
    for severity_levels in [vec![level(0)], vec![level(2), level(2)], vec![level(3), level(1)]] {
        assert!(matches!(
            refused(CustomIdentifier { severity_levels, ..employee() }),
            ConfigError::SeverityLevels { .. }
        ));
    }
    let taken = CustomIdentifier { name: "EMAIL_ADDRESS".into(), ..employee() };
    assert!(matches!(refused(taken), ConfigError::NameTaken { .. }));
    let twice = Classifier::with(&[employee(), employee()], &[], Options::default());
    assert!(matches!(twice.err(), Some(ConfigError::NameTaken { .. })));
    let many = vec![employee(); 101];
    assert!(matches!(
        Classifier::with(&many, &[], Options::default()).err(),
        Some(ConfigError::TooMany { found: 101 })
    ));
    assert!(
        serde_json::from_str::<CustomIdentifier>(r#"{"name": "n", "regex": "x", "keyword": []}"#).is_err()
    );
}

#[test]
fn limits_themselves_are_allowed() {
    let custom = CustomIdentifier {
        keywords: vec!["k".repeat(90); 50],
        ignore_words: vec!["i".repeat(90); 10],
        maximum_match_distance: 300,
        regex: format!("{}y", "x?".repeat(255)),
        ..employee()
    };
    assert!(Classifier::with(&[custom], &[], Options::default()).is_ok());
}

#[test]
fn an_allowed_value_is_not_reported_whatever_finds_it() {
    let lists = [
        AllowList::Words(vec!["Press@Example.org".into(), "E-00000".into()]),
        AllowList::Regex(r"\+33 6 00.*|E-1".into()),
    ];
    let classifier = Classifier::with(&[employee()], &lists, Options::default()).unwrap();
    for text in ["press@example.org", "call +33 6 00 12 34 56", "e-00000 E-00000"] {
        assert_eq!(told(&classifier, text, ""), [], "{text}");
    }
    for text in ["a.press@example.org", "call +33 6 12 34 56 78", "E-12345"] {
        assert_eq!(told(&classifier, text, "").len(), 1, "{text}");
    }
    let words = AllowList::Words(vec!["w".repeat(91)]);
    assert!(matches!(
        Classifier::with(&[], &[words], Options::default()).err(),
        Some(ConfigError::AllowedWords { found: 91 })
    ));
}

#[test]
fn an_id_that_is_switched_off_is_not_looked_for_and_an_unknown_one_is_refused() {
    let off = |id: &str| Options { disabled: vec![id.into()], ..Options::default() };
    let classifier = Classifier::with(&[], &[], off("EMAIL_ADDRESS")).unwrap();
    assert_eq!(told(&classifier, "jane.doe@example.org", ""), []);
    let classifier = Classifier::with(&[], &[], off("UK_NHS_NUMBER")).unwrap();
    assert!(told(&classifier, "nhs 943 476 5919", "").iter().all(|found| found.0 != "UK_NHS_NUMBER"));
    assert!(matches!(
        Classifier::with(&[], &[], off("EMAIL")).err(),
        Some(ConfigError::UnknownIdentifier { .. })
    ));
}

#[test]
fn places_of_one_value_share_a_fingerprint_across_assets_and_there_is_none_without_a_key() {
    let options =
        Options { fingerprinter: Some(Fingerprinter::new(&[1; 32]).unwrap()), ..Options::default() };
    let classifier = Classifier::with(&[], &[], options).unwrap();
    let print = |classifier: &Classifier, text: &str| {
        classifier.scan([line(text, "tag", "comment")].into_iter())[0].locations[0].fingerprint.clone()
    };
    let first = print(&classifier, "card 4539 5787 6362 1486");
    assert!(first.is_some());
    assert_eq!(print(&classifier, "4539578763621486"), first);
    assert_ne!(print(&classifier, "4556737586899855"), first);
    assert_eq!(print(&Classifier::new(), "4539578763621486"), None);
}

#[test]
fn letters_like_digits_count_on_the_picture_only_where_a_check_digit_agrees() {
    let classifier = Classifier::new();
    let seen = |text: &str, surface: &str| {
        let findings = classifier.scan([line(text, surface, "")].into_iter());
        findings.iter().map(|f| f.locations[0].masked.clone()).collect::<Vec<_>>()
    };
    assert_eq!(seen("4S39 5787 6362 I4B6", "on_screen_text"), ["**** **** **** 1486"]);
    assert_eq!(seen("GB29NWBK6O16133l926819", "on_screen_text"), ["******************6819"]);
    for text in ["4S39 5787 6362 I4B7", "call 2l2-555-O123", "SSN 536-9O-4399"] {
        assert_eq!(seen(text, "on_screen_text"), [""; 0], "{text}");
    }
    assert_eq!(seen("4S39 5787 6362 I4B6", "subtitle"), [""; 0]);
}
