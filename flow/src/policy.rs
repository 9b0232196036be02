//! Policy: rules that map a finding to a response by severity, kind and key of the upload, as data.

use alloc::string::String;
use alloc::vec::Vec;

use crate::asset::{Response, Severity};

/// One rule. It matches if all its conditions match; the first matching rule decides the response.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Rule {
    /// At least this severity.
    #[cfg_attr(feature = "serde", serde(default = "low"))]
    pub severity: Severity,
    /// One of these kinds, such as `CREDIT_CARD_NUMBER`; empty for all.
    #[cfg_attr(feature = "serde", serde(default))]
    pub kinds: Vec<String>,
    /// The upload's key begins with this; empty for all.
    #[cfg_attr(feature = "serde", serde(default))]
    pub prefix: String,
    /// The response to a matching finding.
    pub action: Response,
}

#[cfg(feature = "serde")]
fn low() -> Severity {
    Severity::Low
}

/// Rules in order, before the default: High is quarantined, Medium is published and marked, Low is recorded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policy {
    /// The rules; the first matching one decides.
    pub rules: Vec<Rule>,
}

impl Policy {
    /// The response to a finding in an upload with this key.
    pub fn answer(&self, severity: Severity, kind: &str, key: &str) -> Response {
        let fits = |rule: &&Rule| {
            severity >= rule.severity
                && (rule.kinds.is_empty() || rule.kinds.iter().any(|known| known == kind))
                && key.starts_with(&rule.prefix)
        };
        match (self.rules.iter().find(fits), severity) {
            (Some(rule), _) => rule.action,
            (None, Severity::High) => Response::Quarantine,
            (None, Severity::Medium) => Response::PublishTagged,
            (None, Severity::Low | Severity::None) => Response::Log,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn rule(severity: Severity, kinds: &[&str], prefix: &str, action: Response) -> Rule {
        let kinds = kinds.iter().map(|kind| String::from(*kind)).collect();
        Rule { severity, kinds, prefix: prefix.into(), action }
    }

    #[test]
    fn without_rules_the_severity_decides() {
        let answer = |severity| Policy::default().answer(severity, "ANY", "a/b");
        assert_eq!(answer(Severity::High), Response::Quarantine);
        assert_eq!(answer(Severity::Medium), Response::PublishTagged);
        assert_eq!(answer(Severity::Low), Response::Log);
    }

    #[test]
    fn the_first_matching_rule_decides() {
        let policy = Policy {
            rules: vec![
                rule(Severity::Low, &["CARD"], "shop/", Response::RedactThenPublish),
                rule(Severity::Medium, &[], "", Response::Quarantine),
                rule(Severity::Low, &["CARD"], "", Response::PublishTagged),
            ],
        };
        let answer = |severity, kind, key| policy.answer(severity, kind, key);
        assert_eq!(answer(Severity::High, "CARD", "shop/a"), Response::RedactThenPublish);
        assert_eq!(answer(Severity::High, "PHONE", "shop/a"), Response::Quarantine);
        assert_eq!(answer(Severity::Low, "CARD", "a"), Response::PublishTagged);
        assert_eq!(answer(Severity::Low, "PHONE", "a"), Response::Log);
    }
}
