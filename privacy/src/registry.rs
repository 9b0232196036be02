//! The registry: every identifier this crate can report, gathered from the families.

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
    fn keywords_are_listed_exactly_where_the_rule_speaks_of_them() {
        for identifier in identifiers() {
            let needs_none = identifier.keyword_rule == KeywordRule::NotNeeded;
            assert_eq!(identifier.keywords.is_empty(), needs_none, "{}", identifier.kind.id);
            let lower = identifier.keywords.iter().all(|word| word.to_lowercase() == **word);
            assert!(lower, "{}", identifier.kind.id);
        }
    }
}
