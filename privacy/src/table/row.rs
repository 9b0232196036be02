//! A row of the table: the data of one identifier.

use crate::candidate::Strength;
use crate::identifier::{Category, Identifier, KeywordRule, Kind, Origin, SeverityRule};
use crate::mask::Mask;

/// One identifier, or further forms of an identifier that a family lists.
pub(crate) struct Row {
    pub id: &'static str,
    pub category: Category,
    pub origin: Origin,
    /// What proves a match, in a few words for the documentation; `None` if a family lists the identifier.
    pub validation: Option<&'static str>,
    pub keywords: &'static [&'static str],
    /// Forms of a number: `9` is a digit, `A` a letter, `#` either. At each space a number has a gap, such as a space or a
    /// dash; either at all spaces of the shape or at none.
    pub shapes: &'static [&'static str],
    /// Proves a number. It gets only letters and digits, in upper case.
    pub check: fn(&[u8]) -> bool,
    pub strength: Strength,
    pub severity: SeverityRule,
    pub mask: Mask,
}

impl Row {
    /// The values that most rows share: personal, defined by Macie, High for every count, masked completely.
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

    /// Confidence, 0 to 100, by the strength of the row's check.
    pub fn confidence(&self) -> u8 {
        match self.strength {
            Strength::Checksum => 95,
            Strength::Format => 85,
            Strength::Loose => 65,
        }
    }
}
