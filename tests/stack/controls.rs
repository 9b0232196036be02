//! `docs/reference/security-controls.md` has a row for every control, and what a row names is there: a template or script with that
//! resource and property, and a proof, which is a control of `validate-security.sh`, a test of this folder or a rule of Control Tower.

use std::collections::BTreeSet;
use std::fs;

use reelgate_stand_ins::linters;

use crate::templates::deploy;

/// AWS Foundational Security Best Practices on the services that the stack uses.
const CONTROLS: usize = 129;

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_control_has_a_row_and_what_a_row_names_is_there() {
    let root = deploy().join("..");
    let all = |folder: &str, end: &str| -> String {
        let files = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let of_kind = files.filter(|path| path.extension().is_some_and(|found| found == end));
        of_kind.map(|path| fs::read_to_string(path).unwrap()).collect()
    };
    let (live, tests) = (all("deploy/security", "py"), all("tests/stack", "rs"));
    let (_, rules) = linters::cfn_guard();
    let is_rule = |name: &str| {
        let file = format!("{}.guard", name.to_lowercase().replace('.', "-"));
        fs::read_dir(&rules).unwrap().any(|folder| folder.unwrap().path().join(&file).exists())
    };
    let page = fs::read_to_string(root.join("docs/reference/security-controls.md")).unwrap();
    let mut controls = BTreeSet::new();
    for row in page.lines() {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [control, _, answer, place, proof] = cells[..] else { continue };
        if !control.contains('.') {
            continue; // the head of a table
        }
        assert!(controls.insert(control), "{control} has two rows");
        match answer {
            "met" => {
                let named = quoted(place);
                let (file, words) = named.split_first().unwrap_or_else(|| panic!("{control}: no template"));
                let folder = if file.ends_with(".sh") { deploy() } else { deploy().join("stack") };
                let template = fs::read_to_string(folder.join(file)).unwrap();
                assert!(!words.is_empty(), "{control}: expected a resource after {file}");
                for word in words {
                    assert!(template.contains(word), "{control}: {file} has no {word}");
                }
                let proofs = quoted(proof);
                assert!(!proofs.is_empty(), "{control}: expected a proof");
                for name in proofs {
                    let there =
                        live.contains(&format!("\"{name}\"")) || tests.contains(&format!("fn {name}("));
                    assert!(there || is_rule(name), "{control}: expected {name} as control, test or rule");
                }
            }
            "not met" | "the account's" | "not applicable" => {
                assert!(place.len() > 15, "{control}: expected a reason, found {place}");
            }
            other => {
                panic!("{control}: expected met, not met, the account's or not applicable, found {other}")
            }
        }
    }
    assert_eq!(controls.len(), CONTROLS);
}
