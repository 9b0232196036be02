//! Identifiers of the operator's own, which the scanner keeps under a name that tells what they are.

use data_encoding::HEXLOWER;
use reelgate_flow::asset::Severity;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Begins the names of what is ours among the scanner's identifiers.
const OURS: &str = "reelgate-";
/// Characters of the digest in a name: 64 bits tell the few definitions of one account apart.
const DIGEST_CHARS: usize = 16;
/// Characters of the operator's name that go into the scanner's, which may have 128.
const NAME_CHARS_MAX: usize = 90;

/// An identifier of the operator's own, with the scanner's semantics: Amazon Macie User Guide, "Building custom data
/// identifiers".
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomIdentifier {
    /// The operator's name for it, up to 90 characters.
    pub name: String,
    /// The expression, up to 512 characters.
    pub regex: String,
    /// One of them must stand before the match; up to 50, 3 to 90 characters each.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// A match that contains one of them is dropped; up to 10, 4 to 90 characters each.
    #[serde(default)]
    pub ignore_words: Vec<String>,
    /// Characters from the end of a keyword to the end of the match, 1 to 300; default 50.
    #[serde(default = "distance_default")]
    pub maximum_match_distance: u16,
    /// Occurrences from which on a finding has this severity, both ascending; none: Medium from one.
    #[serde(default)]
    pub severity_levels: Vec<(u64, Severity)>,
}

fn distance_default() -> u16 {
    50
}

impl CustomIdentifier {
    /// What the scanner calls it: its name and a digest over all of it. A definition that changes gets another name, and
    /// the same one is found again by any node.
    pub fn scanner_name(&self) -> String {
        let text = serde_json::to_vec(self).expect("texts and numbers can be written");
        let mut digest = HEXLOWER.encode(&Sha256::digest(&text));
        digest.truncate(DIGEST_CHARS);
        let name: String = self.name.chars().take(NAME_CHARS_MAX).collect();
        format!("{OURS}{digest}-{name}")
    }
}

/// The operator's name out of what the scanner calls an identifier; the scanner's own where it is none of ours.
pub(super) fn operator_name(scanner_name: &str) -> &str {
    let named = || {
        let (digest, name) = scanner_name.strip_prefix(OURS)?.split_once('-')?;
        let is_digest = digest.len() == DIGEST_CHARS && digest.bytes().all(|b| b.is_ascii_hexdigit());
        (is_digest && !name.is_empty()).then_some(name)
    };
    named().unwrap_or(scanner_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifier() -> CustomIdentifier {
        serde_json::from_value(serde_json::json!({"name": "employee-id", "regex": "E-[0-9]{6}"})).unwrap()
    }

    #[test]
    fn every_change_of_a_definition_changes_its_name_and_nothing_else_does() {
        let changes: [fn(&mut CustomIdentifier); 6] = [
            |one| one.name = "staff".into(),
            |one| one.regex = "E-[0-9]{7}".into(),
            |one| one.keywords.push("employee".into()),
            |one| one.ignore_words.push("E-000000".into()),
            |one| one.maximum_match_distance = 51,
            |one| one.severity_levels.push((1, Severity::High)),
        ];
        assert_eq!(identifier().scanner_name(), identifier().scanner_name());
        for change in changes {
            let mut changed = identifier();
            change(&mut changed);
            assert_ne!(changed.scanner_name(), identifier().scanner_name());
        }
    }

    #[test]
    fn the_operator_s_name_is_read_back_and_other_names_stay_as_they_are() {
        assert_eq!(operator_name(&identifier().scanner_name()), "employee-id");
        for other in ["employee-id", "reelgate-employee-id", "reelgate-0123456789abcdef-", ""] {
            assert_eq!(operator_name(other), other);
        }
    }
}
