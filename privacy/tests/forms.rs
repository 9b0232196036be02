//! Values in many written forms, in a text and in a file's name.

use std::collections::BTreeSet;

use reelgate_privacy::text::{FILE_NAME, file_name};

use crate::written_forms::{AFTER, Planted, limits, planted};
use crate::{CLASSIFIER, line};

/// Forms and values that are not found, in the order of [`planted`].
fn missed(planted: &[Planted], found: impl Fn(&Planted) -> bool) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut missed: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in planted.iter().filter(|one| !found(one)) {
        match missed.last_mut() {
            Some((form, values)) if *form == one.form => values.push(one.value),
            _ => missed.push((one.form, vec![one.value])),
        }
    }
    missed
}

#[test]
fn values_are_found_in_every_form_that_is_not_a_named_limit() {
    let planted = planted();
    let forms: BTreeSet<&str> = planted.iter().map(|one| one.form).collect();
    assert!(forms.len() >= 60, "{} forms", forms.len());
    let found = |one: &Planted| {
        let span = CLASSIFIER.spans(&one.text).into_iter().find(|span| span.kind.id.starts_with(one.id));
        // All of the value, whatever the form adds around it: its last character is a part of it.
        let last = |end: usize| {
            let rest: Vec<char> = one.text.chars().skip(end).collect();
            !rest.iter().take(3).any(char::is_ascii_digit)
        };
        let end = one.text.chars().count() - AFTER.len();
        span.is_some_and(|span| span.start < end && last(span.end))
    };
    assert_eq!(missed(&planted, found), limits());
}

#[test]
fn values_are_found_in_file_names_in_every_form_that_is_not_a_named_limit() {
    // A name has no line breaks, and a slash separates folders.
    let planted = planted();
    let found = |one: &Planted| {
        let name = file_name(&format!("{}.mp4", one.text));
        let findings = CLASSIFIER.scan([line(&name, FILE_NAME, "name")].into_iter());
        findings.iter().any(|finding| finding.kind.id.starts_with(one.id))
    };
    assert_eq!(missed(&planted, found), limits());
}

#[test]
fn a_label_after_a_value_counts_as_one_before_it() {
    for (value, label) in [
        ("4532 1290 0741 8896", "is the card number"),
        ("536904399", "is my social security number"),
        ("943 476 5919", "NHS number"),
        ("48.85774, 2.29504", "(gps)"),
    ] {
        assert_eq!(crate::ids(value).iter().filter(|id| !id.contains("NO_KEYWORD")).count(), 0, "{value}");
        let text = format!("{value} {label}");
        assert!(crate::ids(&text).iter().any(|id| !id.contains("NO_KEYWORD")), "{text}");
    }
}

#[test]
fn the_documentation_names_every_limit() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/identifiers.md");
    let document =
        String::from_utf8(std::fs::read(path).expect("the documentation is in the workspace")).unwrap();
    let section =
        document.split("## Forms").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    let named: BTreeSet<(&str, &str)> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .filter(|(form, _)| !form.starts_with("not found") && !form.starts_with('-'))
        .collect();
    let limits: Vec<(&str, String)> =
        limits().into_iter().map(|(form, values)| (form, values.join(", "))).collect();
    let limits: BTreeSet<(&str, &str)> =
        limits.iter().map(|(form, values)| (*form, values.as_str())).collect();
    assert_eq!(named, limits);
}
