//! Findings: form, counts, severity, places, and above all what they must not contain.

use reelgate_privacy::{LOCATIONS_MAX, Line, ON_SCREEN_MAX, Severity, finding_type, severity, text};

use crate::{CLASSIFIER, line};

#[test]
fn a_finding_has_type_count_place_and_a_masked_form() {
    let mut cue = line("né: jane.doe@example.org!", "subtitle", "cue");
    (cue.address.track, cue.address.start_ns, cue.address.end_ns) = (Some(3), Some(1_000), Some(2_000));
    let findings = CLASSIFIER.scan([cue].into_iter());
    let [finding] = findings.as_slice() else { panic!("one finding, not {}", findings.len()) };
    assert_eq!((finding.kind.id, finding.kind.category.as_str()), ("EMAIL_ADDRESS", "PERSONAL_INFORMATION"));
    assert_eq!((finding.severity, finding.count, finding.additional_occurrences), (Severity::Medium, 1, 0));
    let place = &finding.locations[0];
    assert_eq!((place.start, place.end, place.masked.as_str()), (4, 24, "j***@***"));
    assert_eq!(
        (place.address.track, place.address.start_ns, place.address.end_ns),
        (Some(3), Some(1_000), Some(2_000))
    );
}

#[test]
fn severity_follows_the_count_and_the_most_severe_finding_decides() {
    let phones = |count: usize| {
        let lines = (0..count).map(|_| line("+33 6 12 34 56 78", "subtitle", "cue"));
        CLASSIFIER.scan(lines)
    };
    for (count, expected) in
        [(1, Severity::Low), (2, Severity::Medium), (99, Severity::Medium), (100, Severity::High)]
    {
        let findings = phones(count);
        assert_eq!(findings[0].severity, expected, "{count}");
        assert_eq!(findings[0].count, count as u64);
        assert_eq!(findings[0].locations.len(), count.min(LOCATIONS_MAX));
        assert_eq!(findings[0].additional_occurrences, count.saturating_sub(LOCATIONS_MAX) as u64);
    }
    assert_eq!(severity(&[]), None);
    let lines = [line("+33 6 12 34 56 78", "tag", "comment"), line("ssn 536-90-4399", "tag", "comment")];
    let findings = CLASSIFIER.scan(lines.into_iter());
    assert_eq!(findings.iter().map(|f| f.severity).collect::<Vec<_>>(), [Severity::High, Severity::Low]);
    assert_eq!(severity(&findings), Some(Severity::High));
}

#[test]
fn the_element_name_is_a_keyword() {
    let found = |field: &str| CLASSIFIER.scan([line("536904399", "tag", field)].into_iter()).len();
    assert_eq!(found("comment"), 0);
    assert_eq!(found("user.ssn"), 1);
    assert_eq!(found("socialSecurityNumber"), 1);
}

#[test]
fn file_names_are_read_without_their_endings_and_places_are_those_in_the_name() {
    for (name, id, masked) in [
        ("john_4539578763621486.mp4", "CREDIT_CARD_NUMBER_(NO_KEYWORD)", "************1486"),
        ("card_4539_5787_6362_1486.mkv", "CREDIT_CARD_NUMBER", "**** **** **** 1486"),
        ("a.b@c.org.mov", "EMAIL_ADDRESS", "a***@***"),
        ("in/jane/GB29NWBK60161331926819.mp4", "UK_BANK_ACCOUNT_NUMBER", "******************6819"),
        ("ssn_536904399.webm", "USA_SOCIAL_SECURITY_NUMBER", "*********"),
    ] {
        let findings = CLASSIFIER.scan([line(name, text::FILE_NAME, "")].into_iter());
        assert_eq!(findings.len(), 1, "{name}");
        assert_eq!((findings[0].kind.id, findings[0].locations[0].masked.as_str()), (id, masked));
        let place = &findings[0].locations[0];
        let cut: String = name.chars().skip(place.start).take(place.end - place.start).collect();
        assert_eq!(cut.replace('_', " ").len(), masked.len().max(cut.len()), "{name}");
        assert!(name.contains(&cut));
    }
}

#[test]
fn no_value_reaches_a_finding_or_its_debug_form_not_even_from_an_element_name() {
    let values = [
        "4539578763621486",
        "jane.doe@example.org",
        "536-90-4399",
        "GB29NWBK60161331926819",
        "+33612345678",
        "69.196.0.85",
        "2001:db8:85a3::8a2e:370:7334",
        "+48.8577+002.2950+035/",
    ];
    for value in values {
        let lines = [line(value, "tag", "comment"), line("plain", "tag", value)];
        let findings = CLASSIFIER.scan(lines.into_iter());
        assert_eq!(findings.iter().map(|f| f.count).sum::<u64>(), 2, "{value}");
        let printed = format!("{findings:?}");
        assert!(!printed.contains(value), "{printed}");
        let fields: Vec<&str> =
            findings.iter().flat_map(|f| &f.locations).map(|place| place.address.field.as_str()).collect();
        assert!(fields.contains(&"comment") && !fields.contains(&value), "{fields:?}");
    }
}

#[test]
fn an_address_before_screening_does_not_print_its_element_name() {
    let Line { address, .. } = line("x", "tag", "jane.doe@example.org");
    assert_eq!(
        format!("{address:?}"),
        "TextPlace { surface: \"tag\", field_bytes: 20, track: None, start_ns: None, end_ns: None, frame_box: None, line: None }"
    );
}

#[test]
fn text_without_personal_data_has_no_finding() {
    assert!(CLASSIFIER.scan([line("a quiet day at the sea", "subtitle", "cue")].into_iter()).is_empty());
    assert!(CLASSIFIER.scan(std::iter::empty()).is_empty());
}

#[test]
fn findings_have_the_types_and_scores_of_macie() {
    let scan = |text: &str| CLASSIFIER.scan([line(text, "tag", "comment")].into_iter());
    for (text, kind, category, score) in [
        ("4539578763621486", "SensitiveData:S3Object/Financial", "FINANCIAL_INFORMATION", 3),
        ("jane.doe@example.org", "SensitiveData:S3Object/Personal", "PERSONAL_INFORMATION", 2),
        ("AKIAQX4BIPWN7RTZ5HJ2", "SensitiveData:S3Object/Credentials", "CREDENTIALS", 3),
    ] {
        let findings = scan(text);
        assert_eq!(finding_type(&findings), Some(kind));
        assert_eq!(
            (findings[0].finding_type(), findings[0].category(), findings[0].score()),
            (kind, category, score)
        );
    }
    assert_eq!(
        finding_type(&scan("4539578763621486 jane.doe@example.org")),
        Some("SensitiveData:S3Object/Multiple")
    );
    assert_eq!(finding_type(&[]), None);
}

#[test]
fn every_place_on_screen_is_listed_up_to_a_bound_that_is_counted() {
    let shown = |count: u64, text: &'static str| {
        (0..count).map(move |n| {
            let mut one = line(text, "on_screen_text", "text");
            let start_ns = n * 20_000_000_000;
            (one.address.start_ns, one.address.end_ns) = (Some(start_ns), None);
            one.address.frame_box =
                Some(reelgate_flow::place::FrameBox { x: 4, y: 4, width: 90, height: 20 });
            one
        })
    };
    let scan = CLASSIFIER.scan_whole(shown(40, "ssn 536-90-4399"));
    assert_eq!((scan.findings[0].locations.len(), scan.on_screen.len()), (LOCATIONS_MAX, 40));
    assert!(scan.on_screen.iter().all(|seen| seen.end_ns > seen.start_ns));
    let most = ON_SCREEN_MAX as u64;
    let scan = CLASSIFIER.scan_whole(shown(most + 3, "ssn 536-90-4399"));
    assert_eq!((scan.on_screen.len() as u64, scan.more_on_screen), (most, 3));
    let elsewhere = CLASSIFIER.scan_whole([line("ssn 536-90-4399", "tag", "comment")].into_iter());
    assert_eq!((elsewhere.findings.len(), elsewhere.on_screen.len()), (1, 0));
}
