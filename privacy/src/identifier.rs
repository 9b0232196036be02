//! The description of one identifier: its id and category, its keywords, its severity.

pub use reelgate_flow::asset::Severity;

use crate::mask::Mask;

/// Category of an identifier. Its strings are those of Amazon Macie, so that one handler works for both sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Keys and tokens that give access to something.
    Credentials,
    /// Cards and bank accounts.
    FinancialInformation,
    /// Data that identifies a person.
    PersonalInformation,
    /// Matches of a custom identifier from the configuration.
    CustomIdentifier,
}

impl Category {
    /// The category as it is written in findings.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Credentials => "CREDENTIALS",
            Category::FinancialInformation => "FINANCIAL_INFORMATION",
            Category::PersonalInformation => "PERSONAL_INFORMATION",
            Category::CustomIdentifier => "CUSTOM_IDENTIFIER",
        }
    }

    /// Macie's type of a finding with only this category
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
    /// Macie's id if Macie has the type, otherwise an id of Reelgate; unique in the registry.
    pub id: &'static str,
    pub category: Category,
}

/// A severity in Macie's words.
pub fn macie_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::None => "None",
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
    }
}

/// Macie's numeric score of a severity: 1, 2 or 3; 0 for none.
pub fn macie_score(severity: Severity) -> u8 {
    match severity {
        Severity::None => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
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
    /// High for every count.
    pub const HIGH: SeverityRule = SeverityRule::new(Severity::High, Severity::High, Severity::High);
    /// Low, then Medium, then High: Macie's rule for phone numbers.
    pub const RISING: SeverityRule = SeverityRule::new(Severity::Low, Severity::Medium, Severity::High);

    pub const fn new(one: Severity, some: Severity, many: Severity) -> SeverityRule {
        SeverityRule { one, some, many }
    }

    /// Severity of `count` occurrences; a `count` of 0 counts as 1.
    pub fn of(self, count: u64) -> Severity {
        match count {
            0..=1 => self.one,
            2..=99 => self.some,
            _ => self.many,
        }
    }
}

/// Who defined the identifier's id and rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A managed data identifier of Amazon Macie.
    Macie,
    /// Reelgate, because Macie has no such type.
    Reelgate,
}

/// Whether an identifier needs a keyword near the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeywordRule {
    /// The value is reported without a keyword, and a keyword changes nothing.
    NotNeeded,
    /// The value is reported without a keyword if its shape is specific. A keyword allows looser shapes and raises the
    /// confidence.
    Helps,
    /// The value is reported only with a keyword.
    Required,
}

impl KeywordRule {
    /// The rule as it is written in the documentation.
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
    pub kind: Kind,
    pub origin: Origin,
    pub keyword_rule: KeywordRule,
    /// Keywords, lower case; a space also matches nothing, `_` or `-`.
    pub keywords: &'static [&'static str],
    /// What proves a match, in a few words for the documentation.
    pub validation: &'static str,
    pub severity: SeverityRule,
    pub mask: Mask,
}
