//! The words that describe one identifier: what it is called, what it needs, how severe it is.

use serde::{Deserialize, Serialize};

use crate::mask::Mask;

/// Broad class of an identifier, in Amazon Macie's own strings so that one handler serves both sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Keys and tokens that open something.
    Credentials,
    /// Cards and bank accounts.
    FinancialInformation,
    /// Data that points at a person.
    PersonalInformation,
    /// What a custom identifier of the configuration finds.
    CustomIdentifier,
}

impl Category {
    /// The category as findings spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Credentials => "CREDENTIALS",
            Category::FinancialInformation => "FINANCIAL_INFORMATION",
            Category::PersonalInformation => "PERSONAL_INFORMATION",
            Category::CustomIdentifier => "CUSTOM_IDENTIFIER",
        }
    }

    /// Type of a finding that holds only this category, as Macie spells it
    /// (Amazon Macie user guide, "Types of Macie findings").
    pub fn finding_type(self) -> &'static str {
        match self {
            Category::Credentials => "SensitiveData:S3Object/Credentials",
            Category::FinancialInformation => "SensitiveData:S3Object/Financial",
            Category::PersonalInformation => "SensitiveData:S3Object/Personal",
            Category::CustomIdentifier => "SensitiveData:S3Object/CustomIdentifier",
        }
    }
}

/// What was found: the identifier's id and its category. Cheap to copy and compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// Macie's id where Macie has the type, else our own; unique in the registry.
    pub id: &'static str,
    /// Category of the id.
    pub category: Category,
}

/// How bad a finding is. The order is the order of badness. Configurations spell it as findings do, or as Macie's API
/// (`MEDIUM`), or in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Logged.
    #[serde(alias = "LOW", alias = "low")]
    Low,
    /// Published with a flag.
    #[serde(alias = "MEDIUM", alias = "medium")]
    Medium,
    /// Quarantined.
    #[serde(alias = "HIGH", alias = "high")]
    High,
}

impl Severity {
    /// The severity as findings spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Low => "Low",
            Severity::Medium => "Medium",
            Severity::High => "High",
        }
    }

    /// Macie's numeric score: 1, 2 or 3.
    pub fn score(self) -> u8 {
        match self {
            Severity::Low => 1,
            Severity::Medium => 2,
            Severity::High => 3,
        }
    }
}

/// Severity by number of occurrences, in Macie's three bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeverityRule {
    /// Exactly one occurrence.
    pub one: Severity,
    /// 2 to 99 occurrences.
    pub some: Severity,
    /// 100 occurrences and more.
    pub many: Severity,
}

impl SeverityRule {
    /// High whatever the count.
    pub const HIGH: SeverityRule = SeverityRule::new(Severity::High, Severity::High, Severity::High);
    /// Low, then Medium, then High: Macie's rule for phone numbers.
    pub const RISING: SeverityRule = SeverityRule::new(Severity::Low, Severity::Medium, Severity::High);

    /// A rule from its three bands.
    pub const fn new(one: Severity, some: Severity, many: Severity) -> SeverityRule {
        SeverityRule { one, some, many }
    }

    /// Severity of `count` occurrences; `count` of 0 reads as 1.
    pub fn of(self, count: u64) -> Severity {
        match count {
            0..=1 => self.one,
            2..=99 => self.some,
            _ => self.many,
        }
    }
}

/// Who gave the identifier its name and rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A managed data identifier of Amazon Macie.
    Macie,
    /// Ours: Macie has no such type.
    Reelgate,
}

/// Whether a keyword has to stand near.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeywordRule {
    /// Reported without; a keyword changes nothing.
    NotNeeded,
    /// Reported without where the shape is telling; a keyword admits looser shapes and raises confidence.
    Helps,
    /// Reported only with a keyword.
    Required,
}

impl KeywordRule {
    /// The rule as the documentation spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            KeywordRule::NotNeeded => "no",
            KeywordRule::Helps => "for loose forms",
            KeywordRule::Required => "yes",
        }
    }
}

/// One row of the registry.
#[derive(Clone, Debug)]
pub struct Identifier {
    /// Id and category.
    pub kind: Kind,
    /// Who named it.
    pub origin: Origin,
    /// Whether keywords matter.
    pub keyword_rule: KeywordRule,
    /// Keywords, lower case; a space also matches nothing, `_` or `-`.
    pub keywords: &'static [&'static str],
    /// What proves a match, in a few words for the documentation.
    pub validation: &'static str,
    /// Severity by count.
    pub severity: SeverityRule,
    /// How a value is masked.
    pub mask: Mask,
}
