//! The table of identifiers in the documentation is the registry, word for word.

use std::path::PathBuf;

use reelgate_privacy::{Identifier, Origin, identifiers};

/// One row of the table, for one identifier.
fn row(identifier: &Identifier) -> String {
    let by = match identifier.origin {
        Origin::Macie => "Macie",
        Origin::Reelgate => "Reelgate",
    };
    let bands = identifier.severity;
    format!(
        "| `{}` | {} | {by} | {} | {} | {} / {} / {} |",
        identifier.kind.id,
        identifier.kind.category.as_str(),
        identifier.keyword_rule.as_str(),
        identifier.validation,
        bands.one.as_str(),
        bands.some.as_str(),
        bands.many.as_str()
    )
}

fn document() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/identifiers.md");
    std::fs::read_to_string(path).expect("the documentation stands beside the crates")
}

#[test]
fn every_identifier_has_its_row_and_every_row_its_identifier() {
    let document = document();
    let rows: Vec<String> = identifiers().iter().map(row).collect();
    let covered =
        document.split("## Covered").nth(1).and_then(|rest| rest.split("## Not covered").next()).unwrap();
    let written: Vec<&str> = covered.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(written, rows, "docs/reference/identifiers.md should hold:\n{}", rows.join("\n"));
}

#[test]
fn nothing_listed_as_not_covered_is_covered() {
    let document = document();
    let missing = document.split("## Not covered").nth(1).unwrap();
    let listed: Vec<&str> = missing.split('`').skip(1).step_by(2).collect();
    assert!(!listed.is_empty());
    for identifier in identifiers() {
        assert!(!listed.contains(&identifier.kind.id), "{} is covered", identifier.kind.id);
    }
}

#[test]
fn ids_severities_and_keywords_agree_with_the_managed_identifiers() {
    let Some(path) = crate::shared("reference/macie-managed-identifiers.json") else {
        return;
    };
    let managed: Vec<serde_json::Value> =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let document = document();
    for theirs in &managed {
        let id = theirs["id"].as_str().unwrap();
        assert!(
            document.contains(&format!("`{id}`")),
            "{id} is listed neither as covered nor as not covered"
        );
    }
    for ours in identifiers() {
        let theirs = managed.iter().find(|m| m["id"] == ours.kind.id);
        assert_eq!(theirs.is_some(), ours.origin == Origin::Macie, "{}", ours.kind.id);
        let Some(theirs) = theirs else {
            continue;
        };
        assert_eq!(theirs["category"], ours.kind.category.as_str(), "{}", ours.kind.id);
        for (band, count) in [("1", 1), ("2-99", 2), ("100+", 100)] {
            assert_eq!(theirs["severity"][band], ours.severity.of(count).as_str(), "{} {band}", ours.kind.id);
        }
        let words = theirs["keywords"].as_array().into_iter().flatten().filter_map(|w| w.as_str());
        // Some lists are summed up there for many countries: `per country`, `US: passport, travel document`.
        for word in words.filter(|word| *word != "per country" && !word.contains(", ")) {
            let word = word.to_lowercase().replace('_', " ");
            let spelled = |ours: &&str| ours.replace('_', " ") == word;
            assert!(ours.keywords.iter().any(spelled), "{}: {word:?}", ours.kind.id);
        }
    }
}
