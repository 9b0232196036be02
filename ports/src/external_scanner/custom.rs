//! The operator's own identifiers. The scanner stores each under a name that identifies its definition.

use data_encoding::HEXLOWER;
use reelgate_flow::custom_identifier::CustomIdentifier;
use sha2::{Digest, Sha256};

/// Prefix of the names that Reelgate gives to the scanner's identifiers.
const OURS: &str = "reelgate-";
/// Characters of the digest in a name: 64 bits distinguish the few definitions of one account.
const DIGEST_CHARS: usize = 16;
/// Characters of the operator's name that are kept in the scanner's name, which may have 128.
const NAME_CHARS_MAX: usize = 90;

/// The scanner's name for an identifier: the operator's name and a digest of the whole definition. A definition that changes
/// gets another name, and every node finds an unchanged one again.
pub fn scanner_name(identifier: &CustomIdentifier) -> String {
    let text = serde_json::to_vec(identifier).expect("texts and numbers can be written");
    let mut digest = HEXLOWER.encode(&Sha256::digest(&text));
    digest.truncate(DIGEST_CHARS);
    let name: String = identifier.name.chars().take(NAME_CHARS_MAX).collect();
    format!("{OURS}{digest}-{name}")
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
    use reelgate_flow::asset::Severity;
    use reelgate_flow::custom_identifier::SeverityLevel;

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
            |one| {
                let severity = Severity::High;
                one.severity_levels.push(SeverityLevel { occurrences_threshold: 1, severity });
            },
        ];
        assert_eq!(scanner_name(&identifier()), scanner_name(&identifier()));
        for change in changes {
            let mut changed = identifier();
            change(&mut changed);
            assert_ne!(scanner_name(&changed), scanner_name(&identifier()));
        }
    }

    #[test]
    fn the_operator_s_name_is_read_back_and_other_names_stay_as_they_are() {
        assert_eq!(operator_name(&scanner_name(&identifier())), "employee-id");
        for other in ["employee-id", "reelgate-employee-id", "reelgate-0123456789abcdef-", ""] {
            assert_eq!(operator_name(other), other);
        }
    }
}
