//! Why a definition in the configuration is refused: what was expected and what was found.

/// A definition outside the limits.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A name is empty or too long.
    #[error("the name of a custom identifier must have 1 to 128 characters, this one has {chars}")]
    NameLength { chars: usize },
    /// Two custom identifiers share a name, or one has the id of a managed identifier.
    #[error("custom identifier {name:?} is defined twice or has the id of a built-in one; rename it")]
    NameTaken { name: String },
    #[error("a configuration may have at most 100 custom identifiers, this one has {found}")]
    TooMany {
        /// Definitions found.
        found: usize,
    },
    /// An expression is empty or too long.
    #[error("the expression of {name:?} must have 1 to 512 characters, this one has {chars}")]
    RegexLength { name: String, chars: usize },
    /// An expression does not parse, or its compiled form is too large.
    #[error(
        "the expression of {name:?} does not compile (look-around and back-references are not supported)"
    )]
    Regex {
        name: String,
        /// The error of the `regex` crate.
        #[source]
        error: Box<regex::Error>,
    },
    /// An expression matches an empty text.
    #[error(
        "the expression of {name:?} matches an empty text, so it would match everywhere; require at least one character"
    )]
    RegexMatchesNothing { name: String },
    /// Keywords outside the limits.
    #[error("{name:?} may have 50 keywords of 3 to 90 characters; one list or word has {found}")]
    Keywords {
        name: String,
        /// Words, or characters of one.
        found: usize,
    },
    /// Ignore words outside the limits.
    #[error("{name:?} may have 10 ignore words of 4 to 90 characters; one list or word has {found}")]
    IgnoreWords {
        name: String,
        /// Words, or characters of one.
        found: usize,
    },
    /// A distance outside the limits.
    #[error("the maximum match distance of {name:?} must be 1 to 300 characters, this one is {found}")]
    Distance {
        name: String,
        /// Characters found.
        found: u16,
    },
    /// Thresholds that do not ascend from 1 or more, or a level without a severity.
    #[error(
        "the severity levels of {name:?} need severities above none and thresholds of 1 or more, each greater than the one before"
    )]
    SeverityLevels {
        /// The identifier.
        name: String,
    },
    /// Words of an allow list outside the limits.
    #[error("an allow list may have 100,000 words of 1 to 90 characters; one list or word has {found}")]
    AllowedWords {
        /// Words, or characters of one.
        found: usize,
    },
    /// The expression of an allow list is refused.
    #[error("{error}")]
    AllowedRegex {
        /// What is wrong with it.
        error: Box<ConfigError>,
    },
    /// No identifier has the id that is to be switched off.
    #[error("there is no identifier {id:?} to switch off; docs/reference/identifiers.md lists them")]
    UnknownIdentifier { id: String },
    /// A key for fingerprints is so short that it could be guessed.
    #[error("a fingerprint key must have 16 bytes or more, this one has {bytes}; make one at random")]
    FingerprintKey {
        /// Bytes found.
        bytes: usize,
    },
}
