//! The registry: every identifier that this crate can report, collected from the families and the table.

use crate::families::FAMILIES;
use crate::identifier::Identifier;
use crate::table;

/// All identifiers, sorted by id.
pub fn identifiers() -> Vec<Identifier> {
    let families = FAMILIES.iter().flat_map(|family| (family.identifiers)());
    let mut all: Vec<Identifier> = families.chain(table::identifiers()).collect();
    all.sort_by_key(|identifier| identifier.kind.id);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifier::KeywordRule;

    #[test]
    fn no_two_identifiers_share_an_id() {
        let all = identifiers();
        let repeated = all.windows(2).find(|pair| pair[0].kind.id == pair[1].kind.id);
        assert!(repeated.is_none(), "{repeated:?}");
    }

    #[test]
    fn an_identifier_has_keywords_exactly_if_its_rule_uses_them() {
        for identifier in identifiers() {
            let needs_none = identifier.keyword_rule == KeywordRule::NotNeeded;
            assert_eq!(identifier.keywords.is_empty(), needs_none, "{}", identifier.kind.id);
            let lower = identifier.keywords.iter().all(|word| word.to_lowercase() == **word);
            assert!(lower, "{}", identifier.kind.id);
        }
    }
}
