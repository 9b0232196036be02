//! Decisions that need two people: who proposed them, who approves them, and what exactly was proposed.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::decisions::Decision;
use super::principal::Principal;

/// A decision that waits for the approval of a second person.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// Names this proposal and what it says; an approval repeats it.
    pub id: String,
    /// What is proposed, by whom and why.
    pub decision: Decision,
    /// SHA-256 of the findings that were known of the asset.
    pub known_sha256: String,
    /// When it expires, milliseconds since 1970.
    pub valid_until_ms: u64,
}

/// Bytes of the hash that names a proposal.
const ID_BYTES: usize = 8;

impl Proposal {
    /// A proposal about an asset, named by a hash of everything in it.
    pub fn new(asset: &str, decision: Decision, known_sha256: String, valid_until_ms: u64) -> Self {
        let mut hash = Sha256::new();
        let expires_ms = decision.expires_ms.map(|ms| ms.to_string()).unwrap_or_default();
        let valid_until = valid_until_ms.to_string();
        let Decision { what, by, reason, .. } = &decision;
        let fields =
            [asset, what.as_str(), &by.name, &by.how, reason, &expires_ms, &known_sha256, &valid_until];
        for field in fields {
            hash.update(field.as_bytes());
            // No field contains a zero byte, so different fields cannot be joined to the same text.
            hash.update([0]);
        }
        let hash = hash.finalize();
        let id = HEXLOWER.encode(hash.get(..ID_BYTES).unwrap_or_default());
        Self { id, decision, known_sha256, valid_until_ms }
    }
}

/// A second person's agreement to a proposal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approval {
    /// The proposal's id.
    pub proposal: String,
    /// Who approves.
    pub by: Principal,
}

/// What became of a decision.
#[derive(Clone, PartialEq, Debug)]
pub enum DecisionOutcome {
    /// It is carried out.
    CarriedOut,
    /// It waits for the approval of a second person.
    Proposed(Box<Proposal>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::decisions::Decided;

    fn principal(name: &str, how: &str) -> Principal {
        Principal { name: name.into(), how: how.into() }
    }

    #[test]
    fn whatever_changes_in_a_proposal_changes_its_name() {
        let decision = Decision {
            what: Decided::Release,
            by: principal("ana", "uid 1 on a"),
            reason: "ticket 7".into(),
            expires_ms: None,
        };
        let id = |asset: &str, decision: &Decision, known: &str, until_ms| {
            Proposal::new(asset, decision.clone(), known.into(), until_ms).id
        };
        let ids = [
            id("a", &decision, "0", 1),
            id("b", &decision, "0", 1),
            id("a", &decision, "1", 1),
            id("a", &decision, "0", 2),
            id("a", &Decision { what: Decided::Erase, ..decision.clone() }, "0", 1),
            id("a", &Decision { by: principal("ben", "uid 1 on a"), ..decision.clone() }, "0", 1),
            id("a", &Decision { by: principal("ana", "uid 2 on a"), ..decision.clone() }, "0", 1),
            id("a", &Decision { reason: "ticket 8".into(), ..decision.clone() }, "0", 1),
            id("a", &Decision { expires_ms: Some(5), ..decision.clone() }, "0", 1),
        ];
        let different: std::collections::BTreeSet<&String> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
        assert!(ids.iter().all(|id| id.len() == 2 * ID_BYTES));
        assert_eq!(id("a", &decision, "0", 1), ids[0]);
    }
}
