//! The operator's own identifiers. The scanner stores each under a name that identifies its definition.

use data_encoding::HEXLOWER;
use reelgate_flow::asset::Severity;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Prefix of the names that Reelgate gives to the scanner's identifiers.
const OURS: &str = "reelgate-";
/// Characters of the digest in a name: 64 bits distinguish the few definitions of one account.
const DIGEST_CHARS: usize = 16;
/// Characters of the operator's name that are kept in the scanner's name, which may have 128.
const NAME_CHARS_MAX: usize = 90;

/// One of the operator's own identifiers, with the scanner's semantics: Amazon Macie User Guide, "Building custom data
/// identifiers".
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomIdentifier {
    /// The operator's name for the identifier, up to 90 characters.
    pub name: String,
    /// The regular expression, up to 512 characters.
    pub regex: String,
    /// One of these must precede the match; up to 50, 3 to 90 characters each.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// A match that contains one of these is dropped; up to 10, 4 to 90 characters each.
    #[serde(default)]
    pub ignore_words: Vec<String>,
    /// Characters from the end of a keyword to the end of the match, 1 to 300; default 50.
    #[serde(default = "distance_default")]
    pub maximum_match_distance: u16,
    /// Least number of occurrences for each severity, both ascending. If empty, one occurrence makes a finding Medium.
    #[serde(default)]
    pub severity_levels: Vec<(u64, Severity)>,
}

fn distance_default() -> u16 {
    50
}

impl CustomIdentifier {
    /// The scanner's name for the identifier: the operator's name and a digest over the whole definition. A changed
    /// definition gets another name, and every node finds an unchanged one again.
    pub fn scanner_name(&self) -> String {
        let text = serde_json::to_vec(self).expect("text and numbers always serialise");
        let mut digest = HEXLOWER.encode(&Sha256::digest(&text));
        digest.truncate(DIGEST_CHARS);
        let name: String = self.name.chars().take(NAME_CHARS_MAX).collect();
        format!("{OURS}{digest}-{name}")
    }
}

/// The operator's name from the scanner's name for an identifier. A name that Reelgate did not give is returned unchanged.
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
    fn the_operator_s_name_is_parsed_and_other_names_stay_unchanged() {
        assert_eq!(operator_name(&identifier().scanner_name()), "employee-id");
        for other in ["employee-id", "reelgate-employee-id", "reelgate-0123456789abcdef-", ""] {
            assert_eq!(operator_name(other), other);
        }
    }
}
