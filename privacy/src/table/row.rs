//! One row of the table.

use crate::candidate::Strength;
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

/// One identifier, or further forms of one that a family lists.
pub(crate) struct Row {
    pub id: &'static str,
    pub category: Category,
    pub origin: Origin,
    /// Who lists the identifier in the registry, with what proves it in a few words; `None` where a family does.
    pub validation: Option<&'static str>,
    pub keywords: &'static [&'static str],
    /// `9` is a digit, `A` a letter, `#` either; at a space the groups may part, by one space,
    /// dash, dot or stroke, at all of them or at none.
    pub shapes: &'static [&'static str],
    /// Takes letters and digits only, upper case.
    pub check: fn(&[u8]) -> bool,
    pub strength: Strength,
    pub severity: SeverityRule,
    pub mask: Mask,
}

impl Row {
    /// The values most rows share: personal, one of Macie's, High whatever the count, nothing shown.
    pub const COMMON: Row = Row {
        id: "",
        category: Category::PersonalInformation,
        origin: Origin::Macie,
        validation: Some(""),
        keywords: &[],
        shapes: &[],
        check: |_| true,
        strength: Strength::Loose,
        severity: SeverityRule::HIGH,
        mask: Mask::Shape,
    };

    pub fn kind(&self) -> Kind {
        Kind { id: self.id, category: self.category }
    }

    pub(super) fn identifier(&self) -> Option<Identifier> {
        Some(Identifier {
            kind: self.kind(),
            origin: self.origin,
            keyword_rule: KeywordRule::Required,
            keywords: self.keywords,
            validation: self.validation?,
            severity: self.severity,
            mask: self.mask,
        })
    }

    /// 0 to 100, by what the row's check proves.
    pub fn confidence(&self) -> u8 {
        match self.strength {
            Strength::Checksum => 95,
            Strength::Format => 85,
            Strength::Loose => 65,
        }
    }
}
